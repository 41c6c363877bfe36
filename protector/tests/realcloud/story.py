# SPDX-License-Identifier: Apache-2.0
"""The parts of the story that its tests are told with.

A test that ends leaves the pair and its servers as it found them.
"""

from collections.abc import Callable, Iterator
import contextlib
import secrets
import time
from typing import Any

from protector.tests.realcloud import (
    arrays,
    backend,
    loss,
    processes,
    protector_site,
    residue,
    rest,
    scene,
)

MEMBER_SECONDS = 240
MOVE_SECONDS = 420
CHANGE_SECONDS = 120
CONVERGE_SECONDS = 300
TIMINGS = "timings.txt"
Json = dict[str, Any]
Digests = dict[str, str]
"""Of each volume, by its name."""


class StoryTestCase(residue.PairTestCase):
    """Servers run at ``a``; ``b`` is where they go."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        directory = cls.tenancy.pair.processes.directory
        (directory / TIMINGS).unlink(missing_ok=True)

    def setUp(self) -> None:
        super().setUp()
        self.names, self.servers = self.tenancy.names, self.tenancy.servers
        self.a, self.b = self.pair.a, self.pair.b
        self.at_a = self.pair.tenant(self.a)
        self.at_b = self.pair.tenant(self.b)
        self._timings: list[str] = []
        self.addCleanup(self._write_timings)

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long a part of the story took."""
        begin = time.monotonic()
        yield
        spent = time.monotonic() - begin
        self._timings.append(f"{self._testMethodName} {what} {spent:.1f} s")

    def _write_timings(self) -> None:
        path = self.pair.processes.directory / TIMINGS
        with open(path, "a") as file:
            file.writelines(f"{line}\n" for line in self._timings)

    def lose_and_return(self) -> None:
        """All of a site is gone, and comes back."""
        group_id = self.create_group()
        self.add_members(group_id)
        written = self.write(self.a, self.seen(self.a, group_id))
        if not self.mirrored:
            self.replicate(group_id)

        bring_back = loss.lose(self.a, self.pair.arrays.a)
        self.addCleanup(bring_back)
        self.until(
            lambda: not self.holds(self.at_b, group_id, "PeerReachable")
        )
        with self.timed("unplanned failover"):
            key = self.at_b.begin(group_id, "failover", {"type": "unplanned"})
            ended = self.at_b.finish(key, MOVE_SECONDS)
        if self.mirrored:
            self.assertEqual(0, ended["result"]["rpo_seconds"])
        there = self.seen(self.b, group_id)
        self.check_running(self.b, there)
        self.assertEqual(written, self.read(self.b, there))
        written = self.write(self.b, there)

        with self.timed("start of the lost site"):
            bring_back()
        with self.timed("return"):
            self.until(lambda: self.in_sync(group_id))
            for api in (self.at_a, self.at_b):
                self.until(
                    lambda api=api: self.holds(api, group_id, "SourceFenced")
                )
            self.until(
                lambda: self.holds(
                    self.at_b, group_id, "ReplicationConfigured"
                )
            )
        for made in self.servers:
            server = scene.look(self.a.tenant, made.id)
            self.assertEqual(("SHUTOFF", True), (server.status, server.locked))

        with self.timed("failback after the return"):
            key = self.at_b.begin(group_id, "failback", {"type": "planned"})
            self.at_a.finish(key, MOVE_SECONDS)
        back = self.seen(self.a, group_id)
        self.check_running(self.a, back)
        self.check_originals(back)
        self.assertEqual(written, self.read(self.a, back))
        # what the lost side wrote last was kept
        self.delete_group(group_id, "?discard_undo=true")
        self.check_no_residue()

    def drill(self, group_id: str, written: Digests) -> None:
        """Clones with the same content run at the other site, and go."""
        self._room_for_clones()
        network = self.b.tenant.network
        made = network.create_network(name=f"drill-{secrets.token_hex(4)}")
        self.addCleanup(network.delete_network, made)
        network.create_subnet(
            network_id=made.id, ip_version=4, cidr="10.200.0.0/24"
        )
        networks = {"primary": self.names.network, "secondary_test": made.id}
        networks["secondary"] = self.names.network
        self.at_a.change(
            "PUT",
            f"protection-groups/{group_id}/mappings",
            {"mappings": {"networks": [networks]}},
            CHANGE_SECONDS,
        )
        self.replicate(group_id)
        with self.timed("drill"):
            key = self.at_b.begin(group_id, "test_failover", {})
            ended = self.at_b.finish(key, MOVE_SECONDS)
        self.assertEqual("passed", ended["result"]["verdict"], ended["result"])
        clones = [
            scene.look(self.b.tenant, server_id)
            for made in self.servers
            for server_id in scene.named(self.b.tenant, f"{made.name}-test")
        ]
        self.assertEqual(len(self.servers), len(clones))
        found = {clone.name: clone for clone in clones}
        self.assertEqual(
            {f"{name}-test": digest for name, digest in written.items()},
            self.read(self.b, found),
        )
        with self.timed("drill cleanup"):
            key = self.at_b.begin(group_id, "test_cleanup", {})
            ended = self.at_b.finish(key, MOVE_SECONDS)
        self.assertEqual([], ended["result"]["residue"])

    def _room_for_clones(self) -> None:
        """Beside the copies, which are as many as the quota allows."""
        cloud, project_id = self.b.admin, self.b.tenant.current_project_id
        cloud.set_volume_quotas(project_id, volumes=40)
        self.addCleanup(cloud.delete_volume_quotas, project_id)

    # -- the group

    @property
    def mirrored(self) -> bool:
        """Whether the volumes replicate synchronously."""
        return self.names.volume_type == backend.SYNC

    def create_group(self) -> str:
        """Make a group at ``a``; its id."""
        wanted = self.names.volume_type
        types = self.a.tenant.block_storage.types()
        kind = "sync" if self.mirrored else "async"
        body = {
            "name": f"real-{secrets.token_hex(4)}",
            "description": "The story on two real clouds",
            "replication_type": kind,
            "primary_site_id": self.a.id,
            "secondary_site_id": self.b.id,
            "volume_type_id": next(t.id for t in types if t.name == wanted),
        }
        made = self.at_a.change(
            "POST",
            "protection-groups",
            {"protection_group": body},
            CHANGE_SECONDS,
        )
        group_id = str(made["protection_group"]["id"])
        self.assertEqual("active", self.group(self.at_a, group_id)["status"])
        return group_id

    def add_members(self, group_id: str) -> None:
        """Add all servers at once: the requests queue."""
        path = self.at_a.tenant(f"protection-groups/{group_id}/members")
        answers = [
            self.at_a.call("POST", path, {"member": {"instance_id": s.id}})
            for s in self.servers
        ]
        for answer in answers:
            self.assertEqual(202, answer.status_code)
            self.at_a.finish(rest.operation_id(answer), MEMBER_SECONDS)

    def group(self, api: rest.Protector, group_id: str) -> Json:
        path = api.tenant(f"protection-groups/{group_id}")
        found: Json = api.get(path)["protection_group"]
        return found

    def holds(self, api: rest.Protector, group_id: str, kind: str) -> bool:
        """Whether a site says that a condition of the group is true."""
        return any(
            found["type"] == kind and found["status"] is True
            for found in self.group(api, group_id)["conditions"]
        )

    def in_sync(self, group_id: str) -> bool:
        """Both sites hold one version, and both say so."""
        path = f"protection-groups/{group_id}/sync-status"
        found = [
            api.get(api.tenant(path))["sync_status"]
            for api in (self.at_a, self.at_b)
        ]
        held = {(s["local"]["epoch"], s["local"]["version"]) for s in found}
        return len(held) == 1 and all(s["in_sync"] for s in found)

    def replicate(self, group_id: str) -> None:
        """Both sites know a recovery point of now."""
        key = self.at_a.begin(group_id, "replicate", {})
        done = self.at_a.finish(key, CHANGE_SECONDS)
        (name,) = (
            step["result"]["point"]
            for step in done["steps"]
            if (step["result"] or {}).get("point")
        )
        self.until(lambda: self._knows(self.at_b, group_id, name))

    def _knows(self, api: rest.Protector, group_id: str, name: str) -> bool:
        path = f"protection-groups/{group_id}/recovery-points"
        found = api.get(api.tenant(path))["recovery_points"]
        return any(p["name"] == name and p["complete"] for p in found)

    def until(self, done: Callable[[], bool]) -> None:
        """Nobody does anything, and it comes true."""
        processes.wait_until(done, CONVERGE_SECONDS, pause=1)

    def members(self, api: rest.Protector, group_id: str) -> list[Json]:
        path = api.tenant(f"protection-groups/{group_id}/members")
        found: list[Json] = api.get(path)["members"]
        return found

    def delete_group(self, group_id: str, query: str = "") -> None:
        """Remove the members and the group."""
        path = f"protection-groups/{group_id}"
        for member in self.members(self.at_a, group_id):
            self.at_a.change(
                "DELETE",
                f"{path}/members/{member['id']}",
                None,
                MEMBER_SECONDS,
            )
        self.at_a.change("DELETE", path + query, None, CHANGE_SECONDS)
        for api in (self.at_a, self.at_b):
            path = api.tenant("protection-groups")
            self.assertEqual([], api.get(path)["protection_groups"])

    # -- the servers

    def seen(
        self, site: protector_site.Site, group_id: str
    ) -> dict[str, scene.Seen]:
        """The members' servers at the site where they run, by name."""
        api = self.pair.tenant(site)
        found = [
            scene.look(site.tenant, member["current_instance_id"])
            for member in self.members(api, group_id)
        ]
        return {server.name: server for server in found}

    def write(
        self, site: protector_site.Site, found: dict[str, scene.Seen]
    ) -> Digests:
        """The guests write to all their volumes."""
        return {
            name: self._array(site).scribble(key)
            for name, key in _volumes(found)
        }

    def read(
        self, site: protector_site.Site, found: dict[str, scene.Seen]
    ) -> Digests:
        return {
            name: self._array(site).digest(key)
            for name, key in _volumes(found)
        }

    def _array(self, site: protector_site.Site) -> arrays.Array:
        return self.pair.arrays.a if site is self.a else self.pair.arrays.b

    def check_running(
        self, site: protector_site.Site, found: dict[str, scene.Seen]
    ) -> None:
        """Each server runs, once, with all its volumes and addresses."""
        self.assertEqual({s.name for s in self.servers}, set(found))
        for made in self.servers:
            server = found[made.name]
            self.assertEqual("ACTIVE", server.status, server)
            self.assertFalse(server.locked, server)
            self.assertEqual([server.id], scene.named(site.tenant, made.name))
            self.assertEqual(len(made.volume_ids), len(server.volumes))
            self.assertEqual([(made.macs[0], *made.ips)], server.addresses)

    def check_originals(self, found: dict[str, scene.Seen]) -> None:
        """They are the servers that were protected, not their likes."""
        for made in self.servers:
            server = found[made.name]
            self.assertEqual(made.id, server.id)
            self.assertEqual(set(made.port_ids), set(server.ports))
            self.assertEqual(
                set(made.volume_ids), set(server.volumes.values())
            )


def _volumes(found: dict[str, scene.Seen]) -> list[tuple[str, str]]:
    return [
        pair for server in found.values() for pair in server.volumes.items()
    ]
