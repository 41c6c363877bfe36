# SPDX-License-Identifier: Apache-2.0
"""Writes down what the arrays tell of a group's recovery points: each point
while the array has it, and what it meant for the RPO for longer.

Rows only, in the caller's transaction, with the group's row locked: a
transfer is counted once, by whoever sees it complete first.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models
from protector.db.api import recovery_points, rpo_days
from protector.engine import replication
from protector.engine import scene as scenes
from protector.storage import base

# source site, point, epoch
Found = list[tuple[str, base.Point, int]]
Point = models.RecoveryPoint


def keep(
    session: orm.Session, scene: scenes.Scene, found: Found, days: int
) -> None:
    """Make the rows what was found; those of points that aged out go.

    :param days: how long the history of the RPO is kept.
    """
    statement = sa.select(Point).where(
        Point.protection_group_id == scene.group.id
    )
    known = {r.name: r for r in session.scalars(statement)}
    rows, arrived = dict(known), []
    for site_id, point, epoch in found:
        row = known.pop(point.name, None)
        if row is None:
            row = rows[point.name] = Point(
                id=recovery_points.id_of(scene.group.id, point.name),
                protection_group_id=scene.group.id,
                name=point.name,
                source_site_id=site_id,
                target_site_id=scene.other(site_id),
            )
            session.add(row)
        if point.complete and row.completed_at is None:
            arrived.append(row)
        _write(row, point, epoch)
        row.members = replication.members_in(
            point, scene.settled_members, site_id
        )
    if scene.group.replication_type == c.ReplicationType.SYNC:
        # what is lost with the source is not told by the age of a point
        arrived = []
    for row in arrived:
        row.rpo_seconds = reached(row, rows.values())
    rpo_days.count(
        session, scene.group.id, arrived, scene.settings.rpo_seconds, days
    )
    for row in known.values():
        # aged out on the array
        session.delete(row)


def reached(row: Point, points: Collection[Point]) -> int | None:
    """The age in seconds that the point before it in its direction and
    epoch had when ``row`` was complete: so much would have been lost just
    before.  None where there was none.
    """
    before = [
        p.created_at
        for p in points
        if p.completed_at is not None
        and (p.source_site_id, p.epoch) == (row.source_site_id, row.epoch)
        and p.created_at < row.created_at
    ]
    if not before or row.completed_at is None:
        return None
    return round((row.completed_at - max(before)).total_seconds())


def _write(row: Point, point: base.Point, epoch: int) -> None:
    row.epoch = epoch
    row.created_at = point.created
    row.completed_at = point.completed
    row.progress = point.progress
    row.bytes = point.bytes
