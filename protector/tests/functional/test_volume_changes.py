# SPDX-License-Identifier: Apache-2.0
"""What users do to single volumes while their group runs elsewhere, and to
those that are parked: told by the bytes, all in one move and back."""

from typing import Any

from protector.sandbox import access, evidence
from protector.tests.functional import two_sites

WEB, APP, DB = NAMES = "web-server-1", "app-server-1", "db-server-1"
NEW, MINE = "attached-there", "attached-while-parked"
SIZE = 2
PLANNED = {"type": "planned"}


class VolumeChangesTest(two_sites.TwoSites):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.protect("changed", NAMES)
        self.originals = self.servers(self.group_id, self.a)
        admin = access.connect(self.sandbox.layout, "site-a-admin")
        self.addCleanup(admin.close)
        self.admin = admin

    # -- what users do

    def attach(self, site: str, server_id: str, name: str) -> str:
        cloud = self.sandbox.clouds[site]
        volume = cloud.block_storage.create_volume(
            name=name, size=1, volume_type="replicated-ssd"
        )
        cloud.block_storage.wait_for_status(volume, interval=0.1, wait=60)
        cloud.compute.create_volume_attachment(server_id, volume.id)
        self.until(lambda: self.status(site, volume.id) != "available")
        self.until(lambda: self.status(site, volume.id) != "attaching")
        return str(volume.id)

    def status(self, site: str, volume_id: str) -> str:
        storage = self.sandbox.clouds[site].block_storage
        return str(storage.get_volume(volume_id).status)

    def detach(self, site: str, server_id: str, volume_id: str) -> None:
        compute = self.sandbox.clouds[site].compute
        compute.delete_volume_attachment(server_id, volume_id)
        self.until(lambda: self.status(site, volume_id) == "available")

    def delete(self, site: str, volume_id: str) -> None:
        """Out of the group first: Cinder deletes nothing that is in one."""
        storage = self.sandbox.clouds[site].block_storage
        found = storage.get(f"/volumes/{volume_id}", microversion="3.13")
        group_id = found.json()["volume"]["group_id"]
        answer = storage.put(
            f"/groups/{group_id}",
            json={"group": {"remove_volumes": volume_id}},
            microversion="3.13",
        )
        self.assertEqual(202, answer.status_code, answer.text)
        self.until(lambda: self.group_status(site, group_id) == "available")
        volume = storage.get_volume(volume_id)
        storage.delete_volume(volume)
        storage.wait_for_delete(volume, interval=0.1, wait=60)

    def grow(self, site: str, volume_id: str) -> None:
        storage = self.sandbox.clouds[site].block_storage
        storage.extend_volume(volume_id, SIZE)
        self.until(lambda: self.status(site, volume_id) == "available")

    def group_status(self, site: str, group_id: str) -> str:
        storage = self.sandbox.clouds[site].block_storage
        return str(storage.get_group(group_id).status)

    def snapshot(self, site: str, volume_id: str) -> str:
        """What the array calls it."""
        storage = self.sandbox.clouds[site].block_storage
        made = storage.create_snapshot(volume_id=volume_id, force=True)
        storage.wait_for_status(made, interval=0.1, wait=60)
        return f"volume-{volume_id}-cinder.snapshot-{made.id}"

    def move(self, at: Any, verb: str, **args: Any) -> Any:
        self.until(lambda: self.in_sync(self.group_id))
        started = at.run_protection_group(self.group_id, verb, **args)
        return self.follow(started.id, at)

    # -- what must be true

    def data(self, servers: Any, name: str, number: int = 1) -> str:
        """Id of a data volume of a server."""
        wanted = f"{name}-data-{number}"
        return next(v for _d, v, n in servers[name].volumes if n == wanted)

    def named(self, servers: Any, name: str) -> set[str]:
        return {n for _d, _v, n in servers[name].volumes}

    def on_array(self, site: Any, volume_id: str) -> str:
        return self.stored(site, f"volume-{volume_id}-cinder")

    def test_there_and_back(self) -> None:
        self.write(self.group_id)
        self.move(self.b, "failover", **PLANNED)
        self.there = self.servers(self.group_id, self.b)
        self.change_what_runs()
        self.change_what_is_parked()
        self.until(lambda: self.told() >= {"VolumeNotProtected"})
        self.assertEqual(
            {"VolumeNotProtected", "VolumeDetached", "VolumeDeleted"},
            # what the points lack is told when one was taken since
            {code for code in self.told() if code.startswith("Volume")}
            - {"VolumeNotInPoint"},
        )
        ended = self.move(self.a, "failback", **PLANNED)
        self.check_home(ended)
        self.check_grown()
        self.check_snapshot()
        self.check_grown()
        storage = self.sandbox.clouds["site-b"].block_storage
        now = self.data(self.servers(self.group_id, self.b), DB, 2)
        self.assertEqual(SIZE, storage.get_volume(now).size)

    def test_one_that_is_deleted_where_it_runs(self) -> None:
        """The points since then lack it, which is told, and goes on."""
        self.replicate(self.group_id)
        deleted = self.data(self.originals, DB)
        self.detach("site-a", self.originals[DB].id, deleted)
        self.delete("site-a", deleted)
        since = self.replicate(self.group_id)
        self.until(lambda: self.lacking() == {deleted})
        (last,) = [p for p in self.points() if p.id == since]
        (member,) = [
            m for m in self.b.members(self.group_id) if m.instance_name == DB
        ]
        self.assertLess(member.recoverable_at, last.created_at)
        expected = self.write(self.group_id)
        ended = self.move(self.b, "failover", **PLANNED)
        self.assertEqual("success", ended.outcome, ended.result)
        self.check_content(self.group_id, expected, NAMES)

    def points(self) -> list[Any]:
        return list(self.b.recovery_points(self.group_id))

    def lacking(self) -> set[str]:
        """Ids of the volumes that the newest point is said to lack."""
        plan = self.b.dry_run_protection_group(
            self.group_id, "failover", type="unplanned"
        )
        known = {v for s in self.originals.values() for _d, v, _n in s.volumes}
        return {
            volume_id
            for found in plan["preflight"]
            if found["code"] == "VolumeNotInPoint"
            for volume_id in known
            if volume_id in found["message"]
        }

    def told(self) -> set[str]:
        plan = self.a.dry_run_protection_group(
            self.group_id, "failback", **PLANNED
        )
        return {found["code"] for found in plan["preflight"]}

    def change_what_runs(self) -> None:
        there = self.there
        self.attach("site-b", there[WEB].id, NEW)
        self.expected = self.write(self.group_id, self.b)
        self.taken = self.data(there, DB, 2)
        self.snapshotted = self.snapshot("site-b", self.taken)
        self.frozen = self.on_array(self.site_b, self.taken)
        self.expected = self.write(self.group_id, self.b)
        self.detached = self.data(there, APP)
        self.detach("site-b", there[APP].id, self.detached)
        deleted = self.data(there, DB, 1)
        self.detach("site-b", there[DB].id, deleted)
        self.delete("site-b", deleted)

    def change_what_is_parked(self) -> None:
        """The administrator takes the lock off; then the user may."""
        was = self.originals
        for name in NAMES:
            self.admin.compute.unlock_server(was[name].id)
        self.left = self.data(was, DB, 1)
        self.before = self.on_array(self.site_a, self.left)
        self.grown = self.data(was, DB, 2)
        self.detach("site-a", was[DB].id, self.grown)
        self.parked = self.on_array(self.site_a, self.grown)
        self.parked_snapshot = self.snapshot("site-a", self.grown)
        self.grow("site-a", self.grown)
        self.detach("site-a", was[WEB].id, self.data(was, WEB))
        self.delete("site-a", self.data(was, WEB))
        self.attach("site-a", was[APP].id, MINE)

    def check_home(self, ended: Any) -> None:
        now = self.servers(self.group_id, self.a)
        for name, server in now.items():
            self.assertEqual(self.originals[name].id, server.id)
        self.assertEqual(
            {f"{WEB}-boot", f"{WEB}-data-1", NEW}, self.named(now, WEB)
        )
        self.assertEqual({f"{APP}-boot", MINE}, self.named(now, APP))
        self.assertEqual({f"{DB}-boot", f"{DB}-data-2"}, self.named(now, DB))
        # the user's own holds what no guest ever wrote
        self.check_disks(now, self.expected)
        # the detached one came along, and is detached
        original = self.data(self.originals, APP)
        self.assertEqual("available", self.status("site-a", original))
        self.assertEqual(
            self.on_array(self.site_b, self.detached),
            self.on_array(self.site_a, original),
        )
        # what stood for the deleted one holds the last of it
        self.assertIn(self.left, {e["id"] for e in ended.result["residue"]})
        self.assertEqual("available", self.status("site-a", self.left))
        self.assertEqual(self.before, self.on_array(self.site_a, self.left))

    def check_grown(self) -> None:
        """It is as big as its user made it, and so is its copy after the
        next move; its snapshot is as it was."""
        storage = self.sandbox.clouds["site-a"].block_storage
        self.assertEqual(SIZE, storage.get_volume(self.grown).size)
        self.assertEqual(
            self.parked, self.stored(self.site_a, self.parked_snapshot)
        )

    def check_disks(self, servers: Any, expected: Any) -> None:
        self.guests.contents = expected
        for server in servers.values():
            self.assertEqual("ACTIVE", server.status, server.name)
            for disk in server.disks:
                if disk.key != MINE:
                    wrong = self.guests.wrong(self.site_a, disk)
                    self.assertIsNone(wrong, f"{disk.key}: {wrong}")

    def check_snapshot(self) -> None:
        """Cinder keeps a volume that has one, whoever wants it gone."""
        self.detach_mine()
        self.write(self.group_id)
        self.move(self.a, "replicate")
        ended = self.move(self.a, "source_cleanup")
        self.assertEqual(
            [self.taken], [e["id"] for e in ended.result["residue"]]
        )
        self.assertEqual(
            self.frozen, self.stored(self.site_b, self.snapshotted)
        )
        expected = self.write(self.group_id)
        self.move(self.b, "failover", **PLANNED)
        self.assertEqual(
            self.frozen, self.stored(self.site_b, self.snapshotted)
        )
        self.check_content(self.group_id, expected, NAMES)

    def detach_mine(self) -> None:
        now: dict[str, evidence.Server] = self.servers(self.group_id, self.a)
        (volume_id,) = (v for _d, v, n in now[APP].volumes if n == MINE)
        self.detach("site-a", now[APP].id, volume_id)
