# SPDX-License-Identifier: Apache-2.0
"""Every call of every client: who asks the guard and who does not."""

from collections.abc import Callable
import inspect
from typing import Any

from protector import exception
from protector.clients import clouds
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Json = dict[str, Any]

SERVER = {"id": "s", "status": "ACTIVE", "tenant_id": "tenant"}
VOLUME = {"id": "v", "status": "available", "size": 1}
GROUP = {"id": "g", "status": "available", "volumes": []}
PORT = {
    "id": "p",
    "network_id": "n",
    "mac_address": "fa:16:3e:00:00:01",
    "status": "DOWN",
}
FLAVOR = {"id": "f", "name": "f", "vcpus": 1, "ram": 1, "disk": 0}
KEYPAIR = {"name": "k", "public_key": "ssh-rsa AAAA"}
# all that any GET wants to find
EVERYTHING: Json = {
    "server": SERVER,
    "servers": [SERVER],
    "volumeAttachments": [{"volumeId": "v", "device": "/dev/vda"}],
    "instanceActions": [],
    "flavors": [FLAVOR],
    "flavor": FLAVOR,
    "extra_specs": {},
    "keypair": KEYPAIR,
    "keypairs": [{"keypair": KEYPAIR}],
    "server_group": {"id": "sg"},
    "server_groups": [],
    "availabilityZoneInfo": [],
    "quota_set": {"id": "tenant"},
    "volume": VOLUME,
    "volumes": [VOLUME],
    "volume_types": [],
    "group_types": [],
    "group": GROUP,
    "groups": [GROUP],
    "pools": [],
    "services": [],
    "extensions": [],
    "port": PORT,
    "ports": [PORT],
    "network": {"id": "n"},
    "networks": [],
    "subnets": [],
    "security_group": {"id": "sg"},
    "security_groups": [],
    "floatingips": [],
    "quota": {},
    "images": [],
    "project": {"id": "p"},
    "projects": [],
    "domain": {"id": "d"},
    "site": {"id": fake_cloud.SITE_ID, "name": "site-b"},
}

CHANGES: dict[str, dict[str, tuple[Any, ...]]] = {
    "compute": {
        "create_server": ({},),
        "delete_server": ("s",),
        "start": ("s",),
        "stop": ("s",),
        "shelve": ("s",),
        "unshelve": ("s",),
        "lock": ("s", "why"),
        "unlock": ("s",),
        "set_tags": ("s", ["t"]),
        # a POST that only reads: asked all the same
        "console_output": ("s",),
        "attach_volume": ("s", "v"),
        "detach_volume": ("s", "v"),
        "set_delete_on_termination": ("s", "v", False),
        "attach_port": ("s", "p"),
        "detach_port": ("s", "p"),
        "import_keypair": ("k", "ssh-rsa AAAA"),
        "delete_keypair": ("k",),
        "create_server_group": ("g", "affinity"),
        "delete_server_group": ("g",),
    },
    "volume": {
        "create": ("v", 1, "t"),
        "delete": ("v",),
        "extend": ("v", 2),
        "set_bootable": ("v", True),
        "set_image_metadata": ("v", {"a": "b"}),
        "set_metadata": ("v", {"a": "b"}),
        "update": ("v", "name"),
        "create_group": ("g", "", "gt", ["t"]),
        "update_group": ("g", ["v"]),
        "delete_group": ("g",),
        "create_group_type": ("gt", {"a": "b"}),
    },
    "network": {
        "create_port": ({},),
        "update_port": ("p", {}),
        "delete_port": ("p",),
        "create_security_group": ("sg",),
        "create_security_group_rule": ({},),
        "delete_security_group_rule": ("r",),
        "delete_security_group": ("sg",),
        "create_floating_ip": ({},),
        "update_floating_ip": ("f", {}),
        "delete_floating_ip": ("f",),
    },
    "image": {},
    "identity": {},
    "peer": {
        "reserve": ({},),
        "push": ("g", b"{}"),
        "forget": ("g",),
        "action": ("g", {}),
        "lock": ("g", "o", 1, 120),
        "unlock": ("g", "o"),
        "release": ("g", "o", 2),
        "mirror": ("o", {}),
    },
}
READS: dict[str, dict[str, tuple[Any, ...]]] = {
    "compute": {
        "get_server": ("s",),
        "list_servers": (),
        "instance_actions": ("s",),
        "attachments": ("s",),
        "flavors": (),
        "flavor": ("f",),
        "keypair": ("k", "u"),
        "keypairs": (),
        "server_group": ("sg",),
        "server_groups": (),
        "availability_zones": (),
        "services": (),
        "quotas": (),
    },
    "volume": {
        "made": ({"protector_member": "m"},),
        "get": ("v",),
        "list": (),
        "types": (),
        "group_types": (),
        "pools": (),
        "services": (),
        "quotas": (),
        "get_group": ("g",),
        "groups": (),
        "find_groups": ("g",),
    },
    "network": {
        "ports": (),
        "get_port": ("p",),
        "networks": (),
        "network": ("n",),
        "subnets": (),
        "security_groups": (),
        "security_group": ("sg",),
        "floating_ips": (),
        "extensions": (),
        "quotas": (),
    },
    "image": {"get": ("i",), "list": ()},
    "identity": {
        "check": (),
        "sign_in": (),
        "endpoint": ("image",),
        "project": ("p",),
        "find_projects": ("p",),
        "domain": ("d",),
    },
    "peer": {
        "identity": (),
        "groups": (),
        "group": ("g",),
        "check": (5,),
        "time": (),
    },
}
# what the calls above are made of, or are the parts of
PLUMBING = {
    "calling",
    "best",
    "read",
    "post",
    "put",
    "remove",
    "pages",
    "all_groups",
}
KINDS: dict[str, type] = {
    "compute": clouds.ComputeClient,
    "volume": clouds.VolumeClient,
    "network": clouds.NetworkClient,
    "image": clouds.ImageClient,
    "identity": clouds.IdentityClient,
    "peer": clouds.PeerClient,
}


class EveryCallTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        for path in (r"^/network", r"^/image", r"^/identity", r"^/protector"):
            self._all(path)
        for path in (r"^/compute/v2.1/.", r"^/volume/v3/."):
            self._all(path)
        self.cloud.on(
            "POST",
            fake_cloud.TOKENS,
            fake_cloud.Answer(
                201,
                self.cloud._token("tenant"),
                {"X-Subject-Token": fake_cloud.TOKEN},
            ),
        )

    def _all(self, path: str) -> None:
        for method in ("GET", "POST", "PUT", "DELETE"):
            answer = fake_cloud.Answer(200, EVERYTHING)
            self.cloud.on(method, path, answer)

    def _client(self, name: str, before_change: Any) -> Any:
        site = fake_cloud.clients(self.cloud, before_change)
        if name in ("identity", "peer"):
            return getattr(site, name)
        return getattr(site.project("tenant"), name)

    def _each(self, table: Any, before_change: Callable[[], None]) -> Any:
        for name, calls in table.items():
            client = self._client(name, before_change)
            for method, arguments in calls.items():
                yield name, method, getattr(client, method), arguments

    def test_no_call_is_left_out(self) -> None:
        for name, kind in KINDS.items():
            found = {
                attribute
                for attribute, _ in inspect.getmembers(
                    kind, inspect.isfunction
                )
                if not attribute.startswith("_")
            }
            known = CHANGES[name].keys() | READS[name].keys()
            self.assertEqual(found - PLUMBING, known)

    def test_a_lost_lease_stops_every_change(self) -> None:
        def lost() -> None:
            raise exception.LeaseLost("gone")

        for name, method, call, arguments in self._each(CHANGES, lost):
            try:
                call(*arguments)
                self.fail(f"{name}.{method} did not ask")
            except exception.LeaseLost:
                pass
        methods = {call.method for call in self.cloud.calls}
        self.assertEqual({"GET"}, methods)

    def test_every_change_asks_once_per_request(self) -> None:
        asked: list[int] = []
        for name, method, call, arguments in self._each(
            CHANGES, lambda: asked.append(1)
        ):
            self.cloud.calls.clear()
            asked.clear()
            try:
                call(*arguments)
            except exception.ProtectorError as e:
                # the answer to all is not the answer to each
                self.assertIn("broken answer", str(e))
            changes = [c for c in self.cloud.calls if c.method != "GET"]
            self.assertEqual(len(changes), len(asked), f"{name}.{method}")
            self.assertNotEqual([], asked, f"{name}.{method}")

    def test_no_read_asks(self) -> None:
        def asked() -> None:
            raise AssertionError("a read asked")

        for _, _, call, arguments in self._each(READS, asked):
            call(*arguments)

    def test_every_call_names_its_service_when_there_is_no_answer(
        self,
    ) -> None:
        for path in (r"^/network", r"^/image", r"^/identity/v3/[dp]"):
            self._none(path)
        for path in (r"^/protector", r"^/compute/.*/.", r"^/volume/.*/."):
            self._none(path)
        labels = {
            "compute": "Nova",
            "volume": "Cinder",
            "network": "Neutron",
            "image": "Glance",
            "identity": "Keystone",
            "peer": "Site",
        }
        signed_in = {"check", "sign_in", "endpoint"}
        for table in (READS, CHANGES):
            for name, method, call, arguments in self._each(
                table, lambda: None
            ):
                if name == "identity" and method in signed_in:
                    continue
                try:
                    call(*arguments)
                    self.fail(f"{name}.{method} found an answer")
                except (
                    exception.CloudUnavailable,
                    exception.PeerUnreachable,
                ) as e:
                    self.assertIn(labels[name], e.message)
                    self.assertIn("site-b", e.message)

    def _none(self, path: str) -> None:
        for method in ("GET", "POST", "PUT", "DELETE"):
            self.cloud.on(method, path, fake_cloud.Answer(cut=True))
