# SPDX-License-Identifier: Apache-2.0
"""Leases run on the database's clock; queued changes take turns."""

import datetime
from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import types
from protector.db.api import operations, operations_leases
from protector.tests.unit.db.api import database

NOW = database.NOW
# clocks of engines that are wrong by years
WRONG = (
    NOW.replace(year=1999),
    NOW.replace(year=2199),
)
Lease = operations_leases.Lease


class ClaimingTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()

    def claim(
        self, operation_id: str, worker: str = "w", **other: Any
    ) -> Lease | None:
        given: dict[str, Any] = {
            "now": NOW,
            "site_id": self.site.local_id,
            "seconds": 60,
            "margin": 0,
        }
        with self.db.writer() as session:
            return operations_leases.claim(
                session,
                operation_id=operation_id,
                worker=worker,
                **given | other,
            )

    def ends_in(self, operation_id: str, seconds: float) -> None:
        """The lease ends so many seconds from now by the database."""
        with self.db.writer() as session:
            session.execute(
                sa.update(operations.Op)
                .where(operations.Op.id == operation_id)
                .values(lease_until=types.db_epoch() + seconds)
                .execution_options(synchronize_session=False)
            )

    def left(self, operation_id: str) -> float:
        """Seconds that the lease still stands, by the database."""
        with self.db.reader() as session:
            row = operations.get(session, operation_id)
            return row.lease_until - session.scalar(
                sa.select(types.db_epoch())
            )

    def runnable(self, margin: float = 0, site: str | None = None) -> Any:
        with self.db.reader() as session:
            found = operations_leases.runnable(
                session, site or self.site.local_id, margin
            )
        projects = {row.project_id for row in found}
        self.assertEqual({"p-here"} if found else set(), projects)
        return [row.id for row in found]

    def owns(self, lease: Lease) -> bool:
        try:
            with self.db.writer() as session:
                operations_leases.owned(session, lease)
        except exception.LeaseLost:
            return False
        return True

    def renew(self, lease: Lease, seconds: float = 60) -> bool:
        with self.db.writer() as session:
            kept = operations_leases.renew(session, [lease], seconds)
        return kept == {lease}

    def finish(
        self, operation_id: str, status: str = c.OperationStatus.COMPLETED
    ) -> None:
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.finish(session, NOW, row, status)


class LeasesTest(ClaimingTest):
    # -- the clock

    def test_the_clock_is_the_databases_and_moves(self) -> None:
        with self.db.reader() as session:
            first = session.scalar(sa.select(types.db_epoch()))
            self.assertIsInstance(first, float)
            real = datetime.datetime.now(datetime.UTC).timestamp()
            self.assertLess(abs(real - first), 5)
            # within one transaction too: a lease is compared with now
            for _ in range(200_000):
                second = session.scalar(sa.select(types.db_epoch()))
                if second > first:
                    return
        self.fail("the clock of the database stands still")

    def test_a_wrong_clock_of_an_engine_does_not_matter(self) -> None:
        for now in WRONG:
            operation_id = self.accept(self.group_id)
            self.assertIsNotNone(self.claim(operation_id, now=now))
            self.assertTrue(55 < self.left(operation_id) <= 60)
            for other in WRONG:
                self.assertIsNone(self.claim(operation_id, "x", now=other))
            self.finish(operation_id)

    # -- claims

    def test_a_claim_makes_it_run(self) -> None:
        operation_id = self.accept(self.group_id)
        lease = self.claim(operation_id)
        self.assertEqual(Lease(operation_id, "w", 1), lease)
        row = self.operation_row(operation_id)
        self.assertEqual(
            ("running", NOW, "w"), (row.status, row.started_at, row.worker)
        )

    def test_the_start_stays_that_of_the_first_claim(self) -> None:
        operation_id = self.accept(self.group_id)
        self.claim(operation_id)
        self.ends_in(operation_id, -1)
        self.claim(operation_id, "x", now=NOW.replace(hour=23))
        self.assertEqual(NOW, self.operation_row(operation_id).started_at)

    def test_nobody_else_while_it_stands_and_for_the_margin(self) -> None:
        operation_id = self.accept(self.group_id)
        first = self.claim(operation_id)
        self.assertIsNone(self.claim(operation_id, "x"))
        # nor the same worker: its thread runs it already
        self.assertIsNone(self.claim(operation_id))
        self.ends_in(operation_id, -30)
        self.assertIsNone(self.claim(operation_id, "x", margin=40))
        self.assertEqual([], self.runnable(margin=40))
        self.assertEqual([operation_id], self.runnable(margin=20))
        second = self.claim(operation_id, "x", margin=20)
        self.assertEqual(Lease(operation_id, "x", 2), second)
        self.assertEqual((False, True), (self.owns(first), self.owns(second)))
        self.assertFalse(self.renew(first))

    def test_what_is_not_to_be_had(self) -> None:
        operation_id = self.accept(self.group_id)
        self.assertIsNone(self.claim(database.new_id()))
        self.assertIsNone(self.claim(operation_id, site_id=self.site.peer_id))
        for status in ("completed", "failed", "cancelled"):
            self.set_operation(operation_id, status=status)
            self.assertIsNone(self.claim(operation_id))
        self.assertEqual(0, self.operation_row(operation_id).generation)

    def test_of_two_claimants_one_wins(self) -> None:
        winners = set()
        for _ in range(100):
            operation_id = self.accept(self.group_id)
            found = database.race(
                lambda i=operation_id: self.claim(i, "one"),
                lambda i=operation_id: self.claim(i, "two"),
            )
            won = [x for x in found if isinstance(x, Lease)]
            self.assertEqual(1, len(won), found)
            self.assertIn(None, found)
            row = self.operation_row(operation_id)
            self.assertEqual((won[0].worker, 1), (row.worker, row.generation))
            winners.add(won[0].worker)
            self.finish(operation_id)
        self.assertTrue(winners)

    def test_of_two_adopters_one_wins(self) -> None:
        operation_id = self.accept(self.group_id)
        self.claim(operation_id, "dead")
        for number in range(2, 52):
            self.ends_in(operation_id, -1)
            found = database.race(
                *[lambda w=w: self.claim(operation_id, w) for w in "xyz"]
            )
            won = [x for x in found if isinstance(x, Lease)]
            self.assertEqual([number], [x.generation for x in won], found)

    # -- while it stands

    def test_renewed_it_stands_longer(self) -> None:
        operation_id = self.accept(self.group_id)
        lease = self.claim(operation_id, seconds=10)
        self.assertTrue(self.renew(lease, 500))
        self.assertTrue(495 < self.left(operation_id) <= 500)

    def test_past_its_end_nothing_is_written(self) -> None:
        operation_id = self.accept(self.group_id)
        lease = self.claim(operation_id)
        self.assertTrue(self.owns(lease))
        self.ends_in(operation_id, -0.001)
        self.assertFalse(self.owns(lease))

    def test_an_ended_operation_is_nobodys(self) -> None:
        operation_id = self.accept(self.group_id)
        lease = self.claim(operation_id)
        self.finish(operation_id)
        self.assertFalse(self.owns(lease))
        self.assertFalse(self.renew(lease))
        self.assertEqual([], self.runnable())

    def test_given_back_it_is_free_at_once(self) -> None:
        operation_id = self.accept(self.group_id)
        lease = self.claim(operation_id)
        with self.db.writer() as session:
            operations_leases.let_go(session, lease)
        self.assertFalse(self.owns(lease))
        adopter = self.claim(operation_id, "x", margin=999)
        self.assertEqual(2, adopter.generation)
        # the old owner lets go once more: nothing to it
        with self.db.writer() as session:
            operations_leases.let_go(session, lease)
        self.assertTrue(self.owns(adopter))

    # -- what there is to do

    def test_runnable_is_ours_unfinished_and_oldest_first(self) -> None:
        def at(second: int, **values: Any) -> str:
            return self.accept(
                self.site.group(),
                created_at=NOW.replace(second=second),
                **values,
            )

        young, old = at(9), at(1)
        theirs = at(2, executor_site_id=self.site.peer_id)
        self.finish(at(0))
        self.claim(at(3))
        self.assertEqual([old, young], self.runnable())
        self.assertEqual([theirs], self.runnable(site=self.site.peer_id))


class TurnsTest(ClaimingTest):
    """Membership changes: in order of arrival, one at a time."""

    def queued(self, second: int, verb: str = "member_add") -> str:
        return self.accept(
            self.group_id, verb, created_at=NOW.replace(second=second)
        )

    def slot(self) -> str | None:
        return self.group_row(self.group_id).operation_id

    def test_in_order_of_arrival(self) -> None:
        third = self.queued(3)
        first, second = self.queued(1), self.queued(2, "member_remove")
        for waiting in (third, second):
            self.assertIsNone(self.claim(waiting))
            self.assertIsNone(self.slot())
        for operation_id in (first, second, third):
            self.assertIsNotNone(self.claim(operation_id))
            self.assertEqual(operation_id, self.slot())
            self.finish(operation_id)
            self.assertIsNone(self.slot())

    def test_equal_times_still_have_one_order(self) -> None:
        low, high = sorted([self.queued(1), self.queued(1)])
        self.assertIsNone(self.claim(high))
        self.assertIsNotNone(self.claim(low))

    def test_waits_for_the_slot(self) -> None:
        holder = self.accept(self.group_id, "update")
        waiting = self.queued(1)
        self.assertIsNone(self.claim(waiting))
        self.assertEqual(holder, self.slot())
        self.finish(holder)
        self.assertIsNotNone(self.claim(waiting))

    def test_the_adopter_has_the_turn_of_the_dead(self) -> None:
        first, second = self.queued(1), self.queued(2)
        self.claim(first, "dead")
        self.ends_in(first, -1)
        self.assertIsNone(self.claim(second))
        self.assertEqual(2, self.claim(first, "x").generation)

    def test_another_sites_queue_and_group_do_not_matter(self) -> None:
        self.accept(
            self.group_id,
            "member_add",
            executor_site_id=self.site.peer_id,
            created_at=NOW.replace(second=0),
        )
        mine = self.queued(5)
        self.group_id = self.site.group()
        other = self.queued(9)
        self.assertIsNotNone(self.claim(mine))
        self.assertIsNotNone(self.claim(other))

    def test_of_two_waiting_one_gets_the_slot(self) -> None:
        for _ in range(50):
            first, second = self.queued(1), self.queued(2)
            found = database.race(
                lambda i=first: self.claim(i, "one"),
                lambda i=second: self.claim(i, "two"),
            )
            self.assertIsInstance(found[0], Lease)
            self.assertIsNone(found[1])
            self.assertEqual(first, self.slot())
            self.finish(first)
            self.finish(second)

    def test_a_late_doorbell_does_not_bring_the_slot_to_what_ended(
        self,
    ) -> None:
        """Nobody would ever free it again."""
        done, superseded = self.queued(1), self.queued(2)
        self.claim(done)
        self.finish(done)
        self.finish(superseded, c.OperationStatus.CANCELLED)
        for operation_id in (done, superseded):
            self.assertIsNone(self.claim(operation_id))
            self.assertIsNone(self.slot())

    def test_one_that_waits_stays_pending(self) -> None:
        self.queued(1)
        waiting = self.queued(2)
        self.assertIsNone(self.claim(waiting))
        row = self.operation_row(waiting)
        self.assertEqual(
            ("pending", None, 0, None),
            (row.status, row.worker, row.generation, row.started_at),
        )

    def test_a_claim_that_is_refused_leaves_the_slot_alone(self) -> None:
        waiting = self.queued(1)
        self.assertIsNone(self.claim(waiting, site_id=self.site.peer_id))
        self.assertIsNone(self.slot())
