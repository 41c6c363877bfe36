# SPDX-License-Identifier: Apache-2.0
"""How an operation ends: its status and result, and the group's status."""

from typing import Any

from oslo_log import log as logging
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import operations, operations_leases, protection_groups
from protector.engine import context, results

LOG = logging.getLogger(__name__)
Error = exception.ProtectorError

# runs that may end before the first step
ATTEMPTS = 10
# only these may leave the group in error
FATAL = frozenset({c.Verb.CREATE, c.Verb.DELETE}) | c.PLACEMENT_VERBS


def cancel_error(work: context.Work) -> Error | None:
    """The error that a requested cancel is, while it may still be one.

    :raises LeaseLost: an unplanned move ended the operation.
    """
    for attempt in work.runtime.db.retrying(outage=True):
        with attempt, work.runtime.db.reader() as session:
            generation, cancelled = operations_leases.bidding(
                session, work.lease.token.operation_id
            )
    if generation != work.lease.token.generation:
        # at once, not at the next renewal
        work.lease.lose()
        work.lease.check()
    if cancelled:
        return exception.Superseded("The operation was cancelled.")
    return None


def completed(work: context.Work, operation: models.Operation) -> None:
    with work.runtime.db.writer() as session:
        row = operations_leases.owned(session, work.lease.token)
        group = protection_groups.find(session, row.protection_group_id)
        if group is not None and row.kind in c.PLACEMENT_VERBS:
            # a retry made it transient again after its settling
            protection_groups.set_status(
                group, protection_groups.resting_status(group)
            )
        left_out = any(s.status in c.STEP_LEFT_OUT for s in row.steps)
        operations.finish(
            session,
            work.runtime.clock.now(),
            row,
            c.OperationStatus.COMPLETED,
            outcome=c.Outcome.WARNINGS if left_out else c.Outcome.SUCCESS,
            result=results.build(
                session,
                row,
                work.runtime.clock.now(),
                c.OperationStatus.COMPLETED,
            ),
        )
    LOG.info("Operation %s completed", operation.id)


def superseded(
    work: context.Work, operation: models.Operation
) -> Error | None:
    """Why a queued change must not run now that its turn has come."""
    if operation.kind not in states.QUEUED or operation.no_return:
        return None
    with work.runtime.db.reader() as session:
        group = protection_groups.find(session, operation.protection_group_id)
        if group is None:
            return exception.Superseded("The group was deleted.")
        if group.current_primary_site_id != work.local_site_id:
            return exception.Superseded(
                f"Protection group {group.name} has moved; ask again at its "
                "primary site."
            )
        refused = protection_groups.refusal(group, operation.kind)
        return exception.Superseded(refused.message) if refused else None


def must_compensate(work: context.Work, operation: models.Operation) -> bool:
    """Before the point of no return a failed verb brings back what was."""
    with work.runtime.db.reader() as session:
        return not operations.get(session, operation.id).no_return


def mark_compensating(
    work: context.Work, operation: models.Operation, error: Error
) -> None:
    """From here the operation only goes back, whoever adopts it."""
    with work.runtime.db.writer() as session:
        operations.save_data(
            session, work.lease.token, compensating=error.as_dict()
        )
    operation.data = {
        **operation.data,
        "compensating": error.as_dict(),
    }


def compensated(
    work: context.Work,
    operation: models.Operation,
    problems: list[Error],
) -> None:
    """All that could be is undone; the operation ends."""
    error = operation.data["compensating"]
    cancelled = error["reason"] == "Superseded"
    status = (
        c.OperationStatus.CANCELLED if cancelled else c.OperationStatus.FAILED
    )
    if problems:
        left = [p.as_dict() for p in problems]
        error = {**error, "details": {**error["details"], "left": left}}
    with work.runtime.db.writer() as session:
        row = operations_leases.owned(session, work.lease.token)
        _end(session, work, row, status, error, clean=not problems)
    LOG.warning("Operation %s %s: %s", operation.id, status, error["message"])


def unprepared(
    work: context.Work, operation_id: str, error: Exception
) -> None:
    """It could not even begin: another run tries again, a few times."""
    LOG.error(
        "Operation %s could not be prepared", operation_id, exc_info=error
    )
    if work.lease.token.generation < ATTEMPTS:
        return
    if not isinstance(error, exception.ProtectorError):
        error = exception.ProtectorError(
            f"The operation could not be prepared ({type(error).__name__})."
        )
    with work.runtime.db.reader() as session:
        operation = operations.get(session, operation_id)
    failed(work, operation, error)


def failed(
    work: context.Work, operation: models.Operation, error: Error
) -> None:
    """Past the point of no return: it stays as it is and can be retried."""
    with work.runtime.db.writer() as session:
        row = operations_leases.owned(session, work.lease.token)
        _end(
            session,
            work,
            row,
            c.OperationStatus.FAILED,
            error.as_dict(),
            clean=False,
        )
    LOG.error("Operation %s failed: %s", operation.id, error)


def _end(
    session: orm.Session,
    work: context.Work,
    row: models.Operation,
    status: str,
    error: dict[str, Any],
    clean: bool,
) -> None:
    now = work.runtime.clock.now()
    operations.finish(
        session,
        now,
        row,
        status,
        error=error,
        result=results.build(session, row, now, status),
    )
    group = protection_groups.find(session, row.protection_group_id)
    if group is not None:
        _rest(group, row, clean)
    if row.kind in states.QUEUED:
        operations.rest_member(session, row)


def _rest(
    group: models.ProtectionGroup, row: models.Operation, clean: bool
) -> None:
    verb = c.Verb(row.kind)
    if verb not in FATAL:
        return
    # members that failed do not take from the group that it has moved
    moved = (
        verb in c.PLACEMENT_VERBS
        and row.no_return
        and group.current_primary_site_id == row.target_site_id
    )
    if moved or (verb in c.PLACEMENT_VERBS and clean):
        protection_groups.set_status(
            group, protection_groups.resting_status(group)
        )
    else:
        protection_groups.set_status(group, c.GroupStatus.ERROR, verb)
