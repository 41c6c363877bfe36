# SPDX-License-Identifier: Apache-2.0
"""Pages of lists: from the query to the query of the database, and links."""

import base64
import binascii
from collections.abc import Callable, Sequence
import dataclasses
import datetime
from typing import Any
from urllib import parse

from protector import exception
from protector.api import call as calls
from protector.api import validation
from protector.api.schemas import types
from protector.db.api import listing

Json = dict[str, Any]

CONTROLS = (
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "changes_since",
    "all_tenants",
)


@dataclasses.dataclass(frozen=True)
class Order:
    """How a list is sorted when the query does not say."""

    key: str = "created_at"
    direction: str = "asc"


def wanted(call: calls.Call, order: Order) -> listing.Wanted:
    """What the query asks for.

    Whose rows are listed is no filter: it belongs to the statement.
    """
    query = call.query
    filters = {k: v for k, v in query.items() if k not in CONTROLS}
    since = query.get("changes_since")
    most = call.runtime.conf.api.max_limit
    marker, place = _unpacked(query.get("marker"))
    return listing.Wanted(
        limit=min(int(query.get("limit", most)), most),
        marker=marker,
        place=place,
        sort_key=query.get("sort_key", order.key),
        descending=query.get("sort_dir", order.direction) == "desc",
        filters=filters,
        changes_since=(
            datetime.datetime.fromisoformat(since) if since else None
        ),
    )


def _packed(row_id: str, place: str) -> str:
    """The marker of a link: it needs no row to be there still."""
    packed = base64.urlsafe_b64encode(place.encode()).decode()
    return f"{row_id}{types.PLACE}{packed.rstrip('=')}"


def _unpacked(marker: str | None) -> tuple[str | None, str | None]:
    """Id and place; a user's own marker is an id alone.

    :raises InvalidReference: it is none that a link had.
    """
    if marker is None or types.PLACE not in marker:
        return marker, None
    row_id, packed = marker.split(types.PLACE, 1)
    padded = packed + "=" * (-len(packed) % 4)
    try:
        return row_id, base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise listing.no_marker(marker) from None


def answer(
    call: calls.Call,
    plural: str,
    found: listing.Page,
    view: Callable[[Any], Json],
) -> Json:
    """The body of one page, with a link to the next if there is one."""
    shown = [view(row) for row in found.rows]
    body: Json = {plural: shown}
    if found.more:
        marker = _packed(shown[-1]["id"], found.place or "")
        query = {**call.query, "marker": marker}
        query["limit"] = str(len(shown))
        href = f"{call.url}{call.path}?{parse.urlencode(query)}"
        body[f"{plural}_links"] = [{"rel": "next", "href": href}]
    return body


def page_of(rows: Sequence[Json], wanted: listing.Wanted) -> listing.Page:
    """A page of rows that are no database's, in the same order and manner.

    :param rows: all of them, each with an ``id``; a key without a value
        comes first.
    :raises InvalidReference: the marker is not among the rows.
    """

    def place(row: Json) -> tuple[str, str]:
        return row[wanted.sort_key] or "", row["id"]

    found = sorted(rows, key=place, reverse=wanted.descending)
    if wanted.marker is not None:
        after = _place_of(found, wanted, place)
        beyond = after.__gt__ if wanted.descending else after.__lt__
        found = [row for row in found if beyond(place(row))]
    for name, value in wanted.filters.items():
        found = [row for row in found if row[name] == value]
    shown = found[: wanted.limit]
    last = place(shown[-1])[0] if shown else None
    return listing.Page(shown, len(found) > wanted.limit, last)


def _place_of(
    rows: Sequence[Json],
    wanted: listing.Wanted,
    place: Callable[[Json], tuple[str, str]],
) -> tuple[str, str]:
    marker = wanted.marker or ""
    if wanted.place is not None:
        return wanted.place, marker
    for row in rows:
        if row["id"] == marker:
            return place(row)
    raise listing.no_marker(marker)


def project(call: calls.Call, tenant: str) -> str | None:
    """The project that is listed, authorized; None for all of them.

    :param tenant: of the path.
    :raises PolicyForbidden: its rule says no, or somebody else than an
        administrator asks for all, whatever the rule says.
    """
    wanted = validation.flag(call.query, "all_tenants")
    if wanted and not call.is_admin:
        raise exception.PolicyForbidden(
            "all_tenants is for administrators.",
            remedy="Leave it out: your own project is listed then.",
        )
    listed = None if wanted else tenant
    call.authorize(listed)
    return listed
