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
from protector.db import types


@dataclasses.dataclass(frozen=True)
class Wanted:
    """One page of a list; ``filters`` are equalities by column name.

    ``place`` is what ``Page.place`` was when the marker's row was shown; it
    holds whatever became of that row.
    """

    limit: int
    marker: str | None = None
    place: str | None = None
    sort_key: str = "created_at"
    descending: bool = False
    filters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    changes_since: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True)
class Page:
    """``place``: the last row's value of the sort key, as a text."""

    rows: Sequence[Any]
    more: bool
    place: str | None = None


def page(
    session: orm.Session, statement: Any, model: Any, wanted: Wanted
) -> Page:
    """The rows of a statement that the page shows.

    The marker may have left the filters since it was shown: what counts is
    its place in the order.

    :param statement: selects ``model``; what the caller may not see is
        left out by it already.
    :raises InvalidReference: the marker is not among the rows, and its place
        is not told.
    """
    key = getattr(model, wanted.sort_key)
    after = None
    if wanted.marker is not None:
        position = _position(session, statement, model, key, wanted)
        after = _after(key, model.id, position, wanted.descending)
    for name, value in wanted.filters.items():
        statement = statement.where(_equals(getattr(model, name), value))
    statement = _changed(statement, model, wanted.changes_since)
    if after is not None:
        statement = statement.where(after)
    columns = dict.fromkeys((key, model.id))
    order = [c.desc() if wanted.descending else c.asc() for c in columns]
    limited = statement.order_by(*order).limit(wanted.limit + 1)
    rows = list(session.scalars(limited))
    shown = rows[: wanted.limit]
    place = _text(getattr(shown[-1], wanted.sort_key)) if shown else None
    return Page(shown, len(rows) > wanted.limit, place)


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
    session: orm.Session,
    statement: Any,
    model: Any,
    key: Any,
    wanted: Wanted,
) -> tuple[Any, str]:
    """Value of the sort key and id, after which the page starts."""
    marker = wanted.marker or ""
    if wanted.place is not None:
        return _value(key, wanted.place, marker), marker
    found = session.execute(
        statement.with_only_columns(key).where(model.id == marker)
    ).first()
    if found is None:
        raise no_marker(marker)
    return found[0], marker


def _text(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


def _value(key: Any, text: str, marker: str) -> Any:
    """What ``_text`` was made of."""
    if not isinstance(key.type, types.UtcDateTime):
        return text
    try:
        return datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise no_marker(marker) from None


def no_marker(marker: str) -> exception.InvalidReference:
    return exception.InvalidReference(
        f"The marker {marker} is not in this list.",
        remedy="Use the id of the last row of the page before; the link to "
        "the next page works even when that row is gone.",
        field="marker",
    )


def _after(key: Any, row_id: Any, position: Any, descending: bool) -> Any:
    """The rows beyond a position.

    Said twice: SQLite finds the start of the range by the pair alone,
    MariaDB by the alternatives alone.
    """
    value, marker = position
    place, pair = sa.tuple_(key, row_id), sa.tuple_(value, marker)
    if descending:
        ahead = sa.or_(key < value, sa.and_(key == value, row_id < marker))
        return sa.and_(place < pair, ahead)
    ahead = sa.or_(key > value, sa.and_(key == value, row_id > marker))
    return sa.and_(place > pair, ahead)
