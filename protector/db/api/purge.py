# SPDX-License-Identifier: Apache-2.0
"""Removes what nobody needs any more.

Never what a living group shows or needs: its last operation stays, that of
its drill, which knows what was made, and moves that may have left an undo
copy, which is known by them alone.
"""

import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models
from protector.db.api import drills

Op = models.Operation
Group = models.ProtectionGroup


def finished_operations(
    session: orm.Session, now: datetime.datetime, age: datetime.timedelta
) -> int:
    """Delete operations that ended so long ago, with their steps.

    :returns: how many.
    """
    shown = sa.select(Group.last_operation_id).where(
        Group.last_operation_id.is_not(None)
    )
    found = session.execute(
        sa.select(Op.id, Op.data, Op.result, Group.deleted, Op.finished_at)
        .outerjoin(Group, Group.id == Op.protection_group_id)
        .where(
            Op.status.not_in(c.UNFINISHED),
            Op.finished_at < now - age,
            Op.id.not_in(shown),
            Op.id.not_in(drills.kept()),
        )
    )
    longest = datetime.timedelta(days=c.MAX_UNDO_RETENTION_DAYS)
    old = [
        row.id
        for row in found
        if not (
            row.deleted == ""
            and (row.data.get("undo") or (row.result or {}).get("undo"))
            and row.finished_at > now - longest
        )
    ]
    if old:
        session.execute(sa.delete(Op).where(Op.id.in_(old)))
    return len(old)
