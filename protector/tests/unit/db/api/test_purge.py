# SPDX-License-Identifier: Apache-2.0
"""What is old and shown nowhere goes; the rest stays."""

import datetime

from protector.db import models
from protector.db.api import purge
from protector.tests.unit.db.api import database


class PurgeTest(database.DatabaseTest):
    def test_old_operations_go(self) -> None:
        group_id = self.site.group()
        day = datetime.timedelta(days=1)
        old, recent, running, last = (
            self.accept(group_id, "member_add") for _ in range(4)
        )
        for operation_id, age in ((old, 9), (recent, 1), (last, 9)):
            self.set_operation(
                operation_id,
                status="completed",
                finished_at=database.NOW - age * day,
            )
        with self.db.writer() as session:
            count = purge.finished_operations(session, database.NOW, 5 * day)
        self.assertEqual(1, count)
        with self.db.reader() as session:
            left = {row.id for row in session.query(models.Operation)}
        self.assertEqual({recent, running, last}, left)

    def test_moves_that_left_an_undo_copy_stay_with_the_group(self) -> None:
        group_id = self.site.group()
        day = datetime.timedelta(days=1)
        moved, mirrored, longer, last = (
            self.accept(group_id, "member_add") for _ in range(4)
        )
        undo = {"undo": {"name": "here.undo-1"}}
        for operation_id, age, values in (
            (moved, 9, {"data": undo}),
            (mirrored, 9, {"result": undo}),
            (longer, 401, {"data": undo}),
            (last, 9, {}),
        ):
            self.set_operation(
                operation_id,
                status="completed",
                finished_at=database.NOW - age * day,
                **values,
            )
        for deleted, left in (("", {moved, mirrored, last}), ("1", {last})):
            with self.db.writer() as session:
                row = session.get_one(models.ProtectionGroup, group_id)
                row.deleted = deleted
            with self.db.writer() as session:
                purge.finished_operations(session, database.NOW, 5 * day)
            with self.db.reader() as session:
                found = {row.id for row in session.query(models.Operation)}
            self.assertEqual(left, found)
