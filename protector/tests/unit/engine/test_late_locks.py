# SPDX-License-Identifier: Apache-2.0
"""Which servers that were locked too late are freed."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations, source_locks
from protector.engine import fencing, late_locks
from protector.tests.unit.engine import arrival_case

DAY = 24 * 3600


class LateLocksTest(arrival_case.ArrivalCase):
    """The member runs here again; the move that failed locked it late."""

    def setUp(self) -> None:
        super().setUp()
        self.there.peer = self.peer
        self.operation_id = self.ctx.operation.id
        self.ended()
        self.lock(self.operation_id, "ACTIVE")
        self.work = late_locks.LateLocks(self.runtime)

    def ended(self, **values: Any) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            operations.finish(
                session, self.clock.now(), row, c.OperationStatus.FAILED
            )
            for name, value in values.items():
                setattr(row, name, value)
        self.set_group(status="active")

    def lock(self, operation_id: str, status: str) -> None:
        reason = fencing.reason(operation_id, "ACTIVE")
        self.here.compute._set(
            self.server_id,
            "",
            status=status,
            locked=True,
            locked_reason=reason,
        )

    def frees(self) -> list[str]:
        """What is done to the server."""
        self.here.changes.clear()
        self.work.run()
        return [name for name, *_ in self.here.changes]

    def test_one_of_a_move_that_was_undone(self) -> None:
        self.assertEqual(["unlock"], self.frees())
        self.assertEqual([], self.frees())

    def test_one_that_was_stopped_late_too(self) -> None:
        self.lock(self.operation_id, "SHUTOFF")
        self.assertEqual(["start"], self.frees())
        # seen to run
        self.assertEqual(["unlock"], self.frees())
        self.assertEqual([], self.frees())

    def test_one_of_a_move_that_the_group_came_back_from(self) -> None:
        self.ended(no_return=True, result={"epoch": 2})
        self.assertEqual([], self.frees())
        self.set_group(epoch=3)
        self.assertEqual(["unlock"], self.frees())

    def test_not_one_of_a_move_that_runs(self) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            row.status = c.OperationStatus.RUNNING
        self.assertEqual([], self.frees())

    def test_not_one_of_a_move_that_is_not_known(self) -> None:
        self.lock(str(uuid.uuid4()), "ACTIVE")
        self.assertEqual([], self.frees())

    def test_not_one_of_somebody_else(self) -> None:
        self.here.compute._set(self.server_id, "", locked_reason="mine")
        self.assertEqual([], self.frees())

    def test_not_what_is_parked(self) -> None:
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            session.get(models.MemberCopy, key).role = c.CopyRole.PARKED
        self.assertEqual([], self.frees())

    def test_not_where_the_group_does_not_run(self) -> None:
        self.set_group(current_primary_site_id=self.site.peer_id)
        self.assertEqual([], self.frees())

    def test_not_while_something_runs_on_the_group(self) -> None:
        self.set_group(operation_id=str(uuid.uuid4()))
        self.assertEqual([], self.frees())

    def test_not_while_the_source_is_held(self) -> None:
        with self.runtime.db.writer() as session:
            source_locks.take(
                session,
                self.group_id,
                self.operation_id,
                self.site.peer_id,
                60,
            )
        self.assertEqual([], self.frees())

    def test_not_what_the_other_site_has_claimed(self) -> None:
        self.peer.held = [{"id": self.group_id, "epoch": 2}]
        self.assertEqual([], self.frees())
        self.peer.held = []
        self.assertEqual(["unlock"], self.frees())

    def test_not_for_ever(self) -> None:
        self.clock.advance(2 * DAY)
        self.assertEqual([], self.frees())

    def test_a_silent_cloud_is_asked_again(self) -> None:
        self.here.fail("unlock", exception.CloudUnavailable("no answer"))
        self.assertEqual([], self.frees())
        self.assertEqual(["unlock"], self.frees())

    def test_what_a_site_fenced_that_is_lost_for_good(self) -> None:
        """Nobody else ever tells of its operation."""
        self.lock(str(uuid.uuid4()), "SHUTOFF")
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        self.clock.advance(2 * DAY)
        self.assertEqual([], self.frees())
        self.set_group(conditions={c.Condition.UNPROTECTED: {"status": True}})
        self.assertEqual(["start"], self.frees())
        self.assertEqual(["unlock"], self.frees())
