# SPDX-License-Identifier: Apache-2.0
"""What users do with an operation: retry, skip, cancel."""

import datetime
from typing import Any

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


def skip(
    session: orm.Session,
    now: datetime.datetime,
    operation: Op,
    step_id: str,
) -> None:
    """Go on without an optional step that failed.

    :raises InvalidReference: the operation has no such step.
    :raises InvalidStatus: the step is needed, or did not fail.
    """
    step = next((s for s in operation.steps if s.id == step_id), None)
    if step is None:
        raise exception.InvalidReference(
            f"Operation {operation.id} has no step {step_id}.",
            remedy="Show the operation and use one of its steps.",
        )
    failed = (c.StepStatus.FAILED, c.StepStatus.TIMED_OUT)
    if not step.optional or step.status not in failed:
        raise exception.InvalidStatus(
            f"Step {step.name} is {step.status} and "
            f"{'optional' if step.optional else 'needed'}: only an optional "
            "step that failed can be skipped.",
            remedy="Retry the operation instead.",
            status=step.status,
        )
    step.status = c.StepStatus.SKIPPED
    step.finished_at = now
    retry(session, operation)


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
    """What failed is done again, and all that was done after it."""
    again: set[int] = set()
    for step in operation.steps:
        if step.status in c.STEP_SETTLED and not again.intersection(
            step.after
        ):
            continue
        again.add(step.ordinal)
        step.status = c.StepStatus.PENDING
        step.error = None
        step.finished_at = None


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
