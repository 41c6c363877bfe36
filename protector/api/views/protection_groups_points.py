# SPDX-License-Identifier: Apache-2.0
"""What a recovery point looks like, and whether it may be chosen."""

from collections.abc import Sequence
from typing import Any

from protector import times
from protector.db import models

Json = dict[str, Any]
Point = models.RecoveryPoint


def show(
    point: Point, group: models.ProtectionGroup, names: dict[str, str]
) -> Json:
    """:param names: of the sites by id."""
    why_not = ineligible(point, group)
    source, target = point.source_site_id, point.target_site_id
    return {
        "id": point.id,
        "name": point.name,
        "created_at": times.iso(point.created_at),
        "completed_at": times.iso(point.completed_at),
        "complete": point.completed_at is not None,
        "progress": round(point.progress, 3),
        "bytes": point.bytes,
        "direction": f"{names.get(source, source)} -> "
        f"{names.get(target, target)}",
        "source_site_id": source,
        "target_site_id": target,
        "epoch": point.epoch,
        "members": point.members,
        "eligible": why_not is None,
        "ineligible_reason": why_not,
    }


def history(
    points: Sequence[Point],
    group: models.ProtectionGroup,
    names: dict[str, str],
    rpo_minutes: int,
) -> list[Json]:
    """Points, each with what was reached until it was there.

    :param points: newest first.
    """
    return [
        show(point, group, names)
        | _reached(point, points[number + 1 :], rpo_minutes * 60)
        for number, point in enumerate(points)
    ]


def _reached(point: Point, older: Sequence[Point], allowed: int) -> Json:
    """The age that the point before it had come to when this one was
    complete: so much would have been lost just before."""
    before = next((p for p in older if _replaces(point, p)), None)
    if before is None or point.completed_at is None:
        return {"rpo_seconds": None, "rpo_compliant": None}
    reached = round((point.completed_at - before.created_at).total_seconds())
    return {"rpo_seconds": reached, "rpo_compliant": reached <= allowed}


def _replaces(point: Point, older: Point) -> bool:
    return older.completed_at is not None and (
        (older.source_site_id, older.epoch)
        == (point.source_site_id, point.epoch)
    )


def ineligible(point: Point, group: models.ProtectionGroup) -> str | None:
    """Why a point is not offered; None when it is."""
    if point.completed_at is None:
        return "It is not completely transferred."
    if point.source_site_id != group.current_primary_site_id:
        return "It was replicated in the other direction."
    if point.epoch != group.epoch:
        return f"It is of epoch {point.epoch}, the group is in {group.epoch}."
    return None
