# SPDX-License-Identifier: Apache-2.0
"""What each connection to a database is told first."""

import contextlib
import sqlite3
import threading

import sqlalchemy as sa
import testtools

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

    def test_who_writes_need_not_ask_half_way(self) -> None:
        """Another connection may hold the lock for a moment: SQLite waits
        for it at the begin of a transaction and not in its middle."""
        if self.db.engine.dialect.name != "sqlite":
            self.skipTest("A server locks rows.")
        path = self.db.engine.url.database
        with contextlib.closing(sqlite3.connect(path, timeout=0)) as other:
            with self.db.writer() as session:
                session.scalar(sa.select(models.Site.name))
                self.assertRaisesRegex(
                    sqlite3.OperationalError,
                    "locked",
                    other.execute,
                    "BEGIN IMMEDIATE",
                )

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
            order.append("who has it")
        with self.db.writer():
            order.append("who comes again")
        waiting.join(10)
        self.assertEqual(
            ["who has it", "who waited", "who comes again"], order
        )

    def test_no_writer_waits_for_itself(self) -> None:
        if self.db.engine.dialect.name != "sqlite":
            self.skipTest("Two transactions of a server may run beside.")
        with self.db.writer():
            with testtools.ExpectedException(RuntimeError, "A transaction"):
                with self.db.writer():
                    pass
        with self.db.writer():
            pass
