# SPDX-License-Identifier: Apache-2.0
"""Brings a database to a revision of the schema, and says which it has."""

import pathlib
from typing import Any

from alembic import command, config, migration, script
from alembic.autogenerate import api as autogenerate
import sqlalchemy as sa

from protector.db import models, session

_INI = pathlib.Path(__file__).with_name("alembic.ini")


def sync(database: session.Database, revision: str = "head") -> None:
    """Upgrade to ``revision``; a database that is there already stays."""
    with database.unhurried().begin() as connection:
        command.upgrade(_config(connection), revision)


def version(database: session.Database) -> str | None:
    """The revision that the database has; None when it is empty."""
    with database.engine.connect() as connection:
        context = migration.MigrationContext.configure(connection)
        return context.get_current_revision()


def head() -> str:
    """The newest revision of this release."""
    found = _scripts().get_current_head()
    if found is None:
        raise RuntimeError("this release has no revision")
    return found


def revisions() -> list[str]:
    """Every revision, oldest first."""
    walked = [s.revision for s in _scripts().walk_revisions()]
    return list(reversed(walked))


def differences(database: session.Database) -> list[Any]:
    """What the tables of the database differ in from the models, in
    alembic's words; empty when they agree."""
    with database.engine.connect() as connection:
        context = migration.MigrationContext.configure(
            connection, opts={"compare_type": True}
        )
        return list(
            autogenerate.compare_metadata(context, models.Base.metadata)
        )


def _config(connection: sa.Connection | None = None) -> config.Config:
    made = config.Config(str(_INI))
    # alembic would set up logging from the file; the service has its own
    made.attributes["configure_logger"] = False
    made.attributes["connection"] = connection
    return made


def _scripts() -> script.ScriptDirectory:
    return script.ScriptDirectory.from_config(_config())
