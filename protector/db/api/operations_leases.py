# SPDX-License-Identifier: Apache-2.0
"""Who runs an operation: claims, leases and turns, on the database's clock."""

from collections.abc import Collection
import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import events, models, types
from protector.db.api import protection_groups

Op = models.Operation
Step = models.OperationStep


@dataclasses.dataclass(frozen=True)
class Lease:
    """Proof of ownership: sent with each write of the owner."""

    operation_id: str
    worker: str
    generation: int


def runnable(session: orm.Session, site_id: str, margin: float) -> list[Any]:
    """Of each operation that this site has to run and nobody does, oldest
    first: id, project, kind, status, and whether it is to be cancelled.

    :param margin: seconds past the end of a lease.
    """
    free = sa.or_(
        Op.worker.is_(None), Op.lease_until + margin < types.db_epoch()
    )
    statement = (
        sa.select(Op.id, Op.project_id, Op.kind, Op.status, Op.cancelling)
        .where(
            Op.executor_site_id == site_id,
            Op.status.in_(c.UNFINISHED),
            free,
        )
        .order_by(Op.created_at, Op.id)
    )
    return list(session.execute(statement))


def claim(
    session: orm.Session,
    now: datetime.datetime,
    operation_id: str,
    site_id: str,
    worker: str,
    seconds: float,
    margin: float,
) -> Lease | None:
    """Become the owner; None when somebody is, it is done, or its turn has
    not come."""
    operation = session.get(Op, operation_id)
    if operation is None:
        return None
    begins = operation.status == c.OperationStatus.PENDING
    with session.begin_nested() as attempt:
        # the operation first: one that is done must not get the slot
        claimed = _own(
            session, now, operation, site_id, worker, seconds, margin
        )
        if not (claimed and _turn(session, operation)):
            attempt.rollback()
            return None
    session.refresh(operation)
    if begins:
        events.operation(session, operation)
    return Lease(operation_id, worker, operation.generation)


def _own(
    session: orm.Session,
    now: datetime.datetime,
    operation: Op,
    site_id: str,
    worker: str,
    seconds: float,
    margin: float,
) -> bool:
    free = sa.or_(
        Op.worker.is_(None), Op.lease_until + margin < types.db_epoch()
    )
    statement = (
        sa.update(Op)
        .where(
            Op.id == operation.id,
            Op.executor_site_id == site_id,
            Op.status.in_(c.UNFINISHED),
            free,
        )
        .values(
            worker=worker,
            generation=Op.generation + 1,
            lease_until=types.db_epoch() + seconds,
            status=c.OperationStatus.RUNNING,
            started_at=sa.func.coalesce(Op.started_at, now),
            updated_at=now,
        )
        .execution_options(synchronize_session=False)
    )
    return session.execute(statement).rowcount == 1


def _turn(session: orm.Session, operation: Op) -> bool:
    """Whether a queued change is first and the slot free: then take it."""
    if operation.kind not in states.QUEUED:
        return True
    group = protection_groups.find(session, operation.protection_group_id)
    if group is None:
        return True
    if group.operation_id == operation.id:
        return True
    earlier = (
        sa.select(Op.id)
        .where(
            Op.protection_group_id == group.id,
            Op.kind.in_(states.QUEUED),
            Op.status.in_(c.UNFINISHED),
            Op.executor_site_id == operation.executor_site_id,
            sa.tuple_(Op.created_at, Op.id)
            < sa.tuple_(
                sa.literal(operation.created_at, type_=types.UtcDateTime),
                operation.id,
            ),
        )
        .limit(1)
    )
    if session.scalar(earlier) is not None:
        return False
    statement = (
        sa.update(models.ProtectionGroup)
        .where(
            models.ProtectionGroup.id == group.id,
            models.ProtectionGroup.operation_id.is_(None),
        )
        .values(operation_id=operation.id)
        .execution_options(synchronize_session=False)
    )
    taken = session.execute(statement).rowcount == 1
    session.expire(group)
    return taken


def renew(
    session: orm.Session, leases: Collection[Lease], seconds: float
) -> set[Lease]:
    """Extend leases; those that still were ours."""
    held = (
        # by the key, to lock no other rows
        Op.id.in_([lease.operation_id for lease in leases]),
        sa.tuple_(Op.id, Op.worker, Op.generation).in_(
            [(x.operation_id, x.worker, x.generation) for x in leases]
        ),
        Op.status == c.OperationStatus.RUNNING,
    )
    session.execute(
        sa.update(Op)
        .where(*held)
        .values(lease_until=types.db_epoch() + seconds)
        .execution_options(synchronize_session=False)
    )
    found = session.execute(
        sa.select(Op.id, Op.worker, Op.generation).where(*held)
    )
    return {Lease(*row) for row in found}


def let_go(session: orm.Session, lease: Lease) -> None:
    """The worker has stopped: another engine may adopt at once, and whoever
    ended the operation under it need not wait any longer."""
    ended = Op.status.not_in(c.UNFINISHED)
    session.execute(
        sa.update(Op)
        .where(
            Op.id == lease.operation_id,
            Op.worker == lease.worker,
            sa.or_(Op.generation == lease.generation, ended),
        )
        .values(worker=None, lease_until=0.0)
        .execution_options(synchronize_session=False)
    )


def owned(session: orm.Session, lease: Lease) -> Op:
    """The row, locked, when the lease still stands.

    :raises LeaseLost: it does not.
    """
    statement = _locked(sa.select(Op), lease)
    operation = session.scalars(
        statement.execution_options(populate_existing=True)
    ).one_or_none()
    if operation is None:
        raise _lost(lease)
    return operation


def hold(session: orm.Session, lease: Lease) -> None:
    """Lock the row while the lease stands, without reading it.

    :raises LeaseLost: it does not.
    """
    if session.scalar(_locked(sa.select(Op.id), lease)) is None:
        raise _lost(lease)


def _locked(statement: sa.Select[Any], lease: Lease) -> sa.Select[Any]:
    stands = Op.lease_until > types.db_epoch()
    return statement.where(*_owned(lease), stands).with_for_update()


def _lost(lease: Lease) -> exception.LeaseLost:
    return exception.LeaseLost(
        f"Operation {lease.operation_id} is no longer run by {lease.worker}."
    )


def bidding(session: orm.Session, operation_id: str) -> tuple[int, bool]:
    """The generation, and whether a cancel may still be obeyed."""
    statement = sa.select(Op.generation, Op.cancelling, Op.no_return)
    generation, cancelling, no_return = session.execute(
        statement.where(Op.id == operation_id)
    ).one()
    return generation, cancelling and not no_return


def is_skipped(session: orm.Session, operation_id: str, ordinal: int) -> bool:
    """Whether the user wants no more of a step."""
    statement = sa.select(Step.status).where(
        Step.operation_id == operation_id, Step.ordinal == ordinal
    )
    return session.scalar(statement) == c.StepStatus.SKIPPED


def _owned(lease: Lease) -> tuple[Any, ...]:
    return (
        Op.id == lease.operation_id,
        Op.worker == lease.worker,
        Op.generation == lease.generation,
        Op.status == c.OperationStatus.RUNNING,
    )
