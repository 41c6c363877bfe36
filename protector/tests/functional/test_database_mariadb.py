# SPDX-License-Identifier: Apache-2.0
"""The tests of the queries again, on MariaDB, and the migrations there."""

from protector.tests.fixtures import mariadb
from protector.tests.unit.db import test_migration, test_session
from protector.tests.unit.db.api import (
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
