# SPDX-License-Identifier: Apache-2.0
"""Runs one operation: plans it, runs what is ready, records each step.

The only caller of steps.  What a step means, and what the workflow is, is
not its business.
"""

from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import context as request_context
from protector import exception
from protector.db import models
from protector.db.api import operations, operations_leases
from protector.engine import (
    arrival,
    context,
    leases,
    outcome,
    polls,
    source_lock,
    stepping,
    workflows,
)

LOG = logging.getLogger(__name__)


class Runner:
    """Shared by all operations of an engine process.

    :param keeper: where leases are taken and given back.
    """

    def __init__(
        self,
        runtime: Any,
        site_id: str,
        keeper: leases.LeaseKeeper,
        stopping: threading.Event,
    ) -> None:
        self._runtime = runtime
        self._stopping = stopping
        self._site_id = site_id
        self._keeper = keeper
        self._polls = polls.Polls(runtime)

    def run(self, operation_id: str) -> bool:
        """Claim the operation and bring it to its end; whether it was ours
        to run."""
        held = self._keeper.take(operation_id)
        if held is None:
            return False
        work = context.Work(
            self._runtime, held, self._polls, self._site_id, self._stopping
        )
        try:
            operation = self._prepare(work)
            request_context.enter_operation(operation.id, operation.request_id)
            LOG.info(
                "Operation %s (%s) runs, generation %d",
                operation.id,
                operation.kind,
                held.token.generation,
            )
            self._drive(work, operation)
        except exception.LeaseLost:
            LOG.warning("Operation %s is another engine's now", operation_id)
        finally:
            self._keeper.drop(held)
        return True

    def _prepare(self, work: context.Work) -> models.Operation:
        """Read the operation; on its first run make its steps."""
        with self._runtime.db.writer() as session:
            operation = operations_leases.owned(session, work.lease.token)
            if not operation.steps:
                rows = workflows.plan_rows(session, self._runtime, operation)
                operations.add_steps(session, operation, rows)
            self._reset_running(operation)
            list(operation.steps)
            return operation

    @staticmethod
    def _reset_running(operation: models.Operation) -> None:
        # what a dead engine was doing is done again from its start
        for row in operation.steps:
            if row.status == c.StepStatus.RUNNING:
                row.status = c.StepStatus.PENDING

    def _drive(self, work: context.Work, operation: models.Operation) -> None:
        if operation.data.get("staged"):
            arrival.sweep(self._context(work, operation))
        with source_lock.renewed(work, operation):
            if operation.data.get("compensating"):
                self._backward(work, operation)
                return
            error = self._forward(work, operation)
            if error is None:
                outcome.completed(work, operation)
            elif outcome.must_compensate(work, operation):
                outcome.mark_compensating(work, operation, error)
                self._backward(work, operation)
            else:
                outcome.failed(work, operation, error)

    def _context(
        self, work: context.Work, operation: models.Operation
    ) -> context.StepContext:
        seconds = self._runtime.conf.engine.step_timeout
        deadline = self._runtime.clock.monotonic() + seconds
        return context.StepContext(work, operation, None, deadline)

    # -- forward

    def _forward(
        self, work: context.Work, operation: models.Operation
    ) -> exception.ProtectorError | None:
        """Run all steps; the first failure, after what ran beside it has
        ended."""
        rows = {row.ordinal: row for row in operation.steps}
        running: dict[futures.Future[Any], int] = {}
        error: exception.ProtectorError | None = None
        limit = self._runtime.conf.engine.member_parallelism
        with futures.ThreadPoolExecutor(limit) as pool:
            while True:
                if error is None:
                    error = outcome.cancel_error(work)
                if error is None:
                    for ordinal in _ready(rows, set(running.values())):
                        future = pool.submit(
                            stepping.run_step, work, operation, rows[ordinal]
                        )
                        running[future] = ordinal
                if not running:
                    return error or _first_failure(rows)
                done, _ = futures.wait(
                    running, timeout=1, return_when=futures.FIRST_COMPLETED
                )
                for future in done:
                    running.pop(future)
                    error = future.result() or error

    # -- backward

    def _backward(
        self, work: context.Work, operation: models.Operation
    ) -> None:
        """Undo what the steps did, last first; then the operation ends."""
        problems = [
            problem
            for row in reversed(operation.steps)
            if row.attempt
            for problem in [stepping.undo_step(work, operation, row)]
            if problem is not None
        ]
        outcome.compensated(work, operation, problems)


def held_before(work: context.Work, operation: models.Operation) -> bool:
    """Whether another run may have left staging volumes on an array."""
    return (
        operation.kind in c.PLACEMENT_VERBS and work.lease.token.generation > 1
    )


def _ready(
    rows: dict[int, models.OperationStep], running: set[int]
) -> list[int]:
    """Steps that may start: pending, and all before them settled."""
    return [
        ordinal
        for ordinal, row in rows.items()
        if row.status == c.StepStatus.PENDING
        and ordinal not in running
        and all(rows[n].status in c.STEP_SETTLED for n in row.after)
    ]


def _first_failure(
    rows: dict[int, models.OperationStep],
) -> exception.ProtectorError | None:
    """The error of a step that failed in an earlier run, if any."""
    for row in rows.values():
        if row.status not in c.STEP_SETTLED:
            return exception.from_dict(
                row.error
                or exception.UnexpectedState(
                    f"Step {row.name} did not run."
                ).as_dict()
            )
    return None
