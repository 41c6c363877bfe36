# SPDX-License-Identifier: Apache-2.0
"""Column types and SQL functions that behave alike on SQLite and MariaDB."""

import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions

Uuid = sa.String(36)
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_DateTime = sa.DateTime().with_variant(
    mysql.DATETIME(fsp=6), "mysql", "mariadb"
)


class UtcDateTime(sa.types.TypeDecorator[datetime.datetime]):
    """An aware UTC time; stored naive, refuses naive values."""

    impl = _DateTime
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Any
    ) -> datetime.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone reached the database")
        return value.astimezone(datetime.UTC).replace(tzinfo=None)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Any
    ) -> datetime.datetime | None:
        return value and value.replace(tzinfo=datetime.UTC)


class db_epoch(functions.FunctionElement[float]):
    """Seconds since 1970 by the clock of the database, in a float.

    Leases and locks are compared on this one clock, so engines whose own
    clocks differ agree on who holds what.
    """

    type = sa.Double()
    inherit_cache = True


@compiler.compiles(db_epoch, "sqlite")
def _sqlite_epoch(element: Any, compiler: Any, **kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiler.compiles(db_epoch, "mysql")
@compiler.compiles(db_epoch, "mariadb")
def _mysql_epoch(element: Any, compiler: Any, **kw: Any) -> str:
    # SYSDATE, not NOW: within a transaction NOW stays at its statement's
    # start, and a lease must see the moment of the comparison.
    return "CAST(UNIX_TIMESTAMP(SYSDATE(6)) AS DOUBLE)"
