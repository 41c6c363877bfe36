# SPDX-License-Identifier: Apache-2.0
"""Rows of members: what of a project is protected by a group."""

from collections.abc import Sequence
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import listing

Member = models.Member


def get(session: orm.Session, group_id: str, member_id: str) -> Member:
    """:raises NotFound: the group has no such member."""
    member = session.get(Member, member_id)
    if member is None or member.protection_group_id != group_id:
        raise exception.NotFound(
            f"Protection group {group_id} has no member {member_id}.",
            remedy="List the members of the group.",
            id=member_id,
        )
    return member


def by_instance(
    session: orm.Session, group_id: str, instance_id: str
) -> Member | None:
    """The member that protects a server, by any of the server's ids."""
    by_copy = (
        sa.select(models.MemberCopy.member_id)
        .join(Member, Member.id == models.MemberCopy.member_id)
        .where(
            Member.protection_group_id == group_id,
            models.MemberCopy.server_id == instance_id,
        )
    )
    statement = sa.select(Member).where(
        Member.protection_group_id == group_id,
        sa.or_(Member.instance_id == instance_id, Member.id.in_(by_copy)),
    )
    return session.scalars(statement.order_by(Member.created_at)).first()


def ids(session: orm.Session, group_id: str) -> set[str]:
    """Of all members, whatever their status."""
    statement = sa.select(Member.id).where(
        Member.protection_group_id == group_id
    )
    return set(session.scalars(statement))


def count(session: orm.Session, group_id: str) -> int:
    """How many rows there are, whatever their status."""
    statement = (
        sa.select(sa.func.count())
        .select_from(Member)
        .where(Member.protection_group_id == group_id)
    )
    return session.scalar(statement) or 0


def counts(
    session: orm.Session, group_ids: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Members by group and status; a group without any is left out."""
    rows = session.execute(
        sa.select(Member.protection_group_id, Member.status, sa.func.count())
        .where(Member.protection_group_id.in_(group_ids))
        .group_by(Member.protection_group_id, Member.status)
    )
    found: dict[str, dict[str, int]] = {}
    for group_id, status, number in rows:
        found.setdefault(group_id, {})[status] = number
    return found


def parked(session: orm.Session, group_ids: Sequence[str]) -> set[str]:
    """Those of the groups with a server that is parked where they do not
    run."""
    copy, group = models.MemberCopy, models.ProtectionGroup
    statement = (
        sa.select(Member.protection_group_id)
        .join(copy, copy.member_id == Member.id)
        .join(group, group.id == Member.protection_group_id)
        .where(
            Member.protection_group_id.in_(group_ids),
            copy.site_id != group.current_primary_site_id,
            copy.role == c.CopyRole.PARKED,
            copy.server_id.is_not(None),
        )
    )
    return set(session.scalars(statement))


def page(
    session: orm.Session, group_id: str, wanted: listing.Wanted
) -> listing.Page:
    statement = sa.select(Member).where(Member.protection_group_id == group_id)
    return listing.page(session, statement, Member, wanted)


def add(
    session: orm.Session,
    now: datetime.datetime,
    group_id: str,
    values: dict[str, Any],
) -> Member:
    """A member that is yet to be protected.

    :param values: id, instance_id, instance_name, home_site_id.
    """
    member = Member(
        protection_group_id=group_id,
        status=c.MemberStatus.PROTECTING,
        recipe={},
        warnings=[],
        created_at=now,
        **values,
    )
    session.add(member)
    session.flush()
    return member


def start_removal(member: Member, now: datetime.datetime) -> None:
    """:raises InvalidStatus: the member is being removed already."""
    if member.status == c.MemberStatus.REMOVING:
        raise leaving(member)
    member.status = c.MemberStatus.REMOVING
    member.updated_at = now


def leaving(member: Member) -> exception.InvalidStatus:
    return exception.InvalidStatus(
        f"Member {member.instance_name} is being removed.",
        remedy="Wait for that operation.",
        status=member.status,
    )


def start_again(member: Member, now: datetime.datetime) -> None:
    """A failed addition is tried once more."""
    member.status = c.MemberStatus.PROTECTING
    member.updated_at = now
