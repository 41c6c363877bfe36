# SPDX-License-Identifier: Apache-2.0
"""What all REST 1.x lists have in common: names, filter, sort, pages."""

import base64
import fnmatch
import re
from typing import Any

from protector.sandbox.array import errors
from protector.sandbox.array.params import BOOL, INT, LIST, TEXT

SPEC = {
    "names": LIST,
    "filter": TEXT,
    "sort": TEXT,
    "limit": INT,
    "token": TEXT,
    "pending": BOOL,
    "pending_only": BOOL,
}
_FILTER = re.compile(r"\s*(\w+)\s*=\s*['\"]([^'\"]*)['\"]\s*")


def wanted(row: dict[str, Any], params: dict[str, Any]) -> bool:
    """Tell whether pending, pending_only and names select a row.

    ``row`` has ``name``, ``destroyed`` and, for a snapshot, ``source``.
    """
    if params.get("pending_only") and row["destroyed"] is None:
        return False
    pending = params.get("pending") or params.get("pending_only")
    if row["destroyed"] is not None and not pending:
        return False
    names = params.get("names")
    if names is None:
        return True
    return any(_matches(row, name) for name in names)


def _matches(row: dict[str, Any], name: str) -> bool:
    if name in (row["name"], row.get("source")):
        return True
    return "*" in name and fnmatch.fnmatchcase(row["name"], name)


def require_found(
    rows: list[dict[str, Any]], params: dict[str, Any], kind: str
) -> None:
    """Raise ``ArrayError`` for a name without wildcard that fits no row."""
    for name in params.get("names") or []:
        if "*" not in name and not any(_matches(row, name) for row in rows):
            raise errors.missing(kind, name)


def page(
    rows: list[dict[str, Any]], params: dict[str, Any], headers: dict[str, str]
) -> list[dict[str, Any]]:
    """Filter, sort and cut a list; put the next page's token in headers.

    A token follows every page that is not empty, the last one too: that is
    how the vendor's ``page_through`` finds the end.
    """
    rows = _sorted(_filtered(rows, params.get("filter")), params.get("sort"))
    limit = params.get("limit")
    if limit is None:
        return rows
    start = _offset(params.get("token"))
    part = rows[start : start + limit]
    if part:
        text = str(start + len(part)).encode()
        headers["x-next-token"] = base64.urlsafe_b64encode(text).decode()
    return part


def _filtered(
    rows: list[dict[str, Any]], text: str | None
) -> list[dict[str, Any]]:
    if not text:
        return rows
    match = _FILTER.fullmatch(text)
    if match is None:
        raise errors.ArrayError("Only field='pattern' filters work.", text)
    return [
        row
        for row in rows
        if fnmatch.fnmatchcase(str(row.get(match[1])), match[2])
    ]


def _sorted(
    rows: list[dict[str, Any]], text: str | None
) -> list[dict[str, Any]]:
    for key in reversed((text or "").split(",")):
        field = key.strip().rstrip("+-")
        if field:
            rows = sorted(
                rows,
                key=lambda row: (row.get(field) is not None, row.get(field)),
                reverse=key.strip().endswith("-"),
            )
    return rows


def _offset(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token))
    except ValueError as error:
        raise errors.ArrayError("Invalid token.", token) from error
