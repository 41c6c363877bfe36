# SPDX-License-Identifier: Apache-2.0
"""Rows of recovery points: read here, kept by the engine's observation."""

import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import exception
from protector.db import models
from protector.db.api import listing

Point = models.RecoveryPoint


def id_of(group_id: str, name: str) -> str:
    """The id of a point, which is the same at both sites: a move that one
    forwards to the other may name it.

    :param name: what the arrays call the point.
    """
    return str(uuid.uuid5(uuid.UUID(group_id), name))


def get(session: orm.Session, group_id: str, point_id: str) -> Point:
    """:raises InvalidReference: the group has no such point."""
    point = session.get(Point, point_id)
    if point is None or point.protection_group_id != group_id:
        raise exception.InvalidReference(
            f"The group has no recovery point {point_id}.",
            remedy="List the recovery points of the group.",
            id=point_id,
        )
    return point


def page(
    session: orm.Session, group_id: str, wanted: listing.Wanted
) -> listing.Page:
    statement = sa.select(Point).where(Point.protection_group_id == group_id)
    return listing.page(session, statement, Point, wanted)


def epochs(session: orm.Session, group_id: str) -> dict[str, int]:
    """The epochs of a group's points by name."""
    statement = sa.select(Point.name, Point.epoch).where(
        Point.protection_group_id == group_id
    )
    return {name: epoch for name, epoch in session.execute(statement)}


def newest_complete(
    session: orm.Session, group_ids: list[str]
) -> dict[str, Point]:
    """By group, the newest complete point of its direction and epoch."""
    group = models.ProtectionGroup
    current = (
        Point.protection_group_id.in_(group_ids),
        Point.completed_at.is_not(None),
        Point.source_site_id == group.current_primary_site_id,
        Point.epoch == group.epoch,
    )
    newest = (
        sa.select(
            Point.protection_group_id,
            sa.func.max(Point.created_at).label("at"),
        )
        .join(group, group.id == Point.protection_group_id)
        .where(*current)
        .group_by(Point.protection_group_id)
        .subquery()
    )
    statement = (
        sa.select(Point)
        .join(group, group.id == Point.protection_group_id)
        .join(
            newest,
            sa.and_(
                newest.c.protection_group_id == Point.protection_group_id,
                newest.c["at"] == Point.created_at,
            ),
        )
        .where(*current)
    )
    return {p.protection_group_id: p for p in session.scalars(statement)}
