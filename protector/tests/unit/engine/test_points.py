# SPDX-License-Identifier: Apache-2.0
"""Which point a move without its source arrives from."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import points, reading
from protector.tests.unit.engine import case, fakes


class PointsTest(case.EngineCase):
    """The group runs here and is to go there."""

    def setUp(self) -> None:
        super().setUp()
        self.web, self.app = (
            self.site.member(self.group_id, name) for name in ("web", "app")
        )
        self.volumes = [
            self.volume_name(m, self.site.local_id)
            for m in (self.web, self.app)
        ]

    def there_are(self, *given: tuple[str, float, Any]) -> None:
        """Points: suffix, minute, and how many of the members they hold."""
        self.driver.points["here"] = [
            fakes.point("here", suffix, at, self.volumes[:held])
            for suffix, at, held in given
        ]

    def choose(self, wanted: str | None = None) -> points.Choice:
        reader = reading.Reader.of(self.runtime, self.group_id)
        return points.choose(
            reader, self.site.local_id, self.site.peer_id, wanted
        )

    def refused(self, wanted: str | None = None) -> str:
        error = self.assertRaises(
            exception.NoRecoveryPoint, self.choose, wanted
        )
        return error.message

    def row(self, suffix: str) -> str:
        return self.site.point(self.group_id, name=f"array:here.{suffix}")

    def park(self, member_id: str) -> None:
        with self.runtime.db.writer() as session:
            key = (member_id, self.site.peer_id)
            session.get(models.MemberCopy, key).role = c.CopyRole.PARKED

    def test_the_newest_complete_one_of_the_epoch(self) -> None:
        self.there_are(("e1-now", 1, 2), ("7", 2, 2))
        under_way = fakes.point("here", "8", 3, self.volumes, complete=False)
        self.driver.points["here"].append(under_way)
        found = self.choose()
        self.assertEqual("array:here.7", found.point)
        self.assertEqual(fakes.at(2), found.created)
        self.assertEqual([], found.left_out)

    def test_not_one_of_another_epoch(self) -> None:
        self.there_are(("e1-now", 1, 2), ("e3-now", 2, 2))
        self.assertEqual("array:here.e1-now", self.choose().point)

    def test_a_claim_that_has_not_settled_has_no_points_of_its_own(
        self,
    ) -> None:
        self.there_are(("e1-now", 1, 2))
        self.set_group(
            epoch=2,
            claim={"site_id": self.site.peer_id, "parent": {"epoch": 1}},
        )
        self.assertEqual("array:here.e1-now", self.choose().point)

    def test_the_one_that_was_asked_for(self) -> None:
        self.there_are(("e1-now", 1, 2), ("e1-later", 2, 2))
        wanted = self.row("e1-now")
        self.assertEqual("array:here.e1-now", self.choose(wanted).point)

    def test_one_that_went_meanwhile(self) -> None:
        self.there_are(("e1-now", 1, 2))
        self.assertIn("e1-gone", self.refused(self.row("e1-gone")))

    def test_who_is_newer_than_the_point_is_left_out(self) -> None:
        self.there_are(("e1-now", 1, 1))
        (left,) = self.choose().left_out
        self.assertEqual(self.app, left.id)

    def test_why_the_target_cannot_use_what_it_has(self) -> None:
        self.driver.obstacles["here"] = "Pod p is offline on array b."
        self.park(self.web)
        self.assertTrue(
            self.refused().startswith("Pod p is offline on array b. No")
        )
        found = self.choose(c.PARKED_POINT)
        self.assertEqual(c.PARKED_POINT, found.point)

    def test_what_was_just_taken_is_the_newest(self) -> None:
        """Whatever the clocks of two arrays say."""
        self.there_are(("e1-last", 1, 2), ("7", 2, 2))
        reader = reading.Reader.of(self.runtime, self.group_id)
        found = points.choose(
            reader,
            self.site.local_id,
            self.site.peer_id,
            None,
            "array:here.e1-last",
        )
        self.assertEqual("array:here.e1-last", found.point)

    def test_a_point_of_nobody(self) -> None:
        self.there_are(("e1-now", 1, 0))
        self.assertIn("no member", self.refused())

    def test_what_is_parked_until_there_is_a_point(self) -> None:
        self.refused()
        self.refused(c.PARKED_POINT)
        self.park(self.web)
        for wanted in (None, c.PARKED_POINT):
            found = self.choose(wanted)
            self.assertEqual((c.PARKED_POINT, None), _what(found))
            self.assertEqual([self.app], [m.id for m in found.left_out])
        self.there_are(("e1-now", 1, 2))
        self.assertEqual("array:here.e1-now", self.choose().point)

    def test_what_a_move_overwrote_in_part_is_no_point(self) -> None:
        self.park(self.web)
        self.park(self.app)
        operation_id = self.overwrite("done", "running")
        for wanted in (None, c.PARKED_POINT):
            self.assertIn(operation_id, self.refused(wanted))
        # a point still is one
        self.there_are(("e1-now", 1, 2))
        self.assertEqual("array:here.e1-now", self.choose().point)
        self.assertIn(operation_id, self.refused(c.PARKED_POINT))

    def test_it_is_one_when_a_later_move_overwrote_all_of_it(self) -> None:
        self.park(self.web)
        self.park(self.app)
        self.overwrite("done", "failed")
        self.clock.advance(1)
        self.overwrite("done", "done")
        self.assertEqual(c.PARKED_POINT, self.choose(c.PARKED_POINT).point)

    def test_it_is_one_until_a_move_begins_to_overwrite_it(self) -> None:
        self.park(self.web)
        self.overwrite("pending", "pending")
        self.assertEqual(c.PARKED_POINT, self.choose(c.PARKED_POINT).point)

    def overwrite(self, *statuses: str) -> str:
        """By a move to there, which has failed: the status of its step for
        each member; its id."""
        operation_id = self.accept("failover")
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            rows = [
                {"name": "volumes.overwrite", "after": [], "weight": 1}
                | {"optional": False, "ordinal": n, "status": status}
                | {"member_id": m, "member_name": m}
                for n, (m, status) in enumerate(
                    zip((self.web, self.app), statuses, strict=True)
                )
            ]
            operations.add_steps(session, row, rows)
            for step in row.steps:
                step.attempt = int(step.status != "pending")
        self.end(operation_id)
        self.set_group(status="active")
        return operation_id

    def test_without_an_array_group_there_are_no_points(self) -> None:
        self.set_sides(array_group=(None, None))
        self.refused()
        self.assertEqual([], self.driver.calls)


def _what(found: points.Choice) -> tuple[str, Any]:
    return found.point, found.created
