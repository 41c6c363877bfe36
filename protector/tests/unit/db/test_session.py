# SPDX-License-Identifier: Apache-2.0
"""What each connection to a database is told first."""

import sqlalchemy as sa

from protector.db import types
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
