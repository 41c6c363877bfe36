# SPDX-License-Identifier: Apache-2.0
"""Cut a list into pages, with a marker and a link to the next one."""

import typing
import urllib.parse

from protector.sandbox.cloud import errors, store, wsgi


def limit_of(request: wsgi.Request, highest: int = 1000) -> int | None:
    """Return the ``limit`` of the query, at most ``highest``, or None.

    :raises BadRequest: not a whole number of zero or more.
    """
    text = request.query.get("limit")
    if text is None:
        return None
    if not text.isdecimal():
        raise errors.BadRequest("limit param must be an integer")
    return min(int(text), highest)


def paginate(
    request: wsgi.Request,
    items: list[store.Document],
    key: str,
    highest: int = 1000,
    marker_key: str = "id",
) -> dict[str, typing.Any]:
    """Return ``{key: page, key_links: [next]}``, the links if there is more.

    :param items: all that match, sorted.
    :param highest: the service's own ``max_limit``.
    :raises BadRequest: the marker is in none of the items.
    """
    items = _after(items, request.query.get("marker"), marker_key)
    asked = limit_of(request, highest)
    limit = highest if asked is None else asked
    answer: dict[str, typing.Any] = {key: items[:limit]}
    if len(items) > limit > 0 or (asked and len(items) == asked):
        marker = items[limit - 1][marker_key]
        answer[f"{key}_links"] = [
            {"rel": "next", "href": _next_url(request, marker)}
        ]
    return answer


def _after(
    items: list[store.Document], marker: str | None, marker_key: str
) -> list[store.Document]:
    if not marker:
        return items
    for position, item in enumerate(items):
        if item[marker_key] == marker:
            return items[position + 1 :]
    raise errors.BadRequest(f"marker [{marker}] not found")


def _next_url(request: wsgi.Request, marker: str) -> str:
    query = [
        (name, value)
        for name, value in request.query.items(multi=True)
        if name != "marker"
    ]
    query.append(("marker", marker))
    return f"{request.url}?{urllib.parse.urlencode(query)}"
