# SPDX-License-Identifier: Apache-2.0
"""Runs revisions on the connection that ``db.migration`` hands over.

Alembic executes this file by its path; nothing imports it.
"""

from alembic import context
import sqlalchemy as sa

from protector.db import models


def _connection() -> sa.Connection:
    given = context.config.attributes.get("connection")
    if given is not None:
        return given
    url = context.get_x_argument(as_dictionary=True).get("url")
    url = url or context.config.get_main_option("sqlalchemy.url")
    return sa.create_engine(url).connect()


def run() -> None:
    context.configure(
        connection=_connection(),
        target_metadata=models.Base.metadata,
        compare_type=True,
        # SQLite cannot alter: the table is copied
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
