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
    said: list[clouds.Said], first: Sequence[str]
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Fields of one answer; of two, each field of a cloud under its name.

    :param first: the fields to begin with
    """
    answers = [answer for answer in said if answer.error is None]
    if len(said) == 1:
        return columns.fields(answers[0].value, first, ("id",))
    names: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    for answer in answers:
        more, its = columns.fields(answer.value, first, ("id",))
        names += tuple(f"{answer.cloud} {name}" for name in more)
        values += its
    return names, values


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
