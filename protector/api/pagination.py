# SPDX-License-Identifier: Apache-2.0
"""Pages of lists: from the query to the query of the database, and links."""

from collections.abc import Callable
import dataclasses
import datetime
from typing import Any
from urllib import parse

from protector.api import call as calls
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


def wanted(
    call: calls.Call, order: Order, **fixed: str | None
) -> listing.Wanted:
    """What the query asks for.

    :param fixed: filters that the path sets; None is no filter.
    """
    query = call.query
    filters = {k: v for k, v in query.items() if k not in CONTROLS}
    filters |= {k: v for k, v in fixed.items() if v is not None}
    since = query.get("changes_since")
    most = call.runtime.conf.api.max_limit
    return listing.Wanted(
        limit=min(int(query.get("limit", most)), most),
        marker=query.get("marker"),
        sort_key=query.get("sort_key", order.key),
        descending=query.get("sort_dir", order.direction) == "desc",
        filters=filters,
        changes_since=(
            datetime.datetime.fromisoformat(since) if since else None
        ),
    )


def answer(
    call: calls.Call,
    plural: str,
    found: listing.Page,
    view: Callable[[Any], Json],
) -> Json:
    """The body of one page, with a link to the next if there is one."""
    body: Json = {plural: [view(row) for row in found.rows]}
    if found.more:
        query = {**call.query, "marker": found.rows[-1].id}
        query["limit"] = str(len(found.rows))
        href = f"{call.url}{call.path}?{parse.urlencode(query)}"
        body[f"{plural}_links"] = [{"rel": "next", "href": href}]
    return body


def all_tenants(call: calls.Call) -> bool:
    return call.query.get("all_tenants", "false").lower() == "true"
