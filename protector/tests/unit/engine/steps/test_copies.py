# SPDX-License-Identifier: Apache-2.0
"""The copies at the target: looked at, made, recorded, unmade."""

from typing import Any

from protector import exception
from protector.engine import arrival, membership
from protector.engine.steps import copies
from protector.tests.unit.engine import arrival_case, fake_cloud
from protector.tests.unit.engine import fake_project as fake

LOST = exception.CloudUnavailable("no answer")


class TargetServerTest(arrival_case.ArrivalCase):
    """What ``copies.build`` does about a server at the target."""

    def ours(self, status: str) -> str:
        return self.park(
            status=status, locked=True, locked_reason="protector:op-0:ACTIVE"
        )

    def test_one_that_could_not_be_parked_is_parked_now(self) -> None:
        server_id = self.ours("SHUTOFF")
        copies.build(self.ctx)
        server = self.there.compute.rows[server_id]
        self.assertEqual("SHELVED_OFFLOADED", server.status)
        self.assertFalse(self.copy().content_unique)

    def test_what_it_wrote_meanwhile_is_kept_in_mind(self) -> None:
        server_id = self.ours("ACTIVE")
        self.there.compute.actions[server_id] = ["stop", "start", "stop"]
        copies.build(self.ctx)
        self.assertTrue(self.copy().content_unique)

    def test_one_that_is_not_ours_to_park(self) -> None:
        self.park(status="ACTIVE")
        error = self.assertRaises(
            exception.UnexpectedState, copies.build, self.ctx
        )
        self.assertIn("not held by Protector", error.message)
        self.assertEqual([], self.there.changes)

    def test_a_broken_one(self) -> None:
        self.park(status="ERROR", fault="disk on fire")
        error = self.assertRaises(
            exception.UnexpectedState, copies.build, self.ctx
        )
        self.assertIn("disk on fire", error.message)

    def test_one_that_is_gone_is_forgotten(self) -> None:
        server_id = self.park()
        before = self.copies()
        self.there.compute.delete_server(server_id)
        copies.build(self.ctx)
        self.assertIsNone(self.copy().server_id)
        self.assertEqual(before, self.copies())

    def test_one_of_ours_whose_volumes_are_outgrown_is_dropped(self) -> None:
        server_id = self.park(metadata={"protector_member": self.member_id})
        self.grow(5)
        copies.build(self.ctx)
        self.assertNotIn(server_id, self.there.compute.rows)
        self.assertIsNone(self.copy().server_id)
        (volume_id,) = self.copies()
        self.assertEqual(5, self.there.volume.rows[volume_id].size)

    def test_an_original_is_built_anew_on_its_own_volumes(self) -> None:
        server_id = self.park()
        self.change_member(home_site_id=self.site.peer_id)
        before = self.copies()
        self.grow(5)
        copies.build(self.ctx)
        self.assertNotIn(server_id, self.there.compute.rows)
        self.assertEqual(before, self.copies())
        self.assertEqual(5, self.there.volume.rows[before[0]].size)
        self.assertFalse(arrival.content_is_unique(self.again(), self.row()))

    def test_before_it_goes_it_tells_that_it_was_used(self) -> None:
        server_id = self.park()
        self.there.compute.actions[server_id] = ["reboot", "stop"]
        self.grow(5)
        copies.build(self.ctx)
        self.assertTrue(self.copy().content_unique)

    def test_nobody_knows_what_the_volumes_of_a_deleted_one_hold(self) -> None:
        server_id = self.park()
        self.there.compute.delete_server(server_id)
        copies.build(self.again())
        self.assertIsNone(self.copy().server_id)
        self.assertTrue(arrival.content_is_unique(self.again(), self.row()))

    def grow(self, size: int) -> None:
        with self.runtime.db.writer() as session:
            row = session.merge(self.row().volumes_at(self.site.local_id)[0])
            row.size_gb = size
        self.again()


class VolumesTest(arrival_case.ArrivalCase):
    def marked(self, **values: object) -> str:
        """A volume that bears the mark and is not recorded."""
        made = self.there.volume.create(
            name="root",
            size=1,
            metadata=membership.volume_marks(self.row(), 0),
        )
        self.there.volume.change(made.id, **values)
        return made.id

    def only(self) -> str:
        (volume_id,) = self.copies()
        return volume_id

    def test_a_made_one_is_complete(self) -> None:
        copies.build(self.ctx)
        volume = self.there.volume.rows[self.only()]
        self.assertTrue(volume.bootable)
        self.assertEqual({"hw_firmware_type": "uefi"}, volume.image_metadata)
        self.assertEqual("cg", volume.group_id)
        (row,) = self.row().volumes_at(self.site.peer_id)
        self.assertIs(True, row.made)

    def test_a_deleted_one_is_made_anew(self) -> None:
        self.park()
        gone = self.only()
        self.there.compute.delete_server(str(self.copy().server_id))
        del self.there.volume.rows[gone]
        copies.build(self.again())
        self.assertNotEqual(gone, self.only())
        self.assertIn(self.only(), self.there.volume.rows)

    def test_one_made_before_a_crash_is_completed(self) -> None:
        made = self.marked()
        copies.build(self.ctx)
        self.assertEqual(made, self.only())
        volume = self.there.volume.rows[made]
        self.assertTrue(volume.bootable)
        self.assertEqual({"hw_firmware_type": "uefi"}, volume.image_metadata)
        self.assertEqual(1, self.there.count("create_volume"))

    def test_again_nothing_is_changed(self) -> None:
        copies.build(self.ctx)
        before = list(self.there.changes)
        copies.build(self.again())
        self.assertEqual(before, self.there.changes)

    def test_of_two_with_one_mark_the_older_is_used(self) -> None:
        first, second = self.marked(), self.marked()
        # Cinder lists the newest first
        rows = self.there.volume.rows
        self.there.volume.rows = dict(reversed(rows.items()))
        copies.build(self.ctx)
        self.assertEqual(first, self.only())
        self.assertEqual([second], self.residue())
        self.assertIn(second, self.there.volume.rows)

    def test_one_that_its_tenant_made_of_a_backup_is_not_used(self) -> None:
        """Cinder restores the metadata along with the content."""
        theirs = self.marked(raw={"user_id": fake_cloud.TENANT})
        copies.build(self.ctx)
        self.assertNotEqual(theirs, self.only())
        self.assertIn(self.only(), self.there.volume.rows)
        self.assertEqual([], self.residue())

    def test_its_id_is_recorded_before_it_is_there(self) -> None:
        self.there.fail("set_bootable", LOST)
        self.assertRaises(exception.CloudUnavailable, copies.build, self.ctx)
        self.assertIn(self.only(), self.there.volume.rows)

    def test_undo_deletes_what_the_operation_made(self) -> None:
        copies.build(self.ctx)
        copies.unbuild(self.again())
        self.assertEqual({}, self.there.volume.rows)
        self.assertEqual([], self.copies())

    def test_undo_works_without_the_rows(self) -> None:
        """A lost answer: it is made, and nobody knows its id."""
        self.there.fail("create", LOST, done=True)
        self.assertRaises(exception.CloudUnavailable, copies.build, self.ctx)
        self.assertEqual([], self.copies())
        copies.unbuild(self.again())
        self.assertEqual({}, self.there.volume.rows)

    def test_undo_leaves_what_was_there(self) -> None:
        self.park()
        copies.build(self.ctx)
        before = self.copies()
        copies.unbuild(self.again())
        self.assertEqual(before, self.copies())
        self.assertEqual(before, list(self.there.volume.rows))

    def test_groups_are_updated_in_turns(self) -> None:
        held = []
        self.there.during_update = lambda: held.append(
            self.ctx.work.turn.locked()
        )
        copies.build(self.ctx)
        copies.unbuild(self.again())
        self.assertEqual([True, True], held)

    def test_one_in_error_is_not_used(self) -> None:
        self.marked(status="error")
        error = self.assertRaises(
            exception.UnexpectedState, copies.build, self.ctx
        )
        self.assertIn("delete the volume", error.remedy)

    def held(self) -> None:
        """By a server that the rows do not know: they went back in time."""
        copies.build(self.ctx)
        (volume_id,) = self.copies()
        self.there.compute.rows["forgotten"] = fake.server("forgotten")
        self.there.compute.attach("forgotten", volume_id)

    def test_one_that_another_server_holds(self) -> None:
        self.held()
        began = self.clock.monotonic()
        error = self.assertRaises(
            exception.UnexpectedState, copies.build, self.again()
        )
        self.assertLess(self.clock.monotonic() - began, 60)
        self.assertIn("name-forgotten (forgotten)", error.message)
        self.assertIn("delete", error.remedy)

    def test_one_that_a_server_which_goes_lets_go(self) -> None:
        self.held()
        (volume_id,) = self.copies()
        del self.there.compute.rows["forgotten"]
        real = self.there.volume.list
        looks = iter(range(3))

        def listed(**filters: Any) -> Any:
            if next(looks, None) is None:
                self.there.volume.change(
                    volume_id, status="available", server_ids=()
                )
            return real(**filters)

        self.there.volume.list = listed
        copies.build(self.again())


class HomeTest(arrival_case.ArrivalCase):
    def test_originals_are_left_as_they_are(self) -> None:
        self.park()
        self.change_member(home_site_id=self.site.peer_id)
        (volume_id,) = self.copies()
        self.there.volume.change(volume_id, bootable=False)
        copies.build(self.again())
        self.assertEqual([], self.there.changes)
