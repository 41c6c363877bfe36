# SPDX-License-Identifier: Apache-2.0
"""Volumes that users attach, detach and delete where a member runs and
where it is parked."""

from typing import Any
import uuid

from protector import exception
from protector.engine import build, volume_set
from protector.engine.steps import copies, servers, volumes
from protector.tests.unit.engine import arrival_case


class VolumeSetCase(arrival_case.ArrivalCase):
    """``self.data_id``: a second volume of the member's server here."""

    def setUp(self) -> None:
        super().setUp()
        self.removed: list[str] = []
        driver: Any = self.driver
        driver.remove_volumes = lambda _, names: self.removed.extend(names)
        driver.connected_hosts = lambda *_: []
        self.kind = self.side(self.site.local_id).volume_type_name
        self.data_id = self.attach()
        self.follow()
        self.here.changes.clear()

    def attach(self, **values: Any) -> str:
        """A new volume of the group's type hangs on the server here."""
        volume_id = str(uuid.uuid4())
        given = {"volume_type": self.kind, "group_id": None, "host": None}
        self.here.volume.add(volume_id, **given | values)
        self.here.compute.attach(self.server_id, volume_id)
        return volume_id

    def follow(self) -> None:
        volume_set.follow(self.again())

    def rows(self, site_id: str) -> dict[int, str]:
        found = self.row().volumes_at(site_id)
        return {v.ordinal: str(v.cinder_id) for v in found}

    def arrive(self) -> str:
        """The member's server runs there; its id."""
        copies.build(self.again())
        return str(servers.start(self.again())["server_id"])

    def hanging(self, server_id: str) -> set[str]:
        found = self.there.compute.attachments(server_id)
        return {a.volume_id for a in found}

    def park_both(self) -> str:
        """A parked server there with a copy of each volume; its id."""
        server_id = self.park()
        copies.build(self.again())
        copy_id = self.rows(self.site.peer_id)[1]
        self.there.compute.attach_volume(server_id, copy_id)
        self.there.changes.clear()
        return server_id


class SourceTest(VolumeSetCase):
    def test_a_new_one_is_taken_into_the_group(self) -> None:
        new = self.attach(name="late", size=3)
        self.follow()
        places = self.rows(self.site.local_id)
        self.assertEqual({0: self.volume_id, 1: self.data_id, 2: new}, places)
        self.assertEqual("cg", self.here.volume.get(new).group_id)
        self.assertEqual("late", self.row().recipe["volumes"][2]["name"])
        row = self.row().volumes_at(self.site.local_id)[2]
        self.assertEqual(f"volume-{new}-cinder", row.array_volume)
        self.assertEqual(3, row.size_gb)
        self.assertIs(False, row.made)

    def test_again_nothing_is_changed(self) -> None:
        self.follow()
        self.assertEqual([], self.here.changes)
        self.assertEqual(2, len(self.row().recipe["volumes"]))

    def test_one_left_out_by_choice_stays_out(self) -> None:
        new = self.attach()
        self.change_member(recipe={**self.row().recipe, "left_out": [new]})
        self.follow()
        self.assertNotIn(new, self.rows(self.site.local_id).values())

    def test_one_of_another_type_is_refused_before_anything(self) -> None:
        good, bad = self.attach(), self.attach(volume_type="slow")
        error = self.assertRaises(exception.VolumeTypeMismatch, self.follow)
        self.assertIn(bad, error.message)
        self.assertIsNone(self.here.volume.get(good).group_id)

    def test_undo_lets_go_of_what_it_took(self) -> None:
        new = self.attach()
        self.follow()
        self.ctx.save(**{f"made:{self.member_id}": {"joined": [new]}})
        volume_set.forget(self.again())
        self.assertEqual(
            {0: self.volume_id, 1: self.data_id},
            self.rows(self.site.local_id),
        )
        self.assertIsNone(self.here.volume.get(new).group_id)
        self.assertEqual("cg", self.here.volume.get(self.data_id).group_id)
        self.assertEqual([f"volume-{new}-cinder"], self.removed)
        self.assertEqual(2, len(self.row().recipe["volumes"]))

    def test_a_detached_one_stays_protected(self) -> None:
        self.here.compute.detach_volume(self.server_id, self.data_id)
        self.follow()
        self.assertEqual(self.data_id, self.rows(self.site.local_id)[1])
        self.assertEqual([1], self.row().recipe["detached"])
        self.here.compute.attach_volume(self.server_id, self.data_id)
        self.follow()
        self.assertEqual([], self.row().recipe["detached"])

    def delete(self) -> None:
        self.here.compute.detach_volume(self.server_id, self.data_id)
        self.here.volume.rows.pop(self.data_id)

    def test_a_deleted_one_is_not_expected_any_more(self) -> None:
        self.delete()
        self.follow()
        self.assertEqual({0: self.volume_id}, self.rows(self.site.local_id))
        # the others keep their places
        new = self.attach()
        self.follow()
        self.assertEqual(new, self.rows(self.site.local_id)[2])

    def test_the_fence_looks_once_more(self) -> None:
        new = self.attach()
        self.here.compute._set(self.server_id, "", status="ACTIVE")
        servers.fence(self.again())
        self.assertIn(new, self.rows(self.site.local_id).values())


class TargetTest(VolumeSetCase):
    def test_a_new_one_is_attached_to_the_parked_server(self) -> None:
        server_id = self.park_both()
        self.attach()
        self.follow()
        self.assertEqual(server_id, self.arrive())
        places = self.rows(self.site.peer_id)
        self.assertEqual({0, 1, 2}, set(places))
        self.assertEqual(set(places.values()), self.hanging(server_id))

    def test_a_detached_one_is_detached_there_and_kept(self) -> None:
        server_id = self.park_both()
        self.here.compute.detach_volume(self.server_id, self.data_id)
        self.follow()
        self.assertEqual(server_id, self.arrive())
        places = self.rows(self.site.peer_id)
        self.assertEqual({places[0]}, self.hanging(server_id))
        self.assertIn(places[1], self.there.volume.rows)

    def test_a_new_server_is_built_without_a_detached_one(self) -> None:
        self.here.compute.detach_volume(self.server_id, self.data_id)
        self.follow()
        server_id = self.arrive()
        places = self.rows(self.site.peer_id)
        self.assertEqual({places[0]}, self.hanging(server_id))

    def test_what_stood_for_a_deleted_one_is_kept_and_listed(self) -> None:
        server_id = self.park_both()
        kept = self.rows(self.site.peer_id)[1]
        self.here.compute.detach_volume(self.server_id, self.data_id)
        self.here.volume.rows.pop(self.data_id)
        self.follow()
        self.assertEqual(server_id, self.arrive())
        self.assertNotIn(kept, self.hanging(server_id))
        self.assertIsNone(self.there.volume.get(kept).group_id)
        self.assertEqual([kept], self.residue())
        self.assertNotIn(kept, self.rows(self.site.peer_id).values())
        self.assertEqual(0, self.there.count("delete_volume"))

    def test_one_that_was_detached_from_the_parked_server(self) -> None:
        server_id = self.park_both()
        loose = self.rows(self.site.peer_id)[1]
        self.there.compute.detach_volume(server_id, loose)
        self.assertEqual(server_id, self.arrive())
        self.assertIn(loose, self.hanging(server_id))

    def test_one_that_was_deleted_while_it_was_parked(self) -> None:
        server_id = self.park_both()
        gone = self.rows(self.site.peer_id)[1]
        self.there.compute.detach_volume(server_id, gone)
        self.there.volume.rows.pop(gone)
        self.assertEqual(server_id, self.arrive())
        places = self.rows(self.site.peer_id)
        self.assertNotEqual(gone, places[1])
        self.assertEqual(set(places.values()), self.hanging(server_id))

    def test_one_of_the_users_on_the_parked_server_is_left_there(self) -> None:
        server_id = self.park_both()
        foreign = str(uuid.uuid4())
        self.there.volume.add(foreign, group_id=None)
        self.there.compute.attach_volume(server_id, foreign)
        self.assertEqual(server_id, self.arrive())
        self.assertIn(foreign, self.hanging(server_id))

    def test_one_that_another_server_uses_is_not_overwritten(self) -> None:
        self.park_both()
        (_root, data) = self.copies()
        self.there.volume.change(
            data, status="in-use", server_ids=("another",)
        )
        error = self.assertRaises(
            exception.UnexpectedState, volumes.disconnect, self.again()
        )
        self.assertIn("another", error.message)

    def test_again_nothing_is_changed(self) -> None:
        server_id = self.arrive()
        before = list(self.there.changes)
        volume_set.hang(self.again(), server_id)
        volume_set.let_go(self.again())
        self.assertEqual(before, self.there.changes)
        self.assertEqual(server_id, build.create_server(self.ctx, self.row()))
