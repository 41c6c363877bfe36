# SPDX-License-Identifier: Apache-2.0
"""What a recovery point looks like, and whether it may be chosen."""

from typing import Any

from protector import times
from protector.db import models

Json = dict[str, Any]
Point = models.RecoveryPoint


def show(
    point: Point,
    group: models.ProtectionGroup,
    names: dict[str, str],
    rpo_minutes: int,
) -> Json:
    """:param names: of the sites by id."""
    reached = point.rpo_seconds
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
        "rpo_seconds": reached,
        "rpo_compliant": (
            None if reached is None else reached <= rpo_minutes * 60
        ),
        "eligible": why_not is None,
        "ineligible_reason": why_not,
    }


def ineligible(point: Point, group: models.ProtectionGroup) -> str | None:
    """Why a point is not offered; None when it is."""
    if point.completed_at is None:
        return "It is not completely transferred."
    if point.source_site_id != group.current_primary_site_id:
        return "It was replicated in the other direction."
    if point.epoch != group.epoch:
        return f"It is of epoch {point.epoch}, the group is in {group.epoch}."
    return None
