# SPDX-License-Identifier: Apache-2.0
"""Copies deleted by recorded id; what is not ours is kept and listed."""

from typing import Any

from protector import exception
from protector.db import models
from protector.engine import membership, records, removal
from protector.engine.steps import copies, networks
from protector.tests.unit.engine import arrival_case, fake_cloud

Json = dict[str, Any]


class RemovalCase(arrival_case.ArrivalCase):
    def drop(self) -> list[Json]:
        return removal.drop_copies(self.again(), self.site.peer_id)

    def left(self) -> list[str]:
        return [*self.there.volume.rows, *self.there.network.rows]


class MadeTest(RemovalCase):
    def test_all_that_was_made_goes(self) -> None:
        floating = {"address": "203.0.113.9", "network_id": "x"}
        ports = [arrival_case.port(floating_ips=[floating])]
        floating["network_name"] = "public"
        self.there.network.nets.append(
            {"id": "ext", "name": "public", "router:external": True}
        )
        self.change_member(recipe=arrival_case.recipe(ports=ports))
        copies.build(self.again())
        networks.ports(self.again())
        self.assertEqual(1, len(self.there.network.floating))
        self.assertEqual([], self.drop())
        self.assertEqual([], self.left())
        self.assertEqual({}, self.there.network.floating)

    def test_what_was_made_and_not_recorded_goes_too(self) -> None:
        """The engine died between Cinder's answer and the record."""
        self.there.volume.create(
            name="root",
            size=1,
            metadata=membership.volume_marks(self.row(), 0),
        )
        self.there.network.create_port(
            {
                "description": records.port_mark(self.member_id, 0),
                "mac_address": "fa:16:3e:00:00:01",
                "security_groups": [],
            }
        )
        self.assertEqual([], self.drop())
        self.assertEqual([], self.left())

    def test_what_a_tenant_made_of_a_backup_of_it_stays(self) -> None:
        """It bears the same marks, and nothing of ours is recorded."""
        self.there.volume.add(
            "theirs",
            metadata=membership.volume_marks(self.row(), 0),
            raw={"user_id": fake_cloud.TENANT},
        )
        self.assertEqual([], self.drop())
        self.assertEqual(["theirs"], self.left())

    def test_the_volumes_leave_when_the_server_let_them_go(self) -> None:
        """Nova takes a while to free what a deleted server had."""
        server_id = self.park()
        (volume_id,) = self.copies()
        looks = iter(range(3))
        real = self.there.volume.list

        def list_volumes(**kwargs: Any) -> Any:
            if next(looks, None) is None:
                self.there.volume.list = real  # type: ignore
                self.there.volume.change(volume_id, status="available")
            return real(**kwargs)

        self.there.compute.delete_server(server_id)
        self.there.volume.change(volume_id, status="detaching")
        self.there.volume.list = list_volumes  # type: ignore
        self.assertEqual([], self.drop())
        self.assertEqual([], self.left())

    def test_one_that_its_tenant_attached_is_kept(self) -> None:
        """While the member ran there: it is in the rows, as ours are."""
        self.park()
        (volume_id,) = self.copies()
        self.there.volume.change(volume_id, metadata={})
        (kept,) = self.drop()
        self.assertEqual((volume_id, "volume"), (kept["id"], kept["kind"]))
        volume = self.there.volume.rows[volume_id]
        self.assertEqual(("available", None), (volume.status, volume.group_id))

    def test_so_is_one_with_the_marks_of_ours(self) -> None:
        """Made from a backup of a copy, it was taken into the group with
        the server."""
        self.park()
        (volume_id,) = self.copies()
        copies.build(self.again())
        with self.runtime.db.writer() as session:
            key = (self.member_id, 0, self.site.peer_id)
            session.get_one(models.VolumeCopy, key).made = False
        (kept,) = self.drop()
        self.assertEqual((volume_id, "volume"), (kept["id"], kept["kind"]))
        self.assertEqual([volume_id], self.left())

    def test_one_that_another_server_uses_is_kept(self) -> None:
        self.park()
        (volume_id,) = self.copies()
        self.there.compute.delete_server(str(self.copy().server_id))
        self.there.volume.change(
            volume_id, status="in-use", server_ids=("s9",)
        )
        before = self.clock.monotonic()
        (kept,) = self.drop()
        self.assertEqual((volume_id, "volume"), (kept["id"], kept["kind"]))
        self.assertLess(self.clock.monotonic() - before, 60)
        self.assertIsNone(self.there.volume.rows[volume_id].group_id)

    def test_one_that_never_gets_free_is_kept(self) -> None:
        self.park()
        (volume_id,) = self.copies()
        self.there.compute.delete_server(str(self.copy().server_id))
        self.there.volume.change(volume_id, status="detaching")
        (kept,) = self.drop()
        self.assertEqual(volume_id, kept["id"])

    def test_server_groups_of_ours_go_when_they_are_empty(self) -> None:
        used, empty = (
            self.there.compute.create_server_group(name, "affinity")["id"]
            for name in ("used", "empty")
        )
        self.there.compute.groups[used]["members"] = ["s9"]
        self.set_copy(made={"server_groups": [used, empty, "gone"]})
        self.drop()
        self.assertEqual([used], list(self.there.compute.groups))


class OriginalTest(RemovalCase):
    def setUp(self) -> None:
        super().setUp()
        self.server_id = self.park(
            locked=True, locked_reason="protector:op-0:ACTIVE"
        )
        self.change_member(home_site_id=self.site.peer_id)

    def test_it_is_the_tenants_again(self) -> None:
        kept = self.drop()
        server = self.there.compute.rows[self.server_id]
        self.assertFalse(server.locked)
        # Cinder does not let reserved volumes leave their group
        self.assertEqual(self.copies(), [e["id"] for e in kept])
        self.assertEqual(0, self.there.count("delete_server"))

    def test_one_that_is_gone(self) -> None:
        self.there.compute.delete_server(self.server_id)
        self.assertEqual([], self.drop())

    def test_an_unknown_outcome_is_repeated(self) -> None:
        lost = exception.CloudUnavailable("no answer")
        self.there.fail("update_group", lost)
        self.assertRaises(exception.CloudUnavailable, self.drop)
