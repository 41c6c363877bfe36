# SPDX-License-Identifier: Apache-2.0
"""The hold of a planned move on the source: a row on the database's clock.

Renewal, release and expiry are each one compare-and-set on it.
"""

from collections.abc import Sequence
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models, types
from protector.db.api import protection_groups

Lock = models.SourceLock
NEVER = 1e18


def find(session: orm.Session, group_id: str) -> Lock | None:
    return session.get(Lock, group_id, populate_existing=True)


def take(
    session: orm.Session,
    group_id: str,
    operation_id: str,
    site_id: str,
    seconds: float,
) -> None:
    """Take the lock, or renew one's own.

    :raises NotFound: there is no such group.
    :raises LockLost: it expired, was released or belongs to another.
    """
    # two that find no lock would wait for each other to insert theirs
    protection_groups.lock(session, group_id)
    if _renew(session, group_id, operation_id, seconds):
        return
    if find(session, group_id) is not None:
        raise lost(group_id, operation_id)
    session.execute(
        sa.insert(Lock).values(
            protection_group_id=group_id,
            operation_id=operation_id,
            site_id=site_id,
            expires=sa.select(types.db_epoch() + seconds).scalar_subquery(),
        )
    )


def _renew(
    session: orm.Session, group_id: str, operation_id: str, seconds: float
) -> bool:
    statement = (
        sa.update(Lock)
        .where(
            Lock.protection_group_id == group_id,
            Lock.operation_id == operation_id,
            Lock.released_epoch.is_(None),
            Lock.expires > types.db_epoch(),
        )
        .values(expires=types.db_epoch() + seconds)
    )
    return session.execute(statement).rowcount == 1


def release(
    session: orm.Session, group_id: str, operation_id: str, epoch: int
) -> None:
    """Give the group away to ``epoch``; again with the same is the same.

    :raises LockLost: it expired, was replaced, or went to another epoch.
    """
    statement = (
        sa.update(Lock)
        .where(
            Lock.protection_group_id == group_id,
            Lock.operation_id == operation_id,
            sa.or_(
                Lock.released_epoch == epoch,
                sa.and_(
                    Lock.released_epoch.is_(None),
                    Lock.expires > types.db_epoch(),
                ),
            ),
        )
        .values(released_epoch=epoch, expires=NEVER)
    )
    # rows that match count, on MariaDB too: its driver is told so
    if session.execute(statement).rowcount != 1:
        raise lost(group_id, operation_id)


def released(session: orm.Session, group_ids: Sequence[str]) -> set[str]:
    """Those groups that were given away, and of which nothing was heard."""
    statement = sa.select(Lock.protection_group_id).where(
        Lock.protection_group_id.in_(group_ids),
        Lock.released_epoch.is_not(None),
    )
    return set(session.scalars(statement))


def run_out(session: orm.Session, group_id: str, site_id: str) -> Lock:
    """From here a released lock is one that ran out; a site that claimed the
    group without any is taken to have had one, of nobody's operation.

    :param site_id: of the other site.
    """
    lock = find(session, group_id)
    if lock is None:
        lock = Lock(
            protection_group_id=group_id,
            operation_id=str(uuid.uuid4()),
            site_id=site_id,
        )
        session.add(lock)
    lock.released_epoch = None
    lock.expires = 0.0
    return lock


def expired(session: orm.Session) -> list[Lock]:
    """Locks whose time is over and that were not released."""
    statement = sa.select(Lock).where(
        Lock.released_epoch.is_(None), Lock.expires < types.db_epoch()
    )
    return list(session.scalars(statement))


def is_long_over(session: orm.Session, lock: Lock, seconds: float) -> bool:
    """Whether a lock ran out longer ago than that, or nobody knows when."""
    now = session.scalar(sa.select(types.db_epoch())) or 0.0
    return lock.expires + seconds < now


def abandoned(session: orm.Session, site_id: str) -> list[str]:
    """Ids of the groups of a site that were released, or claimed by the
    other one, which was declared lost before anything was heard of what it
    made of them."""
    group = models.ProtectionGroup
    found = session.scalars(
        sa.select(group).where(
            group.deleted == "",
            group.current_primary_site_id == site_id,
            group.epoch_seen > group.epoch,
        )
    )
    return [
        row.id
        for row in found
        if protection_groups.holds(row, c.Condition.UNPROTECTED)
    ]


def drop(session: orm.Session, group_id: str, operation_id: str) -> bool:
    """End an unreleased lock: cancel, or the end of a compensation."""
    statement = sa.delete(Lock).where(
        Lock.protection_group_id == group_id,
        Lock.operation_id == operation_id,
        Lock.released_epoch.is_(None),
    )
    return session.execute(statement).rowcount == 1


def clear(session: orm.Session, group_id: str) -> None:
    """A newer document of the new primary ends the lock for good."""
    session.execute(
        sa.delete(Lock).where(Lock.protection_group_id == group_id)
    )


def lost(group_id: str, operation_id: str) -> exception.LockLost:
    return exception.LockLost(
        f"Operation {operation_id} does not hold the source lock of "
        f"protection group {group_id} any more.",
        operation_id=operation_id,
    )
