# SPDX-License-Identifier: Apache-2.0
"""What each connection to a database is told first."""

import threading

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

    def test_writers_take_turns(self) -> None:
        """One that writes again at once does not come before who waits."""
        if self.db.engine.dialect.name != "sqlite":
            self.skipTest("A server sees to that itself.")
        order: list[str] = []
        asked = threading.Event()

        def wait() -> None:
            asked.set()
            with self.db.writer():
                order.append("who waited")

        waiting = threading.Thread(target=wait)
        with self.db.writer():
            waiting.start()
            asked.wait(10)
            while not self.db._one_writer._waiting:
                self.assertTrue(waiting.is_alive())
            # and within one's own turn
            with self.db.writer():
                order.append("who has it")
        with self.db.writer():
            order.append("who comes again")
        waiting.join(10)
        self.assertEqual(
            ["who has it", "who waited", "who comes again"], order
        )
