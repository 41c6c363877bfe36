# SPDX-License-Identifier: Apache-2.0
"""What users do with an operation: retry, skip, cancel."""

import datetime

from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import operations, protection_groups

Op = models.Operation


def retry(session: orm.Session, operation: Op) -> None:
    """Make a failed operation pending again; what is done stays done.

    :raises InvalidStatus: it did not fail, or the group moved on.
    """
    group = protection_groups.lock(session, operation.protection_group_id)
    _bring_back(group, operation)
    operations.reopen(session, operation, group)


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
