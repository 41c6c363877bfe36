# SPDX-License-Identifier: Apache-2.0
"""Runs and undoes one step, with its records, deadline and repetitions."""

from typing import Any

from oslo_db import exception as db_exc
from oslo_log import log as logging
import tenacity

from protector import constants as c
from protector import context as request_context
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import context, steps

LOG = logging.getLogger(__name__)

# the outcome is unknown or the neighbour is away: steps look before they
# act, so they may simply be run again
TRANSIENT = (
    db_exc.DBDeadlock,
    exception.CloudUnavailable,
    exception.ArrayUnavailable,
    exception.ServiceUnavailable,
)


def run_step(
    work: context.Work,
    operation: models.Operation,
    row: models.OperationStep,
) -> exception.ProtectorError | None:
    """Run a step to its end and record it; the error that stops the
    operation, if any.

    :raises LeaseLost: this engine must stop.
    """
    request_context.enter_operation(operation.id, operation.request_id)
    step = steps.STEPS[row.name]
    begun = _record(
        work,
        row,
        status=c.StepStatus.RUNNING,
        attempt=row.attempt + 1,
        started_at=row.started_at or work.runtime.clock.now(),
        message=None,
    )
    if not begun:
        return None
    ctx = _context(work, operation, row, step, step.optional)
    try:
        result = _repeat(work, row, ctx, step.run)
    except exception.LeaseLost:
        raise
    except context.StepSkipped:
        LOG.info("Step %s is skipped", row.name)
        row.status = c.StepStatus.SKIPPED
        return None
    except exception.ProtectorError as e:
        return _failed(work, row, step, e)
    except Exception as e:
        LOG.exception("Step %s failed unexpectedly", row.name)
        return _failed(work, row, step, _internal(row, e))
    _record(
        work,
        row,
        status=c.StepStatus.DONE,
        finished_at=work.runtime.clock.now(),
        result=result,
        error=None,
        message=(result or {}).get("message"),
    )
    return None


def undo_step(
    work: context.Work,
    operation: models.Operation,
    row: models.OperationStep,
) -> exception.ProtectorError | None:
    """Bring back what a step changed; what could not be, if anything.

    :raises LeaseLost: this engine must stop.
    """
    step = steps.STEPS[row.name]
    if step.undo is None:
        return None
    ctx = _context(work, operation, row, step)
    try:
        _repeat(work, row, ctx, step.undo)
    except exception.LeaseLost:
        raise
    except exception.ProtectorError as e:
        LOG.warning("Step %s could not be undone: %s", row.name, e)
        return e
    except Exception as e:
        LOG.exception("Step %s could not be undone", row.name)
        return _internal(row, e)
    _record(work, row, message="undone")
    return None


def _context(
    work: context.Work,
    operation: models.Operation,
    row: models.OperationStep,
    step: Any,
    optional: bool = False,
) -> context.StepContext:
    seconds = work.runtime.conf.engine[step.timeout]
    deadline = work.runtime.clock.monotonic() + seconds
    return context.StepContext(
        work, operation, row.member_id, deadline, row.ordinal, optional
    )


def _repeat(
    work: context.Work,
    row: models.OperationStep,
    ctx: context.StepContext,
    call: Any,
) -> Any:
    """Call until it ends, repeating what may pass by itself."""
    cause: BaseException | None = None

    def told(state: tenacity.RetryCallState) -> None:
        nonlocal cause
        cause = state.outcome.exception() if state.outcome else None
        LOG.info("Step %s is repeated: %s", row.name, cause)
        _record(work, row, message=f"repeated: {cause}")
        ctx.forget_scene()

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TRANSIENT),
        wait=tenacity.wait_exponential(0.5, max=15),
        stop=lambda state: ctx.is_late,
        before_sleep=told,
        sleep=lambda seconds: _pause(ctx, seconds),
        reraise=True,
    )
    try:
        return retrying(call, ctx)
    except exception.DeadlineExceeded as e:
        if cause is None:
            raise
        raise exception.DeadlineExceeded(
            f"{e.message} It was repeated: {cause}", **e.details
        ) from e


def _pause(ctx: context.StepContext, seconds: float) -> None:
    ctx.clock.wait(ctx.work.stopping, seconds)
    ctx.check_alive()


def _failed(
    work: context.Work,
    row: models.OperationStep,
    step: Any,
    error: exception.ProtectorError,
) -> exception.ProtectorError | None:
    late = isinstance(error, exception.DeadlineExceeded)
    status = c.StepStatus.TIMED_OUT if late else c.StepStatus.FAILED
    if step.optional:
        status = c.StepStatus.FAILED_IGNORED
    LOG.warning("Step %s %s: %s", row.name, status, error)
    _record(
        work,
        row,
        status=status,
        finished_at=work.runtime.clock.now(),
        error=error.as_dict(),
        message=error.message,
    )
    return None if step.optional or step.partial else error


def _internal(
    row: models.OperationStep, error: Exception
) -> exception.ProtectorError:
    return exception.ProtectorError(
        f"Step {row.name} failed unexpectedly ({type(error).__name__})."
    )


def _record(
    work: context.Work, row: models.OperationStep, **values: Any
) -> bool:
    """Whether it stands: what the user has skipped stays so."""
    for attempt in work.runtime.db.retrying(outage=True):
        with attempt, work.runtime.db.writer() as session:
            stands = operations.set_step(
                session,
                work.runtime.clock.now(),
                work.lease.token,
                row.ordinal,
                **values,
            )
    if not stands:
        values = {"status": c.StepStatus.SKIPPED}
    for key, value in values.items():
        setattr(row, key, value)
    return stands
