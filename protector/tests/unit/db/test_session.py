# SPDX-License-Identifier: Apache-2.0
"""What each connection to a database is told first."""

import sqlalchemy as sa

from protector.db import models, types
from protector.tests.unit.db.api import database


class UtcTest(database.DatabaseTest):
    def test_every_connection_speaks_utc(self) -> None:
        with self.db.reader() as session:
            if session.bind.dialect.name == "sqlite":
                self.skipTest("SQLite has no time zones.")
            zone = session.scalar(sa.text("SELECT @@session.time_zone"))
            second = session.scalar(
                sa.select(
                    types.db_epoch()
                    - sa.func.timestampdiff(
                        sa.text("SECOND"),
                        sa.text("'1970-01-01'"),
                        sa.func.utc_timestamp(),
                    )
                )
            )
        self.assertEqual("+00:00", zone)
        self.assertLess(abs(second), 2)


class BesideTest(database.DatabaseTest):
    def test_who_reads_does_not_hold_up_who_writes(self) -> None:
        group_id = self.site.group()
        name = sa.select(models.ProtectionGroup.name)
        with self.db.reader() as session:
            before = session.scalar(name)
            with self.db.writer() as other:
                other.get(models.ProtectionGroup, group_id).name = "new"
            self.assertEqual(before, session.scalar(name))
        with self.db.reader() as session:
            self.assertEqual("new", session.scalar(name))
