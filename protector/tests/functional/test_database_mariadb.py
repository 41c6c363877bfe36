# SPDX-License-Identifier: Apache-2.0
"""The tests of the queries again, on MariaDB, and the migrations there."""

import time

import sqlalchemy as sa

from protector import exception
from protector.db import session as session_module
from protector.tests.fixtures import mariadb, tcp_proxy
from protector.tests.unit.db import test_migration, test_session
from protector.tests.unit.db.api import (
    database,
    test_documents,
    test_listing_walks,
    test_metadata_sync,
    test_operations,
    test_operations_leases,
    test_protection_groups,
    test_source_locks,
)


class Migration(mariadb.OnMariaDB, test_migration.MigrationTest):
    pass


class Session(mariadb.OnMariaDB, test_session.UtcTest):
    pass


class Documents(mariadb.OnMariaDB, test_documents.DocumentsTest):
    pass


class UnknownFields(mariadb.OnMariaDB, test_documents.UnknownFieldsTest):
    pass


class Refusals(mariadb.OnMariaDB, test_documents.RefusalTest):
    pass


class Walks(mariadb.OnMariaDB, test_listing_walks.WalkTest):
    pass


class Settle(mariadb.OnMariaDB, test_metadata_sync.SettleTest):
    pass


class Receive(mariadb.OnMariaDB, test_metadata_sync.ReceiveTest):
    pass


class Acknowledgement(
    mariadb.OnMariaDB, test_metadata_sync.AcknowledgementTest
):
    pass


class Accept(mariadb.OnMariaDB, test_operations.AcceptTest):
    pass


class Record(mariadb.OnMariaDB, test_operations.RecordTest):
    pass


class Cancel(mariadb.OnMariaDB, test_operations.CancelTest):
    pass


class End(mariadb.OnMariaDB, test_operations.EndTest):
    pass


class Reopen(mariadb.OnMariaDB, test_operations.ReopenTest):
    pass


class Leases(mariadb.OnMariaDB, test_operations_leases.LeasesTest):
    pass


class Turns(mariadb.OnMariaDB, test_operations_leases.TurnsTest):
    pass


class ProtectionGroups(
    mariadb.OnMariaDB, test_protection_groups.ProtectionGroupsTest
):
    pass


class SourceLocks(mariadb.OnMariaDB, test_source_locks.SourceLocksTest):
    pass


class Silent(mariadb.OnMariaDB, database.DatabaseTest):
    """A server of which nothing is heard any more, or nothing that can be
    understood."""

    def connection(self, name: str) -> str:
        url = sa.make_url(super().connection(name))
        self.way = self.useFixture(
            tcp_proxy.TcpProxy((str(url.host), int(url.port or 3306)))
        )
        return url.set(
            port=self.way.port, query={"read_timeout": "5"}
        ).render_as_string(hide_password=False)

    def test_it_is_not_waited_for_for_ever(self) -> None:
        group_id = self.site.group()
        self.way.hang()
        begun = time.monotonic()
        self.assertRaises(
            exception.ServiceUnavailable, self.group_row, group_id
        )
        self.assertLess(time.monotonic() - begun, 30)
        self.way.heal()
        self.assertEqual(group_id, self.group_row(group_id).id)

    def test_garbage_is_no_answer(self) -> None:
        group_id = self.site.group()
        self.way.garble()
        # over a connection that there is, and over a new one
        for _ in range(2):
            self.assertRaises(
                exception.ServiceUnavailable, self.group_row, group_id
            )
        self.way.heal()
        self.assertEqual(group_id, self.group_row(group_id).id)


class Limits(mariadb.OnMariaDB, database.DatabaseTest):
    def test_neither_end_waits_for_ever(self) -> None:
        with self.db.reader() as session:
            raw = session.connection().connection.driver_connection
            self.assertEqual(
                (session_module.READ_SECONDS, session_module.READ_SECONDS),
                (raw._read_timeout, raw._write_timeout),
            )
            idle = session.scalar(sa.text("SELECT @@session.wait_timeout"))
        self.assertEqual(session_module.IDLE_SECONDS, idle)

    def test_a_change_of_the_schema_takes_its_time(self) -> None:
        with self.db.unhurried().connect() as connection:
            raw = connection.connection.driver_connection
            self.assertIsNone(raw._read_timeout)
