# SPDX-License-Identifier: Apache-2.0
"""No sealed column is forgotten when the key changes."""

from protector.db import models
from protector.db.api import credentials
from protector.tests.unit.db.api import database, full_group


class ResealTest(database.DatabaseTest):
    def test_every_sealed_value_is_passed_through(self) -> None:
        group_id = full_group.make(self.site)
        with self.db.writer() as session:
            site = session.get(models.Site, self.site.peer_id)
            site.sealed_password = "old"
            count = credentials.reseal(session, lambda text: f"new-{text}")
        self.assertEqual(3, count)
        with self.db.reader() as session:
            site = session.get(models.Site, self.site.peer_id)
            self.assertEqual("new-old", site.sealed_password)
            policy = (
                session.query(models.ReplicationPolicy)
                .filter_by(protection_group_id=group_id)
                .one()
            )
            token = policy.sealed_primary_fa_api_token
            self.assertEqual("new-sealed-one", token)

    def test_every_such_column_is_known(self) -> None:
        sealed = {
            (table.name, column.name)
            for table in models.Base.metadata.sorted_tables
            for column in table.columns
            if column.name.startswith("sealed_")
        }
        known = {
            (model.__tablename__, name) for model, name in credentials.SEALED
        }
        self.assertEqual(sealed, known)
