# SPDX-License-Identifier: Apache-2.0
"""Removes what nobody needs any more.

Never what a living group shows: its last operation stays, and that of its
drill, which knows what was made.
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
    session: orm.Session, before: datetime.datetime
) -> int:
    """Delete operations that ended before a time, with their steps.

    :returns: how many.
    """
    shown = sa.select(Group.last_operation_id).where(
        Group.last_operation_id.is_not(None)
    )
    old = list(
        session.scalars(
            sa.select(Op.id).where(
                Op.status.not_in(c.UNFINISHED),
                Op.finished_at < before,
                Op.id.not_in(shown),
                Op.id.not_in(drills.kept()),
            )
        )
    )
    if old:
        session.execute(sa.delete(Op).where(Op.id.in_(old)))
    return len(old)
