# SPDX-License-Identifier: Apache-2.0
"""What users do with an operation: retry, skip, cancel."""

from collections.abc import Sequence
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import drills, operations, protection_groups

Op = models.Operation


def retry(session: orm.Session, operation: Op) -> None:
    """Make a failed operation pending again; what is done stays done.

    :raises InvalidStatus: it did not fail, or the group moved on.
    """
    group = protection_groups.lock(session, operation.protection_group_id)
    _bring_back(group, operation)
    reopen(session, operation, group)


def _bring_back(group: models.ProtectionGroup, operation: Op) -> None:
    """What put the group in error may always be tried again."""
    if (
        group.status == c.GroupStatus.ERROR
        and group.error_verb == operation.kind
        and group.operation_id is None
        and operation.status == c.OperationStatus.FAILED
    ):
        group.operation_id = operation.id
        group.last_operation_id = operation.id
        transient = states.TRANSIENT[c.Verb(operation.kind)]
        protection_groups.set_status(group, transient)


def skippable(operation: Op) -> set[str]:
    """Ids of the optional steps that are still to run, or that run; after a
    failure of those that a retry would run."""
    if "compensating" in operation.data or operation.cancelling:
        # it only goes back
        return set()
    if operation.status in c.UNFINISHED:
        ahead = [s for s in operation.steps if s.status in c.STEP_AHEAD]
    elif operation.status == c.OperationStatus.FAILED:
        ahead = _run_again(operation)
    else:
        ahead = []
    return {step.id for step in ahead if step.optional}


def skip(
    session: orm.Session,
    now: datetime.datetime,
    operation: Op,
    step_id: str,
) -> None:
    """Go on without an optional step.  Its runner does not start it, or stops
    waiting for it when it looks next.

    :raises InvalidReference: the operation has no such step.
    :raises InvalidStatus: the step is needed, or has ended, or a retry would
        not come to it.
    """
    _lock(session, operation)
    step = next((s for s in operation.steps if s.id == step_id), None)
    if step is None:
        raise exception.InvalidReference(
            f"Operation {operation.id} has no step {step_id}.",
            remedy="Show the operation and use one of its steps.",
        )
    if step_id not in skippable(operation):
        raise _needed(operation, step)
    for refused in over(session, [operation]).values():
        raise refused
    step.status = c.StepStatus.SKIPPED
    step.finished_at = now
    step.message = "skipped on request"
    session.flush()
    operations.moved(session, now, operation.id)
    session.refresh(operation)


def _lock(session: orm.Session, operation: Op) -> None:
    """See the rows as they are; until the end of the transaction its runner
    records nothing."""
    session.refresh(operation, with_for_update=True)
    statement = sa.select(models.OperationStep).where(
        models.OperationStep.operation_id == operation.id
    )
    session.scalars(
        statement.with_for_update().execution_options(populate_existing=True)
    ).all()


def _needed(
    operation: Op, step: models.OperationStep
) -> exception.InvalidStatus:
    if not step.optional:
        failed = operation.status == c.OperationStatus.FAILED
        why, remedy = (
            "needed",
            "Retry the operation."
            if failed
            else "Wait for it, or cancel the operation.",
        )
    else:
        why = f"not to run in an operation that is {operation.status}"
        remedy = "Show the operation: only a step that is skippable can be."
    return exception.InvalidStatus(
        f"Step {step.name} is {step.status} and {why}: only an optional step "
        "that has not ended can be skipped.",
        remedy=remedy,
        status=step.status,
    )


def cancel(session: orm.Session, operation: Op) -> None:
    """Ask its engine to stop and to bring back what it did.

    :raises InvalidStatus: it has ended, or is past the point of no return.
    """
    if operations.request_cancel(session, operation):
        return
    if operation.status in c.UNFINISHED:
        raise exception.InvalidStatus(
            f"Operation {operation.id} is past its point of no return.",
            remedy="Wait for its end, then go back with failback.",
            status=operation.status,
        )
    raise exception.InvalidStatus(
        f"Operation {operation.id} is {operation.status}.",
        remedy="There is nothing to cancel.",
        status=operation.status,
    )


def reopen(
    session: orm.Session, operation: Op, group: models.ProtectionGroup
) -> None:
    """Retry: failed steps become pending, the operation too.

    :raises InvalidStatus: it did not fail, or the group moved on.
    """
    if operation.status != c.OperationStatus.FAILED:
        raise exception.InvalidStatus(
            f"Operation {operation.id} is {operation.status}: only a failed "
            "one can be retried.",
            status=operation.status,
        )
    refused = _passed(operation, group)
    if refused is not None:
        raise refused
    _take_place(session, operation, group)
    if "compensating" in operation.data:
        # what it did was brought back: it is planned and done anew
        operation.steps = []
        operation.data = _outside(operation.data)
        operation.progress = 0
    _reset_failed(operation)
    _reset_member(session, operation)
    operation.status = c.OperationStatus.PENDING
    operation.error = None
    operation.outcome = None
    operation.finished_at = None
    operation.cancelling = False
    operation.worker = None


def over(
    session: orm.Session, rows: Sequence[Op]
) -> dict[str, exception.InvalidStatus]:
    """By the ids of those that failed and cannot be retried any more, why."""
    failed = [r for r in rows if r.status == c.OperationStatus.FAILED]
    group = models.ProtectionGroup
    ids = {r.protection_group_id for r in failed}
    known = {
        g.id: g
        for g in session.scalars(sa.select(group).where(group.id.in_(ids)))
    }
    return {
        row.id: refused
        for row in failed
        if row.protection_group_id in known
        for refused in [_passed(row, known[row.protection_group_id])]
        if refused is not None
    }


def _passed(
    operation: Op, group: models.ProtectionGroup
) -> exception.InvalidStatus | None:
    """A move goes on in the epoch that it claimed or asked for; the refusal
    when that is over."""
    # one that runs at the other site tells it when it has ended
    told = operation.data.get("epoch") or (operation.result or {}).get("epoch")
    epoch = max(group.epoch, group.epoch_seen)
    if (
        operation.kind not in c.PLACEMENT_VERBS
        or told is None
        or told >= epoch
    ):
        return None
    return exception.InvalidStatus(
        f"Operation {operation.id} was of epoch {told} of protection group "
        f"{group.name}, which has gone on to epoch {epoch}.",
        remedy="Ask for a move anew, from where the group runs now.",
        epoch=group.epoch,
    )


def _outside(data: dict[str, Any]) -> dict[str, Any]:
    """What an operation noted of things outside, not of its own course: the
    undoing may have left some of them there."""
    return {
        key: value
        for key, value in data.items()
        if key in c.NOTED or key.startswith(c.NOTED_MADE)
    }


def _take_place(
    session: orm.Session, operation: Op, group: models.ProtectionGroup
) -> None:
    if operation.kind == c.Verb.SYNC:
        operations.check_status(group, operation.kind)
    elif operation.kind in c.DRILL_VERBS:
        drills.take(session, group, operation)
    else:
        protection_groups.take_slot(
            session,
            group,
            operation.id,
            operation.kind,
            resumed=operation.no_return,
        )


def _reset_failed(operation: Op) -> None:
    for step in _run_again(operation):
        step.status = c.StepStatus.PENDING
        step.error = None
        step.finished_at = None


def _run_again(operation: Op) -> list[models.OperationStep]:
    """What failed is done again, and all that was done after it; what was
    skipped stays so."""
    again: set[int] = set()
    for step in operation.steps:
        if step.status not in c.STEP_SETTLED or again.intersection(step.after):
            again.add(step.ordinal)
    return [
        step
        for step in operation.steps
        if step.ordinal in again and step.status != c.StepStatus.SKIPPED
    ]


def _reset_member(session: orm.Session, operation: Op) -> None:
    added = operation.kind == c.Verb.MEMBER_ADD
    if operation.kind not in states.QUEUED or (added and operation.no_return):
        # one that is settled stays so
        return
    member = session.get(models.Member, operation.args["member_id"])
    if member is not None:
        member.status = (
            c.MemberStatus.PROTECTING if added else c.MemberStatus.REMOVING
        )
