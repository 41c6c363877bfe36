# SPDX-License-Identifier: Apache-2.0
"""Drills give way to a move that is short of quota, and to a deletion."""

from collections.abc import Callable
from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.db.api import drills, operations
from protector.engine.steps import drill_room
from protector.tests.unit.engine import drill_case


class RoomCase(drill_case.DrillCase):
    """``pauses``: what happens while a step waits, one after the other."""

    def setUp(self) -> None:
        super().setUp()
        self.drill_id = self.ctx.operation.id
        self.pauses: list[Callable[[], Any]] = []
        plain = self.clock.wait

        def wait(*args: Any) -> bool:
            if self.pauses:
                self.pauses.pop(0)()
            return plain(*args)

        self.clock.wait = wait  # type: ignore[method-assign]

    def run_drill(self) -> None:
        """It is there, and nobody works at it."""
        with self.runtime.db.writer() as session:
            row = drills.find(session, self.group_id)
            drills.run(row, "passed", self.clock.now())
        self.end(self.drill_id)

    def cleaned(self, status: str = c.OperationStatus.COMPLETED) -> None:
        """What an engine does of the cleanup that was asked for."""
        with self.runtime.db.writer() as session:
            (row,) = (
                session.query(models.Operation)
                .filter_by(kind="test_cleanup", status="pending")
                .all()
            )
            if status == c.OperationStatus.COMPLETED:
                found = drills.find(session, self.group_id)
                drills.end(found, self.clock.now())
            operations.finish(session, self.clock.now(), row, status)

    def cleanups(self) -> int:
        with self.runtime.db.reader() as session:
            return (
                session.query(models.Operation)
                .filter_by(kind="test_cleanup")
                .count()
            )


class MakeRoomTest(RoomCase):
    def setUp(self) -> None:
        super().setUp()
        self.limit = 1
        self.there.compute.quotas = lambda: [
            types.Quota("instances", self.limit, 1, 0)
        ]
        self.move = self.step(self.accept("failover"))

    def room(self) -> list[str]:
        return list(drill_room.make_room(self.move)["ended"])

    def test_short_of_quota_it_ends_the_drill(self) -> None:
        self.run_drill()
        self.pauses = [self.cleaned]
        self.assertEqual([self.group_id], self.room())
        self.assertFalse(drills.is_live(self.drill()))

    def test_with_room_it_leaves_it_alone(self) -> None:
        self.run_drill()
        self.limit = 2
        self.assertEqual([], self.room())
        self.assertEqual(0, self.cleanups())

    def test_without_a_drill_nothing_is_looked_at(self) -> None:
        with self.runtime.db.writer() as session:
            drills.end(drills.find(session, self.group_id), self.clock.now())
        self.there.compute.quotas = None
        self.assertEqual([], self.room())

    def test_one_that_is_made_is_cancelled(self) -> None:
        def cancelled() -> None:
            with self.runtime.db.writer() as session:
                row = operations.get(session, self.drill_id)
                self.assertTrue(row.cancelling)
                drills.end(
                    drills.find(session, self.group_id), self.clock.now()
                )

        self.pauses = [cancelled]
        self.assertEqual([self.group_id], self.room())
        self.assertEqual(0, self.cleanups())

    def test_one_that_cannot_be_removed_is_not_waited_for(self) -> None:
        self.run_drill()
        self.pauses = [lambda: self.cleaned(c.OperationStatus.FAILED)]
        self.assertEqual([], self.room())
        self.assertEqual(1, self.cleanups())

    def test_those_of_the_project_its_own_first(self) -> None:
        self.run_drill()
        others = {p: self.site.group(project_id=p) for p in ("p-here", "p-x")}
        with self.runtime.db.writer() as session:
            for group_id in others.values():
                session.add(
                    models.Drill(
                        protection_group_id=group_id,
                        operation_id=self.drill_id,
                        site_id=self.site.local_id,
                        status="running",
                        members=[],
                        residue=[],
                        started_at=drill_case.fakes.at(-60),
                    )
                )
            known = drills.live_in(
                session, self.site.local_id, "p-here", self.group_id
            )
        self.assertEqual([self.group_id, others["p-here"]], known)


class ClearTest(RoomCase):
    """The deletion of a group, at the site where it runs."""

    def setUp(self) -> None:
        super().setUp()
        self.delete = self.step(self.accept("delete"))
        self.asked: list[Any] = []
        self.answers: list[Exception | None] = []

        def action(group_id: str, body: Any) -> Any:
            self.asked.append((body["verb"], body["operation_id"]))
            answer = self.answers.pop(0) if self.answers else None
            if answer is not None:
                raise answer
            return {}

        self.here.peer = self.there.peer = type(
            "Peer", (), {"action": staticmethod(action)}
        )

    def at_the_peer(self) -> None:
        with self.runtime.db.writer() as session:
            drills.find(session, self.group_id).site_id = self.site.peer_id
        self.delete.refresh()

    def over(self) -> None:
        """The other site told of its end."""
        with self.runtime.db.writer() as session:
            drills.end(drills.find(session, self.group_id), self.clock.now())

    def test_none(self) -> None:
        self.over()
        drill_room.clear(self.delete)
        self.assertEqual([], self.asked)

    def test_here(self) -> None:
        self.run_drill()
        self.pauses = [self.cleaned]
        drill_room.clear(self.delete)
        self.assertFalse(drills.is_live(self.drill()))

    def test_at_the_other_site(self) -> None:
        self.at_the_peer()
        self.pauses = [lambda: None, self.over]
        drill_room.clear(self.delete)
        # again and again the same request
        self.assertEqual(1, len(set(self.asked)))
        self.assertEqual("test_cleanup", self.asked[0][0])

    def test_one_that_is_made_there_is_cancelled(self) -> None:
        self.at_the_peer()
        busy = exception.InvalidStatus("busy", operation_id=self.drill_id)
        self.answers = [busy]
        self.pauses = [self.over]
        drill_room.clear(self.delete)
        self.assertEqual(("cancel", self.drill_id), self.asked[1])

    def test_it_was_over_there_already(self) -> None:
        self.at_the_peer()
        self.answers = [exception.InvalidStatus("there is none")]
        self.pauses = [self.over]
        drill_room.clear(self.delete)
        self.assertEqual(["test_cleanup"] * 2, [v for v, _ in self.asked])

    def test_what_cannot_be_removed_stops_the_deletion(self) -> None:
        self.run_drill()
        self.pauses = [lambda: self.cleaned(c.OperationStatus.FAILED)]
        error = self.assertRaises(
            exception.UnexpectedState, drill_room.clear, self.delete
        )
        self.assertIn("test_cleanup", error.remedy)
