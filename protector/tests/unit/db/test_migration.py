# SPDX-License-Identifier: Apache-2.0
"""The revisions lead to exactly what the models say."""

import sqlalchemy as sa

from protector import service
from protector.db import migration, models, session
from protector.tests import base

VERSIONS = "alembic_version"


class MigrationTest(base.TestCase):
    """On SQLite; another server overrides ``connection``."""

    def connection(self, name: str) -> str:
        """URL of a database without a table."""
        return "sqlite://"

    def setUp(self) -> None:
        super().setUp()
        conf = service.load_conf([], default_config_files=[])
        conf.set_override("connection", self.connection("m"), "database")
        self.db = session.Database(conf)
        self.addCleanup(self.db.dispose)
        self.addCleanup(self.remove_all)

    def remove_all(self) -> None:
        """The next test of the class begins without a table, too."""
        models.Base.metadata.drop_all(self.db.engine)
        with self.db.engine.begin() as connection:
            connection.execute(sa.text(f"DROP TABLE IF EXISTS {VERSIONS}"))

    def tables(self) -> set[str]:
        return set(sa.inspect(self.db.engine).get_table_names())

    def test_an_empty_database_has_no_version(self) -> None:
        self.assertIsNone(migration.version(self.db))
        self.assertNotEqual([], migration.differences(self.db))

    def test_every_revision_on_the_way_to_the_models(self) -> None:
        revisions = migration.revisions()
        self.assertEqual(migration.head(), revisions[-1])
        for revision in revisions:
            migration.sync(self.db, revision)
            self.assertEqual(revision, migration.version(self.db))
        self.assertEqual([], migration.differences(self.db))
        self.assertEqual(
            set(models.Base.metadata.tables) | {VERSIONS}, self.tables()
        )

    def test_synced_again_keeps_what_is_there(self) -> None:
        migration.sync(self.db)
        add = sa.text(
            "INSERT INTO sites (id, name, description, is_local, verify,"
            " status, capabilities, lost, created_at) VALUES"
            " ('a', 'b', '', 1, 1, 'active', '{}', 0, '2026-01-01')"
        )
        with self.db.engine.begin() as connection:
            connection.execute(add)
        migration.sync(self.db)
        with self.db.reader() as reader:
            self.assertEqual("b", reader.get(models.Site, "a").name)

    def test_a_difference_is_seen(self) -> None:
        migration.sync(self.db)
        with self.db.engine.begin() as connection:
            connection.execute(
                sa.text("ALTER TABLE sites DROP COLUMN region_name")
            )
        found = migration.differences(self.db)
        self.assertEqual("add_column", found[0][0])
        self.assertEqual("region_name", found[0][3].name)
