# SPDX-License-Identifier: Apache-2.0
"""Keyset pagination, the same for every list.

A page starts after the marker's row in the order of (sort key, id), so it
costs the same however far it is, and rows that come and go shift nothing.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import exception


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One page of a list; ``filters`` are equalities by column name."""

    limit: int
    marker: str | None = None
    sort_key: str = "created_at"
    descending: bool = False
    filters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    changes_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Page:
    rows: Sequence[Any]
    more: bool


def page(
    session: orm.Session, statement: Any, model: Any, wanted: Wanted
) -> Page:
    """The rows of a statement that the page shows.

    :param statement: selects ``model``; what the caller may not see is
        left out by it already.
    :raises InvalidReference: the marker is not among the rows.
    """
    for name, value in wanted.filters.items():
        statement = statement.where(_equals(getattr(model, name), value))
    statement = _changed(statement, model, wanted.changes_since)
    key = getattr(model, wanted.sort_key)
    if wanted.marker is not None:
        position = _position(session, statement, model, key, wanted.marker)
        statement = statement.where(_after(key, model.id, position, wanted))
    columns = dict.fromkeys((key, model.id))
    order = [c.desc() if wanted.descending else c.asc() for c in columns]
    limited = statement.order_by(*order).limit(wanted.limit + 1)
    rows = list(session.scalars(limited))
    return Page(rows[: wanted.limit], len(rows) > wanted.limit)


def _equals(column: Any, value: str) -> Any:
    if isinstance(column.type, sa.Boolean):
        return column.is_(value.lower() == "true")
    return column == value


def _changed(
    statement: Any, model: Any, since: datetime.datetime | None
) -> Any:
    if since is None:
        return statement
    if not hasattr(model, "updated_at"):
        return statement.where(model.created_at >= since)
    return statement.where(
        sa.or_(model.updated_at >= since, model.created_at >= since)
    )


def _position(
    session: orm.Session, statement: Any, model: Any, key: Any, marker: str
) -> Any:
    found = session.execute(
        statement.with_only_columns(key).where(model.id == marker)
    ).first()
    if found is None:
        raise exception.InvalidReference(
            f"The marker {marker} is not in this list.",
            remedy="Use the id of the last row of the page before.",
        )
    return (found[0], marker)


def _after(key: Any, row_id: Any, position: Any, wanted: Wanted) -> Any:
    value, marker = position
    if wanted.descending:
        return sa.or_(key < value, sa.and_(key == value, row_id < marker))
    return sa.or_(key > value, sa.and_(key == value, row_id > marker))
