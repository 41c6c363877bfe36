# SPDX-License-Identifier: Apache-2.0
"""A runner with workflows and steps that a test makes up."""

import threading
from typing import Any

import fixtures

from protector.db.api import operations, operations_actions
from protector.engine import leases, runner, step
from protector.engine.step import Step
from protector.tests import base
from protector.tests.fixtures import site_runtime


class RunnerCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.site = self.useFixture(
            site_runtime.SiteRuntime(
                lease_seconds=3, call_margin=0, poll_interval=0.05
            )
        )
        self.runtime = self.site.runtime
        self.stopping = threading.Event()
        self.done: list[str] = []
        self.undone: list[str] = []
        self.group_id = self.site.group()

    def engine(self, name: str) -> runner.Runner:
        keeper = leases.LeaseKeeper(self.runtime, name, self.site.local_id)
        keeper.start()
        self.addCleanup(keeper.stop)
        return runner.Runner(
            self.runtime, self.site.local_id, keeper, self.stopping
        )

    def make(self, name: str, run: Any = None, **kwargs: Any) -> Step:
        def plain(ctx: Any) -> None:
            self.done.append(name)

        def undo(ctx: Any) -> None:
            self.undone.append(name)

        return Step(name, run or plain, undo=undo, **kwargs)

    def workflow(
        self, workflow: step.Workflow, *given: Step, verb: str = "failover"
    ) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.engine.steps.STEPS", {s.name: s for s in given}
            )
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.engine.workflows.WORKFLOWS", {verb: workflow}
            )
        )

    def accept(self, verb: str = "failover") -> str:
        with self.runtime.db.writer() as session:
            group = operations.protection_groups.lock(session, self.group_id)
            row = operations.accept(
                session,
                site_runtime.NOW,
                group,
                verb,
                {
                    "origin_site_id": self.site.local_id,
                    "executor_site_id": self.site.local_id,
                    "source_site_id": self.site.local_id,
                    "target_site_id": self.site.peer_id,
                },
            )
            return row.id

    def skip(self, operation_id: str, name: str) -> None:
        """Skip the step of that name, as a user does."""
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            step_id = next(s.id for s in row.steps if s.name == name)
            now = self.runtime.clock.now()
            operations_actions.skip(session, now, row, step_id)

    def row(self, operation_id: str) -> Any:
        with self.runtime.db.reader() as session:
            row = operations.get(session, operation_id)
            list(row.steps)
            return row

    def status(self) -> str:
        with self.runtime.db.reader() as session:
            return operations.protection_groups.get(
                session, self.group_id
            ).status
