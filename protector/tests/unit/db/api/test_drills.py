# SPDX-License-Identifier: Apache-2.0
"""The place that a drill has in its group, here and as the peer is told."""

import datetime
from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import (
    drills,
    mirrors,
    operations,
    operations_actions,
    purge,
)
from protector.tests.unit.engine import case


class DrillsTest(case.EngineCase):
    def drill(self) -> models.Drill:
        with self.runtime.db.reader() as session:
            found = drills.find(session, self.group_id)
        assert found is not None
        return found

    def finish(self, operation_id: str, status: str, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.finish(session, self.clock.now(), row, status, **values)

    def run_drill(self) -> str:
        operation_id = self.accept("test_failover")
        with self.runtime.db.writer() as session:
            row = drills.find(session, self.group_id)
            drills.run(row, "passed", self.clock.now())
        self.end(operation_id)
        return operation_id

    def test_the_group_stays_as_it_is(self) -> None:
        before = vars(self.group()).copy()
        self.accept("test_failover")
        after = vars(self.group())
        for name in ("status", "operation_id", "last_operation_id"):
            self.assertEqual(before[name], after[name], name)
        self.assertEqual("starting", self.drill().status)

    def test_beside_what_holds_the_slot(self) -> None:
        self.accept("update")
        self.accept("test_failover")

    def test_one_at_a_time(self) -> None:
        first = self.accept("test_failover")
        error = self.assertRaises(
            exception.InvalidStatus, self.accept, "test_failover"
        )
        self.assertEqual(first, error.details["operation_id"])

    def test_no_cleanup_of_what_is_being_made(self) -> None:
        first = self.accept("test_failover")
        error = self.assertRaises(
            exception.InvalidStatus, self.accept, "test_cleanup"
        )
        self.assertEqual(first, error.details["operation_id"])
        self.assertIn("cancel", error.remedy)

    def test_nothing_to_clean(self) -> None:
        self.assertRaises(exception.InvalidStatus, self.accept, "test_cleanup")

    def test_again_when_something_was_left(self) -> None:
        self.run_drill()
        for residue, possible in (([{"id": "v"}], True), ([], False)):
            with self.runtime.db.writer() as session:
                row = drills.find(session, self.group_id)
                drills.end(row, self.clock.now(), residue)
                self.assertEqual(possible, drills.can_clean(row))
        self.accept("test_failover")

    def test_retried_when_the_place_is_free(self) -> None:
        first = self.accept("test_failover")
        self.finish(first, c.OperationStatus.FAILED)
        with self.runtime.db.writer() as session:
            drills.end(drills.find(session, self.group_id), self.clock.now())
        self.reopen(first)
        self.assertEqual("starting", self.drill().status)

    def test_not_retried_while_something_may_be_there(self) -> None:
        first = self.accept("test_failover")
        self.finish(first, c.OperationStatus.FAILED)
        self.assertRaises(exception.InvalidStatus, self.reopen, first)

    def reopen(self, operation_id: str) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            group = session.get(models.ProtectionGroup, self.group_id)
            operations_actions.reopen(session, row, group)

    def test_what_was_made_is_not_forgotten(self) -> None:
        first = self.run_drill()
        cleanup = self.accept("test_cleanup")
        self.end(cleanup)
        with self.runtime.db.writer() as session:
            self.clock.advance(100)
            purge.finished_operations(
                session, self.clock.now(), datetime.timedelta(0)
            )
        with self.runtime.db.reader() as session:
            self.assertIsNotNone(session.get(models.Operation, first))
            self.assertIsNone(session.get(models.Operation, cleanup))


class ObservedTest(case.EngineCase):
    """What the mirrors of operations tell of a drill at the peer."""

    def drill(self) -> models.Drill:
        with self.runtime.db.reader() as session:
            found = drills.find(session, self.group_id)
        assert found is not None
        return found

    def told(self, kind: str, status: str, **values: Any) -> str:
        given: dict[str, Any] = {
            "id": values.pop("id", None) or f"{kind}-{status}"[:36],
            "protection_group_id": self.group_id,
            "kind": kind,
            "status": status,
            "executor_site_id": self.site.peer_id,
            "created_at": self.clock.now().isoformat(),
            "finished_at": self.clock.now().isoformat(),
        }
        with self.runtime.db.writer() as session:
            mirrors.upsert(
                session,
                self.clock.now(),
                given | values,
                self.site.local_id,
            )
        return str(given["id"])

    def end_result(self) -> dict[str, Any]:
        expires = self.clock.now().isoformat()
        return {"verdict": "passed", "drill": {"expires_at": expires}}

    def test_its_life(self) -> None:
        first = self.told("test_failover", "pending", id="d1")
        row = self.drill()
        self.assertEqual(
            ("starting", self.site.peer_id), (row.status, row.site_id)
        )
        result = self.end_result()
        self.told("test_failover", "completed", id=first, result=result)
        row = self.drill()
        self.assertEqual(("running", "passed"), (row.status, row.verdict))
        self.assertEqual(self.clock.now(), row.expires_at)
        self.told(
            "test_cleanup",
            "completed",
            args={"drill_id": first},
            result={"residue": [{"id": "v"}]},
        )
        self.assertEqual("ended", self.drill().status)
        self.assertEqual([{"id": "v"}], self.drill().residue)
        # what comes late changes nothing
        self.told("test_failover", "completed", id=first, result=result)
        self.assertEqual("ended", self.drill().status)

    def test_one_that_came_and_went_while_nobody_told(self) -> None:
        """The cleanup is told first: it is the newer operation."""
        self.told("test_cleanup", "completed", args={"drill_id": "d1"})
        self.clock.advance(60)
        cleaned = {
            "cleaned_at": self.clock.now().isoformat(),
            "residue": [{"id": "v"}],
        }
        result = self.end_result() | cleaned
        self.told("test_failover", "completed", id="d1", result=result)
        row = self.drill()
        self.assertEqual(("ended", "passed"), (row.status, row.verdict))
        self.assertEqual(self.clock.now(), row.ended_at)
        self.assertEqual([{"id": "v"}], row.residue)

    def test_one_that_failed_is_over_until_it_is_retried(self) -> None:
        first = self.told("test_failover", "failed", id="d1")
        self.assertEqual("ended", self.drill().status)
        self.told("test_failover", "running", id=first)
        self.assertEqual("starting", self.drill().status)

    def test_an_older_one_does_not_come_back(self) -> None:
        earlier = self.clock.now().isoformat()
        self.clock.advance(60)
        self.told("test_failover", "running", id="d2")
        self.told("test_failover", "running", id="d1", created_at=earlier)
        self.assertEqual("d2", self.drill().operation_id)

    def test_the_cleanup_of_another_ends_nothing(self) -> None:
        self.told("test_failover", "running", id="d2")
        self.told("test_cleanup", "completed", args={"drill_id": "d1"})
        self.assertEqual("starting", self.drill().status)
