# SPDX-License-Identifier: Apache-2.0
"""Rows of operations and their steps: acceptance, leases, records.

The only writer of operation and step state.  Whoever runs an operation
proves it with a lease token at each write.
"""

from collections.abc import Iterable
import datetime
from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import events, models
from protector.db.api import drills, protection_groups, recovery_points
from protector.db.api.operations_leases import Lease, hold, owned

Op = models.Operation
Step = models.OperationStep


def get(session: orm.Session, operation_id: str) -> Op:
    """:raises NotFound: there is no such operation."""
    operation = session.get(Op, operation_id)
    if operation is None:
        raise exception.NotFound(
            f"There is no operation {operation_id}.", id=operation_id
        )
    return operation


def find(session: orm.Session, operation_id: str) -> Op | None:
    return session.get(Op, operation_id)


def accept(
    session: orm.Session,
    now: datetime.datetime,
    group: models.ProtectionGroup,
    verb: str,
    values: dict[str, Any],
) -> Op:
    """Insert a pending operation and give it the group's slot, or its place
    in the queue.  Repeating it with the same ``id`` gives the same row.

    :param values: columns of the operation; ``id`` is optional.
    :raises InvalidStatus: the group does not allow the verb now.
    :raises GroupBusy: another operation holds the slot.
    """
    operation_id = values.get("id") or str(uuid.uuid4())
    existing = session.get(Op, operation_id)
    if existing is not None:
        return existing
    if verb in states.QUEUED or verb == c.Verb.SYNC:
        check_status(group, verb)
    elif verb not in c.SLOTLESS:
        protection_groups.take_slot(
            session,
            group,
            operation_id,
            verb,
            resumed=values.get("no_return", False),
        )
    if verb not in c.DRILL_VERBS:
        # a drill leaves the group as it is
        group.last_operation_id = operation_id
        group.updated_at = now
    operation = Op(
        **{
            "type": None,
            "args": {},
            "data": {},
            "progress": 0,
            "generation": 0,
            "lease_until": 0.0,
            "cancelling": False,
            "no_return": False,
            "mirror_version": 0,
            **values,
            "id": operation_id,
            "kind": verb,
            "status": c.OperationStatus.PENDING,
            "protection_group_id": group.id,
            "project_id": group.project_id,
            "created_at": now,
        }
    )
    if verb in c.DRILL_VERBS:
        drills.take(session, group, operation)
    session.add(operation)
    session.flush()
    return operation


def check_status(group: models.ProtectionGroup, verb: str) -> None:
    """:raises InvalidStatus: the group does not take the verb now."""
    refused = protection_groups.refusal(group, verb)
    if refused is not None:
        raise refused


# -- steps


def add_steps(
    session: orm.Session, operation: Op, rows: Iterable[dict[str, Any]]
) -> None:
    """Append planned steps.

    :param rows: name, after (ordinals), weight, optional, member_id?,
        member_name?, delay_seconds?, ordinal, status?.
    """
    for row in rows:
        session.add(
            Step(
                operation_id=operation.id,
                id=str(uuid.uuid4()),
                attempt=0,
                **{"status": c.StepStatus.PENDING, **row},
            )
        )
    session.flush()
    session.expire(operation, ["steps"])


def set_step(
    session: orm.Session,
    now: datetime.datetime,
    lease: Lease,
    ordinal: int,
    **values: Any,
) -> bool:
    """Record what became of a step and how far the operation is; False when
    the user has skipped it, which stands.

    :raises LeaseLost: the lease does not stand any more.
    """
    hold(session, lease)
    statement = (
        sa.update(Step)
        .where(
            Step.operation_id == lease.operation_id,
            Step.ordinal == ordinal,
            Step.status != c.StepStatus.SKIPPED,
        )
        .values(values)
        .execution_options(synchronize_session=False)
    )
    done = session.execute(statement).rowcount == 1
    if done:
        moved(session, now, lease.operation_id)
    return done


def moved(
    session: orm.Session, now: datetime.datetime, operation_id: str
) -> None:
    """Tell how far it is after a change of a step."""
    session.execute(
        sa.update(Op)
        .where(Op.id == operation_id)
        .values(
            progress=_progress(operation_id),
            updated_at=now,
            mirror_version=Op.mirror_version + 1,
        )
        .execution_options(synchronize_session=False)
    )


def _progress(operation_id: str) -> sa.ScalarSelect[int]:
    """Per cent done, by weight; 100 only when all are settled."""
    settled = Step.status.in_(c.STEP_SETTLED)
    done = sa.func.sum(sa.case((settled, Step.weight), else_=0))
    share = 100 * done // sa.func.sum(Step.weight)
    statement = sa.select(sa.func.coalesce(share, 0))
    return statement.where(Step.operation_id == operation_id).scalar_subquery()


def save_data(session: orm.Session, lease: Lease, **values: Any) -> None:
    """Keep working values for later steps and for an adopter."""
    operation = owned(session, lease)
    operation.data = {**operation.data, **values}


def save_point(
    session: orm.Session, lease: Lease, name: str, **values: Any
) -> None:
    """Keep which recovery point is used, and what follows from it.

    :param name: what the arrays call it, or ``parked``.
    """
    operation = owned(session, lease)
    operation.recovery_point_id = (
        None
        if name == c.PARKED_POINT
        else recovery_points.id_of(operation.protection_group_id, name)
    )
    save_data(session, lease, point=name, **values)


def pass_no_return(session: orm.Session, lease: Lease) -> None:
    """From here it only goes forward: one compare-and-set with cancel.

    :raises Superseded: a cancel came first.
    """
    operation = owned(session, lease)
    if operation.cancelling:
        raise exception.Superseded("The operation was cancelled.")
    operation.no_return = True


# -- the end


def finish(
    session: orm.Session,
    now: datetime.datetime,
    operation: Op,
    status: str,
    *,
    outcome: str | None = None,
    error: dict[str, Any] | None = None,
    result: dict[str, Any] | None = None,
) -> None:
    """End the operation and give its slot back."""
    operation.status = status
    operation.outcome = outcome
    operation.error = error
    operation.result = result
    operation.finished_at = operation.updated_at = now
    operation.worker = None
    operation.lease_until = 0.0
    operation.mirror_version += 1
    if status == c.OperationStatus.COMPLETED:
        operation.progress = 100
    group = session.get(models.ProtectionGroup, operation.protection_group_id)
    if group is not None:
        group.updated_at = now
        protection_groups.free_slot(session, group, operation.id)
    events.operation(session, operation)


def amend_result(
    session: orm.Session, operation_id: str, **values: Any
) -> None:
    """Add to the result of an operation that has ended what came later."""
    operation = session.get(Op, operation_id)
    if operation is not None and operation.result is not None:
        operation.result = {**operation.result, **values}
        operation.mirror_version += 1


def add_residue(operation: Op, found: list[Any]) -> None:
    """The same of what it left; what is told already is not told again.

    :param found: entries with ``kind``, ``id`` and ``why``.
    """
    told = {entry["id"] for entry in operation.data.get("residue", [])}
    fresh = [entry for entry in found if entry["id"] not in told]
    if not fresh:
        return
    residue = [*operation.data.get("residue", []), *fresh]
    operation.data = {**operation.data, "residue": residue}
    result = operation.result or {"verdict": c.Verdict.FAILED}
    operation.result = {**result, "residue": residue}
    operation.mirror_version += 1


def supersede_queue(
    session: orm.Session, now: datetime.datetime, group_id: str, by: str
) -> None:
    """End the changes that wait for their turn: a placement verb came."""
    statement = sa.select(Op).where(
        Op.protection_group_id == group_id,
        Op.kind.in_(states.QUEUED),
        # the other site's are for it to end
        Op.mirrored_steps.is_(None),
        Op.status == c.OperationStatus.PENDING,
    )
    for operation in session.scalars(statement):
        error = exception.Superseded(
            f"Operation {by} moves the group; ask again when it is done."
        )
        finish(
            session,
            now,
            operation,
            c.OperationStatus.CANCELLED,
            error=error.as_dict(),
        )
        rest_member(session, operation)


def preempt(
    session: orm.Session,
    now: datetime.datetime,
    group: models.ProtectionGroup,
    error: exception.ProtectorError,
) -> list[str]:
    """End what this site runs with the group's slot, or has yet to run; the
    ids.

    Another generation makes all that their workers still write fail.  The
    worker stays in the row until it says itself that it has stopped.
    """
    local = session.scalar(
        sa.select(models.Site.id).where(models.Site.is_local)
    )
    statement = sa.select(Op).where(
        Op.protection_group_id == group.id,
        Op.status.in_(c.UNFINISHED),
        Op.executor_site_id == local,
        sa.or_(Op.id == group.operation_id, Op.kind.in_(states.QUEUED)),
    )
    ended = []
    for row in list(session.scalars(statement)):
        worker, until = row.worker, row.lease_until
        row.generation += 1
        finish(
            session,
            now,
            row,
            c.OperationStatus.CANCELLED,
            error=error.as_dict(),
        )
        row.worker, row.lease_until = worker, until
        if row.kind in states.QUEUED:
            rest_member(session, row)
        ended.append(row.id)
    session.flush()
    return ended


def rest_member(session: orm.Session, operation: Op) -> None:
    """What a member is after its change did not come to its end."""
    member = session.get(models.Member, operation.args.get("member_id"))
    if member is None:
        return
    added = operation.kind == c.Verb.MEMBER_ADD
    if added and operation.no_return:
        # settled: what failed came after it
        return
    # past that point some of its volumes may be replicated no more
    broken = added or operation.no_return
    member.status = (
        c.MemberStatus.ERROR if broken else c.MemberStatus.PROTECTED
    )


def request_cancel(session: orm.Session, operation: Op) -> bool:
    """Ask for a cancel; False past the point of no return or when done."""
    statement = (
        sa.update(Op)
        .where(
            Op.id == operation.id,
            Op.status.in_(c.UNFINISHED),
            Op.no_return.is_(False),
        )
        .values(cancelling=True)
        .execution_options(synchronize_session=False)
    )
    done = session.execute(statement).rowcount == 1
    session.refresh(operation)
    return done
