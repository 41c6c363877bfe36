# SPDX-License-Identifier: Apache-2.0
"""Operations: acceptance, records, the end, retry and cancel."""

import datetime
from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import (
    operations,
    operations_actions,
    operations_leases,
    protection_groups,
)
from protector.tests.unit.db.api import database

NOW = database.NOW
S = c.StepStatus


class OperationsTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()

    def claim(self, operation_id: str) -> operations_leases.Lease:
        with self.db.writer() as session:
            lease = operations_leases.claim(
                session, NOW, operation_id, self.site.local_id, "w", 60, 0
            )
        assert lease is not None
        return lease

    def running(
        self, verb: str = "update", weights: tuple[int, ...] = (1, 1, 2)
    ) -> operations_leases.Lease:
        """A claimed operation with a step for each weight."""
        operation_id = self.accept(self.group_id, verb)
        with self.db.writer() as session:
            operations.add_steps(
                session,
                operations.get(session, operation_id),
                [
                    {
                        "ordinal": n,
                        "name": f"step-{n}",
                        "after": [],
                        "weight": weight,
                        "optional": False,
                    }
                    for n, weight in enumerate(weights)
                ],
            )
        return self.claim(operation_id)

    def step(
        self, lease: operations_leases.Lease, ordinal: int, **values: Any
    ) -> None:
        with self.db.writer() as session:
            operations.set_step(
                session, database.NOW, lease, ordinal, **values
            )

    def finish(self, operation_id: str, status: str) -> None:
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.finish(session, NOW, row, status)


class AcceptTest(OperationsTest):
    def test_takes_the_slot_and_shows_it(self) -> None:
        operation_id = self.accept(self.group_id, "failover")
        group = self.group_row(self.group_id)
        self.assertEqual(
            ("failing_over", operation_id, operation_id),
            (group.status, group.operation_id, group.last_operation_id),
        )
        row = self.operation_row(operation_id)
        self.assertEqual(
            ("pending", "failover", "p-here", 0, None),
            (
                row.status,
                row.kind,
                row.project_id,
                row.generation,
                row.worker,
            ),
        )

    def test_a_sync_takes_no_slot(self) -> None:
        held = self.accept(self.group_id, "reprotect")
        operation_id = self.accept(self.group_id, "sync")
        self.finish(operation_id, c.OperationStatus.FAILED)
        with self.db.writer() as session:
            operations_actions.reopen(
                session,
                operations.get(session, operation_id),
                protection_groups.get(session, self.group_id),
            )
        self.assertEqual("pending", self.operation_row(operation_id).status)
        self.assertEqual(held, self.group_row(self.group_id).operation_id)
        # a move makes another document soon
        self.finish(held, c.OperationStatus.COMPLETED)
        self.accept(self.group_id, "failover")
        self.assertRaises(
            exception.InvalidStatus, self.accept, self.group_id, "sync"
        )

    def test_the_same_id_again_is_the_same_row(self) -> None:
        operation_id = database.new_id()
        for args in ({"n": 1}, {"n": 2}):
            found = self.accept(
                self.group_id, "failover", id=operation_id, args=args
            )
            self.assertEqual(operation_id, found)
        self.assertEqual({"n": 1}, self.operation_row(operation_id).args)
        with self.db.reader() as session:
            self.assertEqual(1, session.query(models.Operation).count())
        # even when it has ended and the slot is another's
        self.finish(operation_id, c.OperationStatus.COMPLETED)
        self.set_group(self.group_id, status="active", operation_id="x")
        self.accept(self.group_id, "failover", id=operation_id)
        self.assertEqual("x", self.group_row(self.group_id).operation_id)

    def test_the_same_id_twice_at_once(self) -> None:
        for _ in range(20):
            operation_id = database.new_id()

            def call(wanted: str = operation_id) -> str:
                return self.accept(self.group_id, "update", id=wanted)

            self.assertEqual([operation_id] * 2, database.race(call, call))
            self.finish(operation_id, c.OperationStatus.COMPLETED)

    def test_only_one_of_two_gets_the_slot(self) -> None:
        for _ in range(50):
            found = database.race(
                *[lambda: self.accept(self.group_id, "update")] * 2
            )
            won = [x for x in found if isinstance(x, str)]
            lost = [x for x in found if isinstance(x, exception.GroupBusy)]
            self.assertEqual((1, 1), (len(won), len(lost)), found)
            self.assertEqual(won[0], lost[0].details["operation_id"])
            self.finish(won[0], c.OperationStatus.COMPLETED)

    def test_a_refused_one_leaves_nothing(self) -> None:
        self.set_group(self.group_id, status="failed_over")
        self.assertRaises(
            exception.InvalidStatus, self.accept, self.group_id, "delete"
        )
        group = self.group_row(self.group_id)
        self.assertEqual(
            ("failed_over", None, None),
            (group.status, group.operation_id, group.last_operation_id),
        )
        with self.db.reader() as session:
            self.assertEqual(0, session.query(models.Operation).count())

    def test_membership_waits_its_turn_while_the_slot_is_taken(self) -> None:
        running = self.accept(self.group_id, "update")
        waiting = self.accept(self.group_id, "member_add")
        group = self.group_row(self.group_id)
        self.assertEqual(running, group.operation_id)
        self.assertEqual(waiting, group.last_operation_id)
        self.assertEqual("pending", self.operation_row(waiting).status)

    def test_membership_is_refused_where_it_is_not_legal(self) -> None:
        self.accept(self.group_id, "failover")
        error = self.assertRaises(
            exception.InvalidStatus, self.accept, self.group_id, "member_add"
        )
        self.assertEqual("failing_over", error.details["status"])

    def test_a_move_ends_what_waits_and_nothing_else(self) -> None:
        waiting = [self.accept(self.group_id, "member_add") for _ in "ab"]
        running = self.accept(self.group_id, "member_remove")
        self.set_operation(running, status="running")
        other = self.accept(self.site.group(), "member_add")
        theirs = self.accept(self.group_id, "member_add")
        self.set_operation(theirs, mirrored_steps=[])
        with self.db.writer() as session:
            operations.supersede_queue(session, NOW, self.group_id, "move")
        for operation_id in waiting:
            row = self.operation_row(operation_id)
            self.assertEqual("cancelled", row.status)
            self.assertEqual("Superseded", row.error["reason"])
            self.assertIn("move", row.error["message"])
            self.assertEqual(NOW, row.finished_at)
        self.assertEqual("running", self.operation_row(running).status)
        for operation_id in (other, theirs):
            self.assertEqual(
                "pending", self.operation_row(operation_id).status
            )


class RecordTest(OperationsTest):
    def test_progress_is_by_weight_and_full_only_at_the_end(self) -> None:
        lease = self.running(weights=(1, 1, 1))
        expected = {S.DONE: 33, S.SKIPPED: 66, S.FAILED: 66}
        for ordinal, status in enumerate(expected):
            self.step(lease, ordinal, status=status)
            row = self.operation_row(lease.operation_id)
            self.assertEqual(expected[status], row.progress)
            self.assertEqual(ordinal + 1, row.mirror_version)
        self.step(lease, 2, status=S.FAILED_IGNORED)
        self.assertEqual(100, self.operation_row(lease.operation_id).progress)

    def test_group_and_operation_say_when_they_changed(self) -> None:
        """``changes_since`` lists what somebody else would have missed."""
        lease = self.running()
        group = self.group_row(self.group_id)
        self.assertEqual(NOW, group.updated_at)
        self.assertEqual(
            NOW, self.operation_row(lease.operation_id).updated_at
        )
        later = NOW + datetime.timedelta(seconds=9)
        with self.db.writer() as session:
            operations.set_step(session, later, lease, 0, status=S.DONE)
        row = self.operation_row(lease.operation_id)
        self.assertEqual(later, row.updated_at)
        last = later + datetime.timedelta(seconds=9)
        with self.db.writer() as session:
            row = operations.get(session, lease.operation_id)
            operations.finish(session, last, row, c.OperationStatus.FAILED)
        row = self.operation_row(lease.operation_id)
        group = self.group_row(self.group_id)
        self.assertEqual((last, last), (row.updated_at, group.updated_at))

    def test_a_lost_lease_writes_nothing(self) -> None:
        lease = self.running()
        self.set_operation(lease.operation_id, lease_until=0.0)
        adopter = self.claim(lease.operation_id)
        self.assertEqual(2, adopter.generation)
        writes = (
            lambda s: operations.set_step(
                s, database.NOW, lease, 0, status=S.DONE
            ),
            lambda s: operations.save_data(s, lease, x=1),
            lambda s: operations.pass_no_return(s, lease),
        )
        for write in writes:
            with self.db.writer() as session:
                self.assertRaises(exception.LeaseLost, write, session)
        row = self.operation_row(lease.operation_id)
        self.assertEqual(
            ("pending", {}, False),
            (row.steps[0].status, row.data, row.no_return),
        )

    def test_values_are_added_to_those_that_are_there(self) -> None:
        lease = self.running()
        for values in ({"a": 1}, {"b": {"c": []}}, {"a": 2}):
            with self.db.writer() as session:
                operations.save_data(session, lease, **values)
        self.assertEqual(
            {"a": 2, "b": {"c": []}},
            self.operation_row(lease.operation_id).data,
        )

    def test_steps_at_once_lose_no_record(self) -> None:
        lease = self.running(weights=(1,) * 8)
        found = database.race(
            *[lambda n=n: self.step(lease, n, status=S.DONE) for n in range(8)]
        )
        self.assertEqual([None] * 8, found)
        row = self.operation_row(lease.operation_id)
        self.assertEqual((100, 8), (row.progress, row.mirror_version))

    def test_values_saved_at_once_are_all_kept(self) -> None:
        lease = self.running()

        def save(number: int) -> None:
            with self.db.writer() as session:
                operations.save_data(session, lease, **{str(number): number})

        database.race(*[lambda n=n: save(n) for n in range(8)])
        self.assertEqual(
            {str(n): n for n in range(8)},
            self.operation_row(lease.operation_id).data,
        )


class CancelTest(OperationsTest):
    def cancel(self, operation_id: str) -> bool:
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            return operations.request_cancel(session, row)

    def go(self, lease: operations_leases.Lease) -> bool:
        try:
            with self.db.writer() as session:
                operations.pass_no_return(session, lease)
        except exception.Superseded:
            return False
        return True

    def test_cancel_first(self) -> None:
        lease = self.running()
        self.assertTrue(self.cancel(lease.operation_id))
        self.assertTrue(self.cancel(lease.operation_id))
        self.assertFalse(self.go(lease))
        self.assertFalse(self.operation_row(lease.operation_id).no_return)

    def test_too_late(self) -> None:
        lease = self.running()
        self.assertTrue(self.go(lease))
        self.assertFalse(self.cancel(lease.operation_id))
        row = self.operation_row(lease.operation_id)
        self.assertEqual((False, True), (row.cancelling, row.no_return))

    def test_what_has_ended_is_not_cancelled(self) -> None:
        lease = self.running()
        self.finish(lease.operation_id, c.OperationStatus.COMPLETED)
        self.assertFalse(self.cancel(lease.operation_id))
        self.assertFalse(self.operation_row(lease.operation_id).cancelling)

    def test_of_cancel_and_no_return_one_wins(self) -> None:
        lease = self.running()
        winners = set()
        for _ in range(100):
            self.set_operation(
                lease.operation_id, cancelling=False, no_return=False
            )
            cancelled, gone = database.race(
                lambda: self.cancel(lease.operation_id),
                lambda: self.go(lease),
            )
            self.assertEqual({True, False}, {cancelled, gone})
            winners.add(bool(cancelled))
        self.assertTrue(winners)


class EndTest(OperationsTest):
    def test_gives_back_lease_and_slot(self) -> None:
        lease = self.running()
        self.finish(lease.operation_id, c.OperationStatus.COMPLETED)
        row = self.operation_row(lease.operation_id)
        self.assertEqual(
            ("completed", 100, None, 0.0, NOW),
            (
                row.status,
                row.progress,
                row.worker,
                row.lease_until,
                row.finished_at,
            ),
        )
        self.assertIsNone(self.group_row(self.group_id).operation_id)

    def test_leaves_the_slot_of_another(self) -> None:
        holder = self.accept(self.group_id, "update")
        waiting = self.accept(self.group_id, "member_add")
        self.finish(waiting, c.OperationStatus.CANCELLED)
        self.assertEqual(holder, self.group_row(self.group_id).operation_id)

    def test_outlives_its_group(self) -> None:
        lease = self.running("delete")
        with self.db.writer() as session:
            protection_groups.forget(session, self.group_id)
        self.finish(lease.operation_id, c.OperationStatus.COMPLETED)
        self.assertEqual(
            "completed", self.operation_row(lease.operation_id).status
        )


class ReopenTest(OperationsTest):
    def reopen(self, operation_id: str) -> models.Operation:
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            row = operations.get(session, operation_id)
            operations_actions.reopen(session, row, group)
        return self.operation_row(operation_id)

    def failed(self, verb: str = "failover", **data: Any) -> str:
        """It did one step, failed in the second, never saw the third."""
        lease = self.running(verb)
        self.step(lease, 0, status=S.DONE, attempt=1, finished_at=NOW)
        error = exception.CloudQuota("no cores").as_dict()
        self.step(
            lease, 1, status=S.FAILED, attempt=3, error=error, finished_at=NOW
        )
        with self.db.writer() as session:
            operations.save_data(session, lease, point="p1", **data)
            row = operations.get(session, lease.operation_id)
            group = protection_groups.lock(session, self.group_id)
            operations.finish(
                session, NOW, row, c.OperationStatus.FAILED, error=error
            )
            protection_groups.set_status(group, "error", verb)
        return lease.operation_id

    def test_goes_on_where_it_failed(self) -> None:
        row = self.reopen(self.failed())
        self.assertEqual(
            ("pending", None, None, None, {"point": "p1"}),
            (row.status, row.error, row.finished_at, row.worker, row.data),
        )
        self.assertEqual(
            ["done", "pending", "pending"], [s.status for s in row.steps]
        )
        self.assertEqual(
            (None, None), (row.steps[1].error, row.steps[1].finished_at)
        )
        group = self.group_row(self.group_id)
        self.assertEqual(
            ("failing_over", row.id), (group.status, group.operation_id)
        )
        self.assertEqual(2, self.claim(row.id).generation)

    def test_what_was_brought_back_is_planned_anew(self) -> None:
        row = self.reopen(self.failed(compensating={"reason": "x"}))
        self.assertEqual(({}, 0, []), (row.data, row.progress, row.steps))

    def test_what_was_left_outside_is_not_forgotten(self) -> None:
        left = {
            "residue": [{"kind": "volume", "id": "v-1", "why": "attached"}],
            "staged": True,
            "undo": {"name": "g.undo-1", "members": ["web"]},
            "made:m-1": {"ports": ["p-1"]},
        }
        row = self.reopen(
            self.failed(compensating={"reason": "x"}, locked=False, **left)
        )
        self.assertEqual(left, row.data)

    def test_what_was_done_after_the_failure_is_done_again(self) -> None:
        operation_id = self.failed()
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            row.steps[2].status = S.DONE
            row.steps[2].after = [1]
        row = self.reopen(operation_id)
        self.assertEqual(
            ["done", "pending", "pending"], [s.status for s in row.steps]
        )

    def test_whatever_failed_can_be_retried(self) -> None:
        """``error`` is never a dead end."""
        for verb in ("create", "delete", "failover", "failback"):
            self.group_id = self.site.group()
            start = {"create": "creating", "failback": "failed_over"}
            self.set_group(self.group_id, status=start.get(verb, "active"))
            operation_id = self.failed(verb)
            self.assertEqual("pending", self.reopen(operation_id).status)
            group = self.group_row(self.group_id)
            self.assertEqual(operation_id, group.operation_id)
            self.assertNotEqual("error", group.status)

    def test_only_what_failed(self) -> None:
        operation_id = self.accept(self.group_id)
        for status in ("pending", "running", "completed", "cancelled"):
            self.set_operation(operation_id, status=status)
            error = self.assertRaises(
                exception.InvalidStatus, self.reopen, operation_id
            )
            self.assertEqual(status, error.details["status"])
            self.assertIn(status, error.message)

    def test_not_while_another_has_the_slot(self) -> None:
        operation_id = self.failed()
        other = self.accept(self.group_id, "update")
        error = self.assertRaises(
            exception.GroupBusy, self.reopen, operation_id
        )
        self.assertEqual(other, error.details["operation_id"])
        self.assertEqual("failed", self.operation_row(operation_id).status)

    def test_not_when_the_group_went_another_way(self) -> None:
        operation_id = self.failed()
        self.set_group(self.group_id, status="failed_over", error_verb=None)
        self.assertRaises(exception.InvalidStatus, self.reopen, operation_id)

    def test_not_a_move_of_an_epoch_that_is_over(self) -> None:
        """However far it came: the group has gone on without it."""
        operation_id = self.failed("failover")
        self.set_operation(operation_id, no_return=True, data={"epoch": 2})
        for epoch, seen in ((3, 3), (2, 3)):
            self.set_group(self.group_id, epoch=epoch, epoch_seen=seen)
            error = self.assertRaises(
                exception.InvalidStatus, self.reopen, operation_id
            )
            self.assertIn("epoch 3", error.message)
        self.set_group(self.group_id, epoch=2, epoch_seen=2)
        self.assertEqual("pending", self.reopen(operation_id).status)
