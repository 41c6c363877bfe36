# SPDX-License-Identifier: Apache-2.0
"""What a group's transfers reached, a row for each day (UTC) of arrivals.

Counted by the engine's observation, in its transaction; read here.
"""

from collections.abc import Sequence
import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import models

Day = models.RpoDay


def count(
    session: orm.Session,
    group_id: str,
    arrived: Sequence[models.RecoveryPoint],
    rpo_seconds: int,
    days: int,
) -> None:
    """Count points that are complete since the last look.

    :param rpo_seconds: an age above it is a breach.
    :param days: older rows go when a new one comes.
    """
    for point in arrived:
        if point.completed_at is None:
            continue
        row = _of(session, group_id, point.completed_at.date(), days)
        took = round((point.completed_at - point.created_at).total_seconds())
        row.transfers += 1
        row.bytes += point.bytes
        row.slowest_seconds = max(row.slowest_seconds, took)
        if point.rpo_seconds is not None:
            row.worst_seconds = max(row.worst_seconds or 0, point.rpo_seconds)
            row.breaches += point.rpo_seconds > rpo_seconds


def newest(session: orm.Session, group_id: str) -> list[Day]:
    """The rows of a group, the newest first."""
    statement = (
        sa.select(Day)
        .where(Day.protection_group_id == group_id)
        .order_by(Day.day.desc())
    )
    return list(session.scalars(statement))


def _of(
    session: orm.Session, group_id: str, day: datetime.date, days: int
) -> Day:
    row = session.get(Day, (group_id, day))
    if row is not None:
        return row
    session.execute(
        sa.delete(Day).where(
            Day.protection_group_id == group_id,
            Day.day <= day - datetime.timedelta(days=days),
        )
    )
    row = Day(
        protection_group_id=group_id,
        day=day,
        transfers=0,
        bytes=0,
        slowest_seconds=0,
        breaches=0,
    )
    session.add(row)
    session.flush()
    return row
