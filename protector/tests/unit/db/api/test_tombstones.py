# SPDX-License-Identifier: Apache-2.0
"""What a lost site is told when it returns, and how it takes it."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, tombstones
from protector.tests.unit.db.api import database

NOW = database.NOW


class TombstonesTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.web = self.site.member(self.group_id)
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(session, group, self.site.local_id, NOW)

    def receive(self, **tombstone: Any) -> Any:
        with self.db.writer() as session:
            return tombstones.receive(
                session,
                protection_groups.lock(session, self.group_id),
                self.site.local_id,
                self.site.peer_id,
                {"epoch": 2, **tombstone},
                NOW,
            )

    def test_it_goes_on_top_of_what_both_may_hold(self) -> None:
        self.set_group(self.group_id, epoch_seen=6)
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            tombstones.add(
                session, group, self.site.local_id, self.site.peer_id, NOW
            )
        with self.db.reader() as session:
            (row,) = tombstones.untold(session)
        self.assertEqual((7, [self.web]), (row.epoch, row.running))
        with self.db.writer() as session:
            for _ in range(2):
                tombstones.told(session, self.group_id, self.site.peer_id)
            self.assertEqual([], tombstones.untold(session))

    def test_what_runs_nowhere_else_is_forgotten_at_once(self) -> None:
        self.assertIsNone(self.receive(running=[]))
        self.assertIsNone(self.group_row(self.group_id))

    def test_nothing_is_forgotten_that_is_not_down(self) -> None:
        # it was of the move before
        self.fenced()
        operation_id = self.accept(self.group_id)
        error = self.receive(running=[self.web])
        self.assertIsInstance(error, exception.InvalidStatus)
        self.assertEqual("cancelled", self.operation_row(operation_id).status)
        self.assertEqual(
            {}, self.group_row(self.group_id).conditions, "seen before"
        )
        with self.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
            self.assertEqual("failed", sync.remote_status)
            self.assertTrue(tombstones.is_noted(sync, 2))
        self.fenced()
        self.assertIsNone(self.receive(running=[self.web]))
        self.assertIsNone(self.group_row(self.group_id))

    def fenced(self) -> None:
        with self.db.writer() as session:
            protection_groups.set_condition(
                protection_groups.lock(session, self.group_id),
                c.Condition.SOURCE_FENCED,
                True,
                "Fenced",
                "Down.",
                NOW,
            )

    def test_an_older_one_is_refused(self) -> None:
        self.set_group(self.group_id, epoch=3)
        self.assertRaises(exception.StaleDocument, self.receive)
        self.assertIsNotNone(self.group_row(self.group_id))

    def test_a_stopped_copy_needs_no_fence(self) -> None:
        with self.db.writer() as session:
            key = (self.web, self.site.local_id)
            session.get(models.MemberCopy, key).role = c.CopyRole.PARKED
        self.assertIsNone(self.receive(running=[self.web]))
