# SPDX-License-Identifier: Apache-2.0
"""Runs one operation: plans it, runs what is ready, records each step.

The only caller of steps.  What a step means, and what the workflow is, is
not its business.
"""

import collections
from collections.abc import Iterable, Sequence
from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging
from sqlalchemy import orm
import tenacity

from protector import constants as c
from protector import context as request_context
from protector import exception
from protector.db import models
from protector.db import session as sessions
from protector.db.api import operations, operations_leases
from protector.engine import (
    arrival,
    context,
    leases,
    outcome,
    polls,
    source_lock,
    stepping,
    steps,
    workflows,
)

LOG = logging.getLogger(__name__)
AWAY_SECONDS = 20.0


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
        try:
            self._resuming(held)(self._run, held, operation_id)
        except exception.LeaseLost as e:
            LOG.warning("Operation %s is left: %s", operation_id, e)
        finally:
            self._keeper.drop(held)
        return True

    def _resuming(self, held: leases.HeldLease) -> tenacity.Retrying:
        """The database was away for a moment: go on under the same lease,
        at the first step that is not recorded, as an adopter would."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(sessions.is_passing),
            wait=tenacity.wait_random_exponential(0.05, 2),
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(AWAY_SECONDS),
                lambda state: not held.stands,
            ),
            sleep=lambda s: self._runtime.clock.wait(self._stopping, s),
            reraise=True,
        )

    def _run(self, held: leases.HeldLease, operation_id: str) -> None:
        work = context.Work(
            self._runtime, held, self._polls, self._site_id, self._stopping
        )
        try:
            operation = self._prepare(work)
        except exception.LeaseLost:
            raise
        except Exception as e:
            if sessions.is_passing(e):
                raise
            outcome.unprepared(work, operation_id, e)
            return
        LOG.info(
            "Operation %s (%s) runs, generation %d",
            operation.id,
            operation.kind,
            work.lease.token.generation,
        )
        self._drive(work, operation)

    def _prepare(self, work: context.Work) -> models.Operation:
        """Read the operation; on its first run make its steps; sweep what
        another run left on an array."""
        with self._runtime.db.writer() as session:
            operation = operations_leases.owned(session, work.lease.token)
            request_context.enter_operation(operation.id, operation.request_id)
            if not operation.steps:
                rows = workflows.plan_rows(session, self._runtime, operation)
                operations.add_steps(session, operation, rows)
            self._reset_running(operation)
            list(operation.steps)
        if operation.data.get("staged"):
            arrival.sweep(self._context(work, operation))
        return operation

    @staticmethod
    def _reset_running(operation: models.Operation) -> None:
        # what a dead engine was doing is done again from its start
        for row in operation.steps:
            if row.status == c.StepStatus.RUNNING:
                row.status = c.StepStatus.PENDING

    def _drive(self, work: context.Work, operation: models.Operation) -> None:
        refused = outcome.superseded(work, operation)
        if refused is not None:
            outcome.mark_compensating(work, operation, refused)
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
        ended.

        :raises LeaseLost: the engine goes down, or another owns it.
        """
        running: dict[futures.Future[Any], models.OperationStep] = {}
        error: exception.ProtectorError | None = None
        limit = self._runtime.conf.engine.member_parallelism
        # one more for what runs beside and may hang
        with futures.ThreadPoolExecutor(limit + 1) as pool:
            while True:
                error = error or outcome.cancel_error(work)
                if error is None and not self._stopping.is_set():
                    for row in _ready(operation.steps, running.values()):
                        future = pool.submit(
                            stepping.run_step, work, operation, row
                        )
                        running[future] = row
                if not running:
                    break
                done, _ = futures.wait(
                    running, timeout=1, return_when=futures.FIRST_COMPLETED
                )
                for future in done:
                    row = running.pop(future)
                    error = future.result() or error
                    if error is None and steps.STEPS[row.name].replan:
                        self._replan(work, operation, row.ordinal)
        if self._stopping.is_set() and error is None:
            self._check_ended(operation)
        return error or _first_failure(operation.steps)

    @staticmethod
    def _check_ended(operation: models.Operation) -> None:
        if any(r.status == c.StepStatus.PENDING for r in operation.steps):
            raise exception.LeaseLost("The engine goes down.")

    def _replan(
        self, work: context.Work, operation: models.Operation, done: int
    ) -> None:
        """Plan what comes after a step anew, from the group as it is."""
        with self._runtime.db.writer() as session:
            row = operations_leases.owned(session, work.lease.token)
            planned = workflows.plan_rows(session, self._runtime, row)
            _keep_skipped(row.steps, planned)
            row.steps = [s for s in row.steps if s.ordinal <= done]
            session.flush()
            operations.add_steps(
                session, row, [p for p in planned if p["ordinal"] > done]
            )
            # those that are under way go on with the rows they have
            known = {s.ordinal: s for s in operation.steps}
            fresh = [
                known[s.ordinal] if s.ordinal <= done else s for s in row.steps
            ]
        orm.attributes.set_committed_value(operation, "steps", fresh)

    # -- backward

    def _backward(
        self, work: context.Work, operation: models.Operation
    ) -> None:
        """Undo what the steps did, last first; then the operation ends."""
        for row in reversed(operation.steps):
            if not row.attempt:
                continue
            problem = stepping.undo_step(work, operation, row)
            if problem is not None:
                work.problems.append(problem)
        outcome.compensated(work, operation, work.problems)


def _keep_skipped(
    rows: Sequence[models.OperationStep], planned: list[dict[str, Any]]
) -> None:
    """What the user wants not stays so in another plan."""
    before = _places((row.name, row.member_id) for row in rows)
    skipped = {
        place
        for place, row in zip(before, rows, strict=True)
        if row.status == c.StepStatus.SKIPPED
    }
    after = _places((p["name"], p["member_id"]) for p in planned)
    for place, values in zip(after, planned, strict=True):
        if place in skipped:
            values["status"] = c.StepStatus.SKIPPED


def _places(keys: Iterable[tuple[str, str | None]]) -> list[Any]:
    """Each with how many of its like are before it."""
    seen: collections.Counter[Any] = collections.Counter()
    found = []
    for key in keys:
        found.append((*key, seen[key]))
        seen[key] += 1
    return found


def _ready(
    rows: Sequence[models.OperationStep],
    running: Iterable[models.OperationStep],
) -> list[models.OperationStep]:
    """Steps that may start: pending, and all before them passed."""
    passed = {row.ordinal for row in rows if _passed(row)}
    busy = {row.ordinal for row in running}
    return [
        row
        for row in rows
        if row.status == c.StepStatus.PENDING
        and row.ordinal not in busy
        and passed.issuperset(row.after)
    ]


def _passed(row: models.OperationStep) -> bool:
    failed = row.status in (c.StepStatus.FAILED, c.StepStatus.TIMED_OUT)
    return row.status in c.STEP_SETTLED or (
        failed and steps.STEPS[row.name].partial
    )


def _first_failure(
    rows: Sequence[models.OperationStep],
) -> exception.ProtectorError | None:
    """The error of a step that failed beside the others, or before."""
    for row in rows:
        if row.status not in c.STEP_SETTLED:
            return exception.from_dict(
                row.error
                or exception.UnexpectedState(
                    f"Step {row.name} did not run."
                ).as_dict()
            )
    return None
