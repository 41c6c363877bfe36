# SPDX-License-Identifier: Apache-2.0
"""The tests of the queries again, on MariaDB, and the migrations there."""

from protector.tests.fixtures import mariadb
from protector.tests.unit.db.api import (
    test_documents,
    test_metadata_sync,
)


class Documents(mariadb.OnMariaDB, test_documents.DocumentsTest):
    pass


class UnknownFields(mariadb.OnMariaDB, test_documents.UnknownFieldsTest):
    pass


class Refusals(mariadb.OnMariaDB, test_documents.RefusalTest):
    pass


class Settle(mariadb.OnMariaDB, test_metadata_sync.SettleTest):
    pass


class Receive(mariadb.OnMariaDB, test_metadata_sync.ReceiveTest):
    pass


class Acknowledgement(
    mariadb.OnMariaDB, test_metadata_sync.AcknowledgementTest
):
    pass
