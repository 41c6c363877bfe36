# SPDX-License-Identifier: Apache-2.0
"""Our client of Nova on a whole cloud, emulated or real."""

from typing import Any

from protector import exception
from protector.clients import types
from protector.tests.unit.clients import contract

NOWHERE = "11111111-2222-3333-4444-555555555555"
KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJRlpyCJVpCwD0nfTuIcYo4k3gGuVPm8hdV1"
    "S1gZ0pVb contract"
)


class ServerContractTest(contract.ContractTestCase):
    def _boot(self, **extra: Any) -> types.Server:
        """A server from a volume of its own."""
        root = self.new_volume()
        self.tenant.volume.set_bootable(root.id, True)
        flavor = min(self.tenant.compute.flavors(), key=lambda f: f.ram)
        body = {
            "name": self.name("server"),
            "flavorRef": flavor.id,
            "networks": "none",
            "block_device_mapping_v2": [
                {
                    "boot_index": 0,
                    "uuid": root.id,
                    "source_type": "volume",
                    "destination_type": "volume",
                    "delete_on_termination": False,
                }
            ],
            **extra,
        }
        server_id = self.tenant.compute.create_server(body)
        self.addCleanup(self.gone, self.servers, server_id)
        self.addCleanup(
            self.drop, self.tenant.compute.delete_server, server_id
        )
        return self._at(server_id, "ACTIVE")

    def _at(self, server_id: str, *statuses: str) -> types.Server:
        reached = self.reached(*statuses)
        return self.servers.wait(
            server_id,
            lambda s: reached(s) if s and not s.task_state else None,
            contract.SECONDS,
        )

    def test_a_server_shows_all_it_is_made_of(self) -> None:
        server = self._boot(
            metadata={"mark": "one"},
            tags=["protector"],
            user_data="aGVsbG8=",
            description="for a test",
        )
        compute = self.tenant.compute
        found = compute.get_server(server.id)
        self.assertEqual(self.tenant.project_id, found.project_id)
        self.assertEqual(self.site.identity.user_id, found.user_id)
        self.assertEqual({"mark": "one"}, found.metadata)
        self.assertEqual("aGVsbG8=", found.raw["OS-EXT-SRV-ATTR:user_data"])
        self.assertIn("original_name", found.raw["flavor"])
        self.assertEqual(["protector"], found.raw["tags"])
        attached = compute.attachments(server.id)
        self.assertEqual(
            list(found.volume_ids), [a.volume_id for a in attached]
        )
        self.assertEqual(found.root_device_name, attached[0].device)
        self.assertIs(False, attached[0].delete_on_termination)
        self.assertEqual(
            (server.id,),
            self.tenant.volume.get(attached[0].volume_id).server_ids,
        )

    def test_scheduler_hints_are_kept(self) -> None:
        compute = self.tenant.compute
        group = compute.create_server_group(self.name("group"), "affinity")
        self.assertEqual(group["id"], compute.server_group(group["id"])["id"])
        self.assertIn(group["id"], {g["id"] for g in compute.server_groups()})
        root = self.new_volume()
        self.tenant.volume.set_bootable(root.id, True)
        flavor = min(compute.flavors(), key=lambda f: f.ram)
        mapping = {
            "boot_index": 0,
            "uuid": root.id,
            "source_type": "volume",
            "destination_type": "volume",
        }
        server_id = compute.create_server(
            {
                "name": self.name("server"),
                "flavorRef": flavor.id,
                "networks": "none",
                "block_device_mapping_v2": [mapping],
            },
            {"group": group["id"]},
        )
        self.addCleanup(self.gone, self.servers, server_id)
        self.addCleanup(self.drop, compute.delete_server, server_id)
        server = self._at(server_id, "ACTIVE")
        self.assertEqual([group["id"]], server.raw["server_groups"])
        if compute.server_maximum >= (2, 100):
            hints = server.raw["scheduler_hints"]
            self.assertIn(group["id"], str(hints["group"]))

    def test_parking_and_coming_back(self) -> None:
        compute = self.tenant.compute
        server = self._boot()
        compute.stop(server.id)
        self._at(server.id, "SHUTOFF")
        compute.shelve(server.id)
        self._at(server.id, "SHELVED_OFFLOADED")
        volume = self.tenant.volume.get(server.volume_ids[0])
        self.assertEqual("reserved", volume.status)
        compute.unshelve(server.id)
        self._at(server.id, "ACTIVE")
        actions = compute.instance_actions(server.id)
        self.assertEqual(
            ["unshelve", "shelve", "stop", "create"],
            [a.action for a in actions],
        )
        compute.stop(server.id)
        self._at(server.id, "SHUTOFF")
        compute.start(server.id)
        self._at(server.id, "ACTIVE")
        error = self.assertRaises(
            exception.CloudConflict, compute.start, server.id
        )
        self.assertIn(f"start server {server.id}", error.message)

    def test_a_lock_holds_against_the_tenant(self) -> None:
        server = self._boot()
        operator = self.site.service.compute
        operator.lock(server.id, "protector failover")
        found = self.tenant.compute.get_server(server.id)
        self.assertTrue(found.locked)
        self.assertEqual("protector failover", found.locked_reason)
        theirs = self.under_test.tenant.compute
        refused = theirs.post(
            f"/servers/{server.id}/action",
            json={"unlock": None},
            raise_exc=False,
        )
        self.assertEqual(403, refused.status_code)
        operator.stop(server.id)
        self._at(server.id, "SHUTOFF")
        operator.unlock(server.id)
        self.assertFalse(self.tenant.compute.get_server(server.id).locked)

    def test_volumes_of_a_server(self) -> None:
        compute = self.tenant.compute
        server, data = self._boot(), self.new_volume()
        compute.attach_volume(server.id, data.id)
        self.volumes.wait(data.id, self.reached("in-use"), contract.SECONDS)
        for flag in (True, False):
            compute.set_delete_on_termination(server.id, data.id, flag)
            found = {a.volume_id: a for a in compute.attachments(server.id)}
            self.assertIs(flag, found[data.id].delete_on_termination)
        compute.detach_volume(server.id, data.id)
        self.available(data.id)
        compute.set_tags(server.id, ["b", "a"])
        tagged = compute.list_servers(tags=["a"])
        self.assertEqual([server.id], [s.id for s in tagged])
        self.assertIsInstance(compute.console_output(server.id), str)

    def test_servers_are_found(self) -> None:
        compute = self.tenant.compute
        one, two = self._boot(metadata={"mark": "find"}), self._boot()
        ids = {one.id, two.id, NOWHERE}
        for found in (
            compute.list_servers(ids=ids),
            self.site.service.compute.list_servers(ids, all_projects=True),
        ):
            self.assertEqual({one.id, two.id}, {s.id for s in found})
        self.assertEqual(
            [one.id],
            [s.id for s in compute.list_servers(metadata={"mark": "find"})],
        )
        self.assertEqual(
            [two.id], [s.id for s in compute.list_servers(name=two.name)]
        )
        self.assertEqual([], compute.list_servers(ids={NOWHERE}))
        self.assertEqual([], self.site.service.compute.list_servers(ids=ids))
        self.assertRaises(exception.CloudNotFound, compute.get_server, NOWHERE)


class MaterialContractTest(contract.ContractTestCase):
    def test_flavors(self) -> None:
        compute = self.tenant.compute
        for flavor in compute.flavors():
            self.assertEqual(flavor, compute.flavor(flavor.id))
        self.assertRaises(exception.CloudNotFound, compute.flavor, NOWHERE)

    def test_keypairs(self) -> None:
        compute = self.tenant.compute
        name = self.name("key")
        made = compute.import_keypair(name, KEY, "ssh")
        self.addCleanup(self.drop, compute.delete_keypair, name)
        self.assertEqual(types.Keypair(name, "ssh", KEY), made)
        self.assertEqual(made, compute.keypair(name))
        self.assertIn(made, compute.keypairs())
        owner = self.site.identity.user_id
        self.assertEqual(made, compute.keypair(name, owner))
        self.assertRaises(
            exception.CloudConflict, compute.import_keypair, name, KEY
        )
        compute.delete_keypair(name)
        self.assertRaises(exception.CloudNotFound, compute.keypair, name)

    def test_another_users_keypair(self) -> None:
        theirs = self.under_test.tenant.compute
        name = self.name("key")
        theirs.create_keypair(name=name, public_key=KEY)
        self.addCleanup(theirs.delete_keypair, name)
        found = self.tenant.compute.keypair(
            name, self.under_test.tenant.current_user_id
        )
        self.assertEqual(KEY, found.public_key)

    def test_quotas_and_zones(self) -> None:
        quotas = {q.resource: q for q in self.tenant.compute.quotas()}
        self.assertEqual(0, quotas["instances"].in_use)
        self.assertGreater(quotas["cores"].free, 0)
        self.assertNotEqual([], self.tenant.compute.availability_zones())
