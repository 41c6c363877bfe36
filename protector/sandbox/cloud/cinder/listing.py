# SPDX-License-Identifier: Apache-2.0
"""Select and sort the rows of a list, as Cinder's lists do."""

import collections.abc

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.cinder import views

_NO_FILTERS = (
    "limit",
    "marker",
    "offset",
    "sort",
    "sort_key",
    "sort_dir",
    "all_tenants",
    "project_id",
    "with_count",
    "list_volume",
)


def check_filters(
    request: wsgi.Request,
    resource: str,
    known: collections.abc.Container[str],
) -> None:
    """Refuse unknown filters, from 3.31 on.

    :raises BadRequest: Cinder's text.
    """
    if request.version < (3, 31):
        return
    unknown = [
        name
        for name in request.query
        if name.rstrip("~") not in known and name not in _NO_FILTERS
    ]
    if unknown and not request.is_admin:
        raise errors.BadRequest(
            f"Invalid filters {', '.join(unknown)} are found in query options."
        )


def visible(request: wsgi.Request, table: store.Table) -> list[store.Document]:
    """Return the rows of the caller's project, or all for an admin."""
    everyone = views.is_true(request.query.get("all_tenants", ""))
    project = request.project_id
    if request.is_admin and everyone:
        project = request.query.get("project_id")
        if project is None:
            return table.list()
    return table.list(project_id=project)


def matches(
    request: wsgi.Request,
    row: store.Document,
    names: collections.abc.Iterable[str],
) -> bool:
    """Whether a row has the values that the query asks for.

    ``name~=part`` matches a part of it, from 3.34 on.
    """
    for name in names:
        wanted = request.query.get(name)
        if wanted is not None and str(row.get(name)) != wanted:
            return False
        part = request.query.get(f"{name}~")
        if part is not None and part not in str(row.get(name)):
            return False
    return True


def ordered(
    request: wsgi.Request, rows: list[store.Document]
) -> list[store.Document]:
    """Sort by ``sort=key:dir,...``; newest first by default."""
    sort = request.query.get("sort")
    if not sort:
        key = request.query.get("sort_key", "created_at")
        sort = f"{key}:{request.query.get('sort_dir', 'desc')}"
    rows = list(reversed(rows))
    for item in reversed(sort.split(",")):
        key, _, direction = item.partition(":")
        rows.sort(
            key=lambda row, name=key: str(row.get(name.strip()) or ""),
            reverse=direction.strip() != "asc",
        )
    return rows
