# SPDX-License-Identifier: Apache-2.0
"""What users do to volumes while a group runs elsewhere, and content that
exists nowhere else: told by the bytes."""

from typing import Any

from openstack import exceptions

from protector.sandbox import access, evidence, guests
from protector.tests.functional import two_sites

WEB = "web-server-1"
PLANNED = {"type": "planned"}


class ContentTest(two_sites.TwoSites):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.protect("kept", (WEB,))
        self.original = self.servers(self.group_id, self.a)[WEB]

    def move(self, at: Any, verb: str, **args: Any) -> Any:
        self.until(lambda: self.in_sync(self.group_id))
        started = at.run_protection_group(self.group_id, verb, **args)
        return self.follow(started.id, at)

    def told(self, at: Any, verb: str) -> dict[str, dict[str, Any]]:
        plan = at.dry_run_protection_group(self.group_id, verb, **PLANNED)
        return {found["code"]: found for found in plan["preflight"]}

    def grow(self, site: str, volume_id: str) -> None:
        storage = self.sandbox.clouds[site].block_storage
        answer = storage.post(
            f"/volumes/{volume_id}/action",
            json={"os-extend": {"new_size": 2}},
            microversion="3.42",
        )
        self.assertEqual(202, answer.status_code, answer.text)
        storage.wait_for_status(
            storage.get_volume(volume_id), "in-use", wait=60
        )

    def home(self, same: bool) -> evidence.Server:
        """It runs at home on its own volumes, with its addresses."""
        now = self.servers(self.group_id, self.a)[WEB]
        was = self.original
        self.assertEqual(same, now.id == was.id)
        self.assertEqual(was.volumes, now.volumes)
        self.assertEqual(was.floating_ips, now.floating_ips)
        self.assertEqual(
            [(mac, ips) for _id, mac, ips in was.ports],
            [(mac, ips) for _id, mac, ips in now.ports],
        )
        return now

    def kept(self, undo: dict[str, Any], disk: guests.Disk) -> str:
        """The hash of what an undo copy at site B keeps of a disk."""
        name = f"{undo['name']}.volume-{disk.volume_id}-cinder"
        return self.stored(self.site_b, name)

    def test_what_grew_meanwhile_comes_home(self) -> None:
        self.write(self.group_id)
        self.move(self.b, "failover", **PLANNED)
        (root, *_) = self.servers(self.group_id, self.b)[WEB].volumes
        self.grow("site-b", root[1])
        expected = self.write(self.group_id, self.b)
        self.until(lambda: "CopyTooSmall" in self.told(self.a, "failback"))
        found = self.told(self.a, "failback")["CopyTooSmall"]
        self.assertEqual("warning", found["severity"])
        self.assertIn("another id", found["message"])
        ended = self.move(self.a, "failback", **PLANNED)
        self.assertIsNone(ended.result["undo"])
        self.check_content(self.group_id, expected, (WEB,), self.a)
        now = self.home(same=False)
        storage = self.sandbox.clouds["site-a"].block_storage
        self.assertEqual(2, storage.get_volume(now.volumes[0][1]).size)

    def test_back_to_what_is_parked(self) -> None:
        expected = self.write(self.group_id)
        self.move(self.b, "failover", **PLANNED)
        self.write(self.group_id, self.b)
        given_up = {
            disk: guests.whole(self.site_b, disk)
            for disk in self.servers(self.group_id, self.b)[WEB].disks
        }
        ended = self.move(
            self.a,
            "failback",
            type="unplanned",
            recovery_point="parked",
            confirm=True,
        )
        self.assertEqual("parked", ended.result["recovery_point"])
        self.assertIsNone(ended.recovery_point_id)
        self.check_content(self.group_id, expected, (WEB,), self.a)
        self.home(same=True)
        # what was written at site B is nowhere else: the next move keeps it
        self.until(
            lambda: self.condition(
                self.group_id, self.a, "ReplicationConfigured"
            )
        )
        ended = self.move(self.b, "failover", **PLANNED)
        self.check_content(self.group_id, expected, (WEB,), self.b)
        undo = ended.result["undo"]
        self.assertEqual([WEB], undo["members"])
        for disk, digest in given_up.items():
            self.assertEqual(digest, self.kept(undo, disk), disk)
        self.move(self.a, "failback", **PLANNED)
        self.stays_with_its_volumes(undo, given_up)

    def stays_with_its_volumes(
        self, undo: dict[str, Any], held: dict[guests.Disk, str]
    ) -> None:
        """Removing the member would delete what the copy is a snapshot of."""
        (member,) = self.a.members(self.group_id)
        error = self.assertRaises(
            exceptions.ConflictException,
            self.a.remove_member,
            self.group_id,
            member.id,
        )
        for text in (undo["name"], undo["kept_until"], "discard_undo"):
            self.assertIn(text, str(error))
        for disk, digest in held.items():
            self.assertEqual(digest, self.kept(undo, disk), disk)
        gone = self.a.remove_member(
            self.group_id, member.id, discard_undo=True
        )
        if gone.accepted_operation_id:
            self.follow(gone.accepted_operation_id, self.a)
        (ended,) = self.a.operations(kind="member_remove")
        (told,) = ended.result["discarded_undo"]
        self.assertEqual([WEB], told["members"])

    def test_a_parked_server_that_was_deleted(self) -> None:
        self.write(self.group_id)
        self.move(self.b, "failover", **PLANNED)
        expected = self.write(self.group_id, self.b)
        admin = access.connect(self.sandbox.layout, "site-a-admin")
        self.addCleanup(admin.close)
        admin.compute.unlock_server(self.original.id)
        tenant = self.sandbox.clouds["site-a"].compute
        tenant.delete_server(self.original.id)
        tenant.wait_for_delete(tenant.get_server(self.original.id), wait=60)
        ended = self.move(self.a, "failback", **PLANNED)
        # nobody can tell what its volumes were used for since
        self.assertEqual([WEB], ended.result["undo"]["members"])
        self.check_content(self.group_id, expected, (WEB,), self.a)
        self.home(same=False)
