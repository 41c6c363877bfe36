# SPDX-License-Identifier: Apache-2.0
"""Rows that answer "am I protected?", put together from several calls.

What a list of the server already has is not asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent import futures
from typing import Any

from openstack import exceptions

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
_AT_ONCE = 8


def rows(proxy: Any, query: dict[str, Any]) -> list[tuple[Any, ...]]:
    """One row per group, in the server's order.

    :param proxy: the Protector to ask
    :param query: filters of the list
    """
    groups = list(proxy.protection_groups(**query))
    if not groups:
        return []
    names = lookup.site_names(proxy)
    with futures.ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda g: _row(proxy, g, names), groups))


def why_not(point: Any) -> str:
    """Why a recovery point is not eligible; empty if it is."""
    for key in ("why_not", "reason", "ineligible_reason", "message"):
        if point.get(key):
            return str(point.get(key))
    return ""


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


def _row(proxy: Any, group: Any, sites: dict[str, str]) -> tuple[Any, ...]:
    site = group.current_primary_site_id
    lag, ready = _protection(proxy, group)
    return (
        group.id,
        group.name,
        group.status,
        sites.get(site, site),
        columns.Maybe(_member_count(proxy, group)),
        columns.Lag(lag),
        columns.Maybe(ready),
        columns.Maybe(_last_drill(proxy, group)),
    )


def _protection(proxy: Any, group: Any) -> tuple[Any, Any]:
    """Seconds of lag, and whether a failover could begin now."""
    lag = (group.replication or {}).get("lag_seconds")
    ready = _condition(group.conditions, "FailoverReady")
    if lag is not None and ready is not None:
        return lag, ready
    try:
        health = proxy.get_protection_group_health(group)
    except exceptions.HttpException:
        return lag, ready
    if lag is None:
        lag = health.lag_seconds
    return lag, health.failover_ready if ready is None else ready


def _condition(value: Any, kind: str) -> Any:
    for condition in columns.conditions(value):
        if condition.get("type") == kind:
            return str(condition.get("status")).lower() == "true"
    return None


def _member_count(proxy: Any, group: Any) -> Any:
    for key in ("member_count", "members_count"):
        if group.get(key) is not None:
            return group.get(key)
    try:
        return sum(1 for _ in proxy.members(group))
    except exceptions.HttpException:
        return None


def _last_drill(proxy: Any, group: Any) -> Any:
    """When the last drill began; empty if there was none."""
    if group.get("last_drill_at"):
        return group.get("last_drill_at")
    try:
        newest = proxy.operations(
            protection_group_id=group.id,
            kind="test_failover",
            sort_key="created_at",
            sort_dir="desc",
            limit=1,
        )
        drill = next(iter(newest), None)
    except exceptions.HttpException:
        return None
    return (drill.started_at or drill.created_at) if drill else None
