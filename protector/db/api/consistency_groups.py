# SPDX-License-Identifier: Apache-2.0
"""Rows of consistency groups: one for a protection group, two sides."""

from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models

ConsistencyGroup = models.ConsistencyGroup
Side = models.ConsistencyGroupSide


def name_of(group_name: str) -> str:
    """The name at creation; a rename of the group leaves it alone."""
    return f"pg-{group_name}-cg"[:255]


def find(session: orm.Session, group_id: str) -> ConsistencyGroup | None:
    return session.scalars(
        sa.select(ConsistencyGroup).where(
            ConsistencyGroup.protection_group_id == group_id
        )
    ).one_or_none()


def ids_of(session: orm.Session, group_ids: list[str]) -> dict[str, str]:
    """The ids of the consistency groups by protection group."""
    rows = session.execute(
        sa.select(
            ConsistencyGroup.protection_group_id, ConsistencyGroup.id
        ).where(ConsistencyGroup.protection_group_id.in_(group_ids))
    )
    return {group_id: row_id for group_id, row_id in rows}


def add(
    session: orm.Session,
    group: models.ProtectionGroup,
    sides: dict[str, dict[str, Any]],
    row_id: str | None = None,
) -> ConsistencyGroup:
    """A new one in status creating; its Cinder groups are yet to be made.

    :param sides: by site id: volume_type_id, volume_type_name and
        backend_name.
    """
    row = ConsistencyGroup(
        id=row_id or str(uuid.uuid4()),
        protection_group_id=group.id,
        name=name_of(group.name),
        status=c.GroupStatus.CREATING,
        sides=[
            Side(site_id=site_id, schedule_enabled=False, **values)
            for site_id, values in sides.items()
        ],
    )
    session.add(row)
    session.flush()
    return row


def volume_count(session: orm.Session, group: Any) -> int:
    """How many volumes the settled members have where they run."""
    copies = models.VolumeCopy
    statement = (
        sa.select(sa.func.count())
        .select_from(copies)
        .join(models.Member, models.Member.id == copies.member_id)
        .where(
            models.Member.protection_group_id == group.id,
            models.Member.status.in_(
                (
                    c.MemberStatus.PROTECTED,
                    c.MemberStatus.REMOVING,
                    c.MemberStatus.MISSING,
                )
            ),
            copies.site_id == group.current_primary_site_id,
        )
    )
    return session.scalar(statement) or 0
