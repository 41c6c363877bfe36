# SPDX-License-Identifier: Apache-2.0
"""The wire of REST 2.x, beyond what the vendor's client lets one see."""

from typing import Any

from pypureclient import flasharray
import requests

from protector.tests import base
from protector.tests.unit.sandbox.array import processes

_MIB = 1024**2
_HEADER = "x-auth-token"


class Rest2Test(base.TestCase):
    """One array; each test has names of its own."""

    process: processes.ArrayProcess

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.process = processes.ArrayProcess("array-r")
        cls.addClassCleanup(cls.process.remove)
        cls.process.start()
        cls.token = cls.login({"api-token": processes.TOKEN}).headers[_HEADER]

    @classmethod
    def login(cls, headers: dict[str, str]) -> requests.Response:
        return cls.process.request("POST", "/api/2.17/login", headers=headers)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of REST 2.17 in a session."""
        return self.process.request(
            method,
            f"/api/2.17/{path}",
            json=body,
            headers={_HEADER: self.token},
        )

    def made(self, name: str) -> dict[str, Any]:
        """A new volume of 1 MiB."""
        answer = self.ask(
            "POST", f"volumes?names={name}", {"provisioned": _MIB}
        )
        self.assertEqual(200, answer.status_code, answer.text)
        return answer.json()["items"][0]

    def refused(self, method: str, path: str, body: Any = None) -> str:
        answer = self.ask(method, path, body)
        self.assertEqual(400, answer.status_code, answer.text)
        return answer.json()["errors"][0]["message"]

    def listed(self, path: str) -> list[str]:
        return [row["name"] for row in self.ask("GET", path).json()["items"]]

    # -- sessions

    def test_both_generations_are_told(self) -> None:
        told = self.process.request("GET", "/api/api_version").json()
        self.assertEqual(["1.19", "2.17"], told["version"][-2:])

    def test_no_session(self) -> None:
        for headers in ({}, {_HEADER: "no"}):
            answer = self.process.request(
                "GET", "/api/2.17/volumes", headers=headers
            )
            self.assertEqual(401, answer.status_code)
            self.assertIn("message", answer.json()["errors"][0])

    def test_wrong_token(self) -> None:
        self.assertEqual(401, self.login({"api-token": "no"}).status_code)
        self.assertEqual(401, self.login({}).status_code)

    def test_a_session_ends(self) -> None:
        token = self.login({"api-token": processes.TOKEN}).headers[_HEADER]
        for status in (200, 401):
            answer = self.process.request(
                "POST", "/api/2.17/logout", headers={_HEADER: token}
            )
            self.assertEqual(status, answer.status_code)

    def test_other_versions(self) -> None:
        answer = self.process.request(
            "GET", "/api/2.99/volumes", headers={_HEADER: self.token}
        )
        self.assertEqual(404, answer.status_code)

    # -- errors and lists

    def test_errors_name_the_object(self) -> None:
        answer = self.ask("GET", "volumes?names=none")
        self.assertEqual(400, answer.status_code)
        self.assertEqual(
            [{"context": "none", "message": "Volume does not exist."}],
            answer.json()["errors"],
        )

    def test_what_nobody_knows(self) -> None:
        for method, path, body in (
            ("GET", "volumes?colour=red", None),
            ("POST", "volumes?names=x", {"provisioned": _MIB, "colour": 1}),
            ("PATCH", "volumes", {"destroyed": True}),
            ("POST", "volumes?names=x", {}),
            ("POST", "volumes?names=x&overwrite=true", {"provisioned": 1}),
        ):
            self.refused(method, path, body)
        self.assertEqual(404, self.ask("GET", "colours").status_code)

    def test_a_planted_fault_speaks_the_same(self) -> None:
        fault = {"match": "GET .*/volumes[?]names=f", "status": 503}
        self.process.control("PUT", "faults", json=[fault])
        self.addCleanup(self.process.control, "PUT", "faults", json=[])
        answer = self.ask("GET", "volumes?names=f")
        self.assertEqual(503, answer.status_code)
        self.assertIn("errors", answer.json())

    # -- volumes

    def test_life_and_death(self) -> None:
        made = self.made("life")
        self.assertEqual(_MIB, made["provisioned"])
        self.assertGreater(made["created"], 1_600_000_000_000)
        self.assertNotIn("time_remaining", made)
        self.ask("PATCH", "volumes?names=life", {"destroyed": True})
        self.assertEqual(["life"], self.listed("volumes?names=life"))
        self.assertEqual([], self.listed("volumes?names=life&destroyed=false"))
        (gone,) = self.ask("GET", "volumes?names=life").json()["items"]
        self.assertGreater(gone["time_remaining"], 0)
        self.ask("PATCH", "volumes?names=life", {"destroyed": False})
        self.assertIn(
            "has not been destroyed",
            self.refused("DELETE", "volumes?names=life"),
        )

    def test_one_change_at_a_time(self) -> None:
        """A name and a death in one are refused (CloudStack PR 13049)."""
        self.made("once")
        change = {"name": "twice", "destroyed": True}
        self.refused("PATCH", "volumes?names=once", change)
        self.assertEqual(
            ["once"], self.listed("volumes?names=once&destroyed=false")
        )

    def test_a_retention_lock_is_never_lifted(self) -> None:
        self.ask("POST", "protection-groups?names=locked")
        where = "protection-groups?names=locked"
        change = {"retention_lock": "ratcheted"}
        for _ in range(2):
            (item,) = self.ask("PATCH", where, change).json()["items"]
            self.assertEqual("ratcheted", item["retention_lock"])
        for other in ("unlocked", "none"):
            self.refused("PATCH", where, {"retention_lock": other})
        self.refused("PATCH", where, {"destroyed": True})

    def test_copies(self) -> None:
        self.made("c1")
        self.made("c2")
        source = {"source": {"name": "c1"}}
        self.assertIn(
            "already exists", self.refused("POST", "volumes?names=c2", source)
        )
        self.refused(
            "POST",
            "volumes?names=c2&overwrite=true&with_default_protection=false",
            source,
        )
        answer = self.ask("POST", "volumes?names=c2&overwrite=true", source)
        self.assertEqual("c1", answer.json()["items"][0]["source"]["name"])

    # -- groups

    def test_plans_are_milliseconds(self) -> None:
        self.ask("POST", "protection-groups?names=plan")
        path = "protection-groups?names=plan"
        schedule = {"replication_schedule": {"frequency": 300_000}}
        keep = {
            "target_retention": {"all_for_sec": 60, "per_day": 1, "days": 2}
        }
        (row,) = self.ask("PATCH", path, schedule | keep).json()["items"]
        self.assertEqual(300_000, row["replication_schedule"]["frequency"])
        self.assertEqual(60, row["target_retention"]["all_for_sec"])
        # what Cinder 25 and 26 sent: seconds as milliseconds
        for wrong in (3_600, 300_001):
            self.refused(
                "PATCH", path, {"replication_schedule": {"frequency": wrong}}
            )

    def test_empty_lists_of_members(self) -> None:
        """Cinder's driver sends them, both of them, always."""
        self.ask("POST", "protection-groups?names=empty")
        path = "protection-groups/volumes?group_names=empty&member_names="
        for method in ("POST", "DELETE"):
            self.assertEqual(200, self.ask(method, path).status_code)

    def test_members_are_asked_for_by_name(self) -> None:
        """Cinder's driver wants an empty list of what is in no group."""
        self.made("m1")
        answer = self.ask("GET", "protection-groups/volumes?member_names=m1")
        self.assertEqual([], answer.json()["items"])
        self.ask("POST", "protection-groups?names=members")
        path = "protection-groups/volumes?group_names=members&member_names=m1"
        self.ask("POST", path)
        answer = self.ask("GET", "protection-groups/volumes?member_names=m1")
        (row,) = answer.json()["items"]
        self.assertEqual("members", row["group"]["name"])

    def test_changes_are_in_the_log(self) -> None:
        self.made("logged")
        rows = self.process.control("GET", "calls")
        path = "/api/2.17/volumes?names=logged"
        self.assertEqual(
            [("POST", path, 200)],
            [
                (row["method"], row["path"], row["status"])
                for row in rows
                if row["path"] == path
            ],
        )

    # -- the vendor's client

    def client(self) -> Any:
        return flasharray.Client(
            self.process.target,
            version="2.17",
            api_token=processes.TOKEN,
            timeout=10,
        )

    def test_statistics_over_the_sdk(self) -> None:
        """What Cinder's driver reports once a minute."""
        self.made("counted")
        client = self.client()
        (space,) = client.get_arrays_space().items
        self.assertGreaterEqual(space.space.total_provisioned, _MIB)
        self.assertGreaterEqual(space.capacity, space.space.total_physical)
        load = client.get_arrays_performance(
            start_time=0, end_time=1, resolution=30000, total_item_count=True
        )
        self.assertEqual(1, load.total_item_count)
        self.assertEqual(0, next(iter(load.items)).reads_per_sec)

    def test_targets_over_the_sdk(self) -> None:
        """How Cinder's driver finds where to log in."""
        client = self.client()
        (controller,) = client.get_controllers(filter="status='ready'").items
        (port,) = client.get_ports(filter=f"name='{controller.name}.*'").items
        self.assertTrue(port.iqn.startswith("iqn."))
        self.assertEqual("127.0.0.1:3260", port.portal)
        bonds = client.get_network_interfaces(filter="eth.subtype='vif'")
        self.assertEqual([], list(bonds.items))

    def test_tags_over_the_sdk(self) -> None:
        self.made("tagged")
        client = self.client()
        for value in ("Data", "Boot"):
            tag = flasharray.TagBatch(
                key="VolType", value=value, namespace="n", copyable=False
            )
            done = client.put_volumes_tags_batch(
                tag=[tag], resource_names=["tagged"]
            )
            self.assertEqual(200, done.status_code)
        found = list(client.get_volumes_tags(resource_names=["tagged"]).items)
        self.assertEqual(
            [("VolType", "Boot")], [(t.key, t.value) for t in found]
        )
        client.delete_volumes_tags(namespaces=["n"], resource_names=["tagged"])
        left = client.get_volumes_tags(resource_names=["tagged"])
        self.assertEqual([], list(left.items))

    def test_hosts_over_the_sdk(self) -> None:
        client = self.client()
        self.made("attached")
        done = client.post_hosts(
            names=["h1"], host=flasharray.HostPost(iqns=["iqn.2:x"])
        )
        self.assertEqual(200, done.status_code)
        client.patch_hosts(
            names=["h1"], host=flasharray.HostPatch(personality="aix")
        )
        found = list(
            client.get_hosts(filter="iqns='iqn.2:x' and is_local").items
        )
        self.assertEqual(
            [("h1", "aix")], [(h.name, h.personality) for h in found]
        )
        made = client.post_connections(
            host_names=["h1"],
            volume_names=["attached"],
            connection=flasharray.ConnectionPost(lun=7),
        )
        self.assertEqual(7, next(iter(made.items)).lun)
        again = client.post_connections(
            host_names=["h1"], volume_names=["attached"]
        )
        self.assertEqual(400, again.status_code)
        self.assertIn("already exists", again.errors[0].message)
        gone = client.delete_connections(
            host_names=["h1"], volume_names=["attached"]
        )
        self.assertEqual(200, gone.status_code)
        self.assertEqual(200, client.delete_hosts(names=["h1"]).status_code)
