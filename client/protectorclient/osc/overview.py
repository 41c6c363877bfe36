# SPDX-License-Identifier: Apache-2.0
"""Rows that answer "am I protected?": three lists, however many groups.

It must not ask for one group at a time: the list is what people look at when
they have hundreds of groups and little time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protectorclient.osc import clouds, columns, lookup

COLUMNS = (
    "id",
    "name",
    "status",
    "primary_site",
    "members",
    "lag",
    "failover_ready",
    "last_drill",
)
_READY = "FailoverReady"
_STRUCTURED = frozenset({"json", "yaml"})


def rows(proxy: Any, query: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One row per group, in the server's order.

    :param proxy: the Protector to ask
    :param query: filters of the list
    """
    groups = list(proxy.protection_groups(**query))
    if not groups:
        return []
    names = lookup.site_names(proxy)
    every = {"all_projects": True} if query.get("all_projects") else {}
    drills = last_drills(proxy, {group.id for group in groups}, every)
    return [_row(group, names, drills) for group in groups]


def last_drills(
    proxy: Any, wanted: set[str], query: dict[str, Any]
) -> dict[str, str]:
    """When the last drill of each group began, by the group's id.

    One list for all groups, the newest first, read no further than needed.

    :param wanted: ids of the groups
    :param query: further filters of the list
    """
    found: dict[str, str] = {}
    newest_first = proxy.operations(
        kind="test_failover", sort_key="created_at", sort_dir="desc", **query
    )
    for drill in newest_first:
        group_id = drill.protection_group_id
        if group_id in wanted:
            found.setdefault(group_id, drill.started_at or drill.created_at)
            if len(found) == len(wanted):
                break
    return found


def side_by_side(
    said: list[clouds.Said], first: Sequence[str], formatter: str
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Fields of one answer; of two, what each cloud said under its name: as
    a structure where the format has them, else field by field.

    :param first: the fields to begin with
    :param formatter: name of the format that was asked for
    """
    shown = {
        answer.cloud: columns.fields(answer.value, first, ("id",))
        for answer in said
        if answer.error is None
    }
    if len(said) == 1:
        return next(iter(shown.values()))
    if formatter in _STRUCTURED:
        return tuple(shown), tuple(
            dict(zip(names, map(columns.plain, values), strict=True))
            for names, values in shown.values()
        )
    cells = [
        (f"{cloud} {name}", value)
        for cloud, (names, values) in shown.items()
        for name, value in zip(names, values, strict=True)
    ]
    return tuple(name for name, _ in cells), tuple(v for _, v in cells)


def _row(
    group: Any, sites: dict[str, str], drills: dict[str, str]
) -> tuple[Any, ...]:
    site = group.current_primary_site_id
    return (
        group.id,
        group.name,
        group.status,
        sites.get(site, site),
        columns.Maybe(group.member_count),
        columns.Lag((group.replication or {}).get("lag_seconds")),
        columns.Maybe(_condition(group.conditions, _READY)),
        columns.Maybe(drills.get(group.id)),
    )


def _condition(value: Any, kind: str) -> bool | None:
    """Whether a condition holds; None if it was never observed."""
    for condition in columns.conditions(value):
        if condition.get("type") == kind and condition["status"] is not None:
            return str(condition["status"]).lower() == "true"
    return None
