# SPDX-License-Identifier: Apache-2.0
"""The source's lock of a planned move: each change one compare-and-set."""

from typing import Any

import sqlalchemy as sa

from protector import exception
from protector.db import models, types
from protector.db.api import source_locks
from protector.tests.unit.db.api import database

Lock = models.SourceLock


class SourceLocksTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()

    def take(self, operation_id: str = "op", seconds: float = 120) -> None:
        with self.db.writer() as session:
            source_locks.take(
                session,
                self.group_id,
                operation_id,
                self.site.peer_id,
                seconds,
            )

    def release(self, operation_id: str = "op", epoch: int = 2) -> None:
        with self.db.writer() as session:
            source_locks.release(session, self.group_id, operation_id, epoch)

    def drop(self, operation_id: str = "op") -> bool:
        with self.db.writer() as session:
            return source_locks.drop(session, self.group_id, operation_id)

    def expire(self) -> None:
        with self.db.writer() as session:
            session.execute(
                sa.update(Lock)
                .values(expires=types.db_epoch() - 0.001)
                .execution_options(synchronize_session=False)
            )

    def row(self) -> Any:
        with self.db.reader() as session:
            return source_locks.find(session, self.group_id)

    def left(self) -> float:
        with self.db.reader() as session:
            now = session.scalar(sa.select(types.db_epoch()))
            return source_locks.find(session, self.group_id).expires - now

    def expired(self) -> list[str]:
        with self.db.reader() as session:
            return [
                x.protection_group_id for x in source_locks.expired(session)
            ]

    def lost(self, call: Any, *args: Any) -> None:
        error = self.assertRaises(exception.LockLost, call, *args)
        self.assertEqual(409, error.code)
        self.assertEqual(
            args[0] if args else "op", error.details["operation_id"]
        )

    def test_taken_for_so_long_by_the_databases_clock(self) -> None:
        self.take()
        row = self.row()
        self.assertEqual(
            ("op", self.site.peer_id, None),
            (row.operation_id, row.site_id, row.released_epoch),
        )
        self.assertTrue(115 < self.left() <= 120)
        self.assertEqual([], self.expired())

    def test_renewed(self) -> None:
        self.take(seconds=5)
        self.take(seconds=300)
        self.assertTrue(295 < self.left() <= 300)

    def test_another_operation_does_not_get_it(self) -> None:
        self.take()
        self.lost(self.take, "other")
        self.expire()
        # not even then: first the source brings back what was stopped
        self.lost(self.take, "other")
        self.lost(self.release, "other")
        self.assertFalse(self.drop("other"))
        self.assertEqual("op", self.row().operation_id)

    def test_expired_it_is_gone_for_good(self) -> None:
        self.take()
        self.expire()
        self.assertEqual([self.group_id], self.expired())
        self.lost(self.take)
        self.lost(self.release)
        self.assertIsNone(self.row().released_epoch)

    def test_released_it_does_not_expire(self) -> None:
        self.take()
        self.release()
        self.assertEqual(2, self.row().released_epoch)
        self.assertTrue(self.left() > 3e9)
        self.assertEqual([], self.expired())
        # and cannot be renewed, taken or dropped any more
        self.lost(self.take)
        self.lost(self.take, "other")
        self.assertFalse(self.drop())

    def test_released_again_is_the_same_answer(self) -> None:
        self.take()
        for _ in range(3):
            self.release()
        self.assertEqual(2, self.row().released_epoch)

    def test_released_to_another_epoch_is_refused(self) -> None:
        self.take()
        self.release()
        self.lost(self.release, "op", 4)
        self.assertEqual(2, self.row().released_epoch)

    def test_released_by_another_operation_is_refused(self) -> None:
        """Also to the epoch that the lock went to."""
        self.take()
        self.release()
        self.lost(self.release, "other", 2)

    def test_released_without_a_lock_is_refused(self) -> None:
        self.lost(self.release)
        self.lost(self.release, "op", 2)

    def test_dropped_it_can_be_taken_by_another(self) -> None:
        self.take()
        self.assertTrue(self.drop())
        self.assertFalse(self.drop())
        self.assertIsNone(self.row())
        self.lost(self.release)
        self.take("other")
        self.assertEqual("other", self.row().operation_id)

    def test_an_expired_one_can_be_dropped(self) -> None:
        self.take()
        self.expire()
        self.assertTrue(self.drop())
        self.assertEqual([], self.expired())

    def test_cleared_whatever_it_is(self) -> None:
        self.take()
        self.release()
        with self.db.writer() as session:
            source_locks.clear(session, self.group_id)
            source_locks.clear(session, self.group_id)
        self.assertIsNone(self.row())

    def test_of_release_and_drop_one_wins(self) -> None:
        """Release and the end of a compensation meet."""

        def release() -> bool:
            try:
                self.release()
            except exception.LockLost:
                return False
            return True

        for _ in range(100):
            self.take()
            released, dropped = database.race(release, self.drop)
            self.assertEqual({True, False}, {released, dropped})
            row = self.row()
            self.assertEqual(released, row is not None)
            with self.db.writer() as session:
                source_locks.clear(session, self.group_id)

    def test_of_two_operations_one_takes_it(self) -> None:
        for _ in range(50):
            found = database.race(
                lambda: self.take("one"), lambda: self.take("two")
            )
            self.assertEqual(
                ["LockLost", "None"],
                sorted(
                    "None" if x is None else type(x).__name__ for x in found
                ),
                found,
            )
            self.assertTrue(self.drop(self.row().operation_id))
