# SPDX-License-Identifier: Apache-2.0
"""What users do to a move that is under way, or that some members did not
survive: cancel, skip and retry, by the content of all volumes."""

from collections.abc import Callable
from typing import Any

from openstack import exceptions as errors

from protector import constants as c
from protector import exception
from protector.db import models
from protector.sandbox import evidence, workload
from protector.tests.failure import bed, mortal, tour

SERVERS = (
    workload.Plan("web-server-1", "web", 2),
    workload.Plan("app-server-1", "app", 1),
)
CANCELLED_AT = (
    "replication.warm",
    "servers.stop",
    "replication.final",
    "volumes.overwrite",
    "volumes.unstage",
)
"""Steps of a planned move before its point of no return."""


class Act(mortal.Plan):
    """When a step begins something is done, once.

    :param member: whose step it is, if each has one.
    """

    def __init__(
        self, step: str, act: Callable[[], Any], member: str | None = None
    ) -> None:
        self.step, self._member, self._act = step, member, act
        self.done = False

    def begin(self, step: str) -> None:
        _, member = mortal.step_here()
        if step == self.step and self._member in (None, member):
            if not self.done:
                self.done = True
                self._act()

    def cases(self, workflow: str) -> list[list[str]]:
        return [[workflow, self.step]] if self.done else []


class UsersActTest(tour.Tour):
    MATRIX = "user's act"

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(SERVERS))

    def plan(self, name: str) -> mortal.Plan:
        return mortal.Plan()

    def setUp(self) -> None:
        super().setUp()
        self.protect()
        self.write(self.a)

    def running_id(self) -> str:
        """Of the operation that has the group."""
        group = self.b.get_protection_group(self.group_id)
        return str(group.last_operation_id)

    def fail_over(self, plan: Act) -> models.Operation:
        self.kind = plan.step
        ended = self.attempt(
            self.b,
            "failover",
            lambda: self.b.run_protection_group(
                self.group_id, "failover", type="planned"
            ),
            "failover",
            plan,
        )
        self.expect("the step was reached", plan.done)
        return ended

    def test_cancel(self) -> None:
        """Before the point of no return the servers run again where they
        were, and what was made is gone; then it is too late."""
        calm = self.inventory()
        for step in CANCELLED_AT:
            plan = Act(
                step, lambda: self.b.cancel_operation(self.running_id())
            )
            ended = self.fail_over(plan)
            said = bed.described(ended)
            self.expect("cancelled", ended.status == "cancelled", said)
            self.expect_content(self.a)
            self.expect_unchanged(calm)
            self.expect_in_sync()
        refused: list[int] = []

        def late() -> None:
            try:
                self.b.cancel_operation(self.running_id())
            except errors.HttpException as e:
                refused.append(e.status_code)

        ended = self.fail_over(Act("servers.start", late))
        self.expect("too late", refused == [409], refused)
        self.expect("completes", ended.status == "completed")
        self.expect_content(self.b)

    def test_one_member_fails(self) -> None:
        """The other one runs; the group says whom it lacks, and a retry
        brings that one up."""
        first, second = self.a.members(self.group_id)

        def fail() -> None:
            raise exception.UnexpectedState("It was told to fail.")

        plan = Act("servers.start", fail, second.id)
        ended = self.fail_over(plan)
        told = {
            m["name"]: m["status"] for m in (ended.result or {})["members"]
        }
        wanted = {first.instance_name: "done", second.instance_name: "failed"}
        self.expect("each is told", told == wanted, told)
        self.expect("the first runs", self.status(first) == "ACTIVE")
        self.expect("partial", self.condition(self.b, c.Condition.PARTIAL))
        group = self.b.get_protection_group(self.group_id)
        self.expect("failed over", group.status == "failed_over", group.status)
        ended = self.retry(self.b, ended, mortal.Plan())
        said = bed.described(ended)
        self.expect("completes", ended.status == "completed", said)
        self.expect_content(self.b)
        self.until(
            "whole", lambda: not self.condition(self.b, c.Condition.PARTIAL)
        )

    def status(self, member: Any) -> str:
        """Of the member's server at the other site."""
        rows = {m.id: m for m in self.b.members(self.group_id)}
        server_id = rows[member.id].current_instance_id
        return evidence.server(self.bed.clients["site-b"], server_id).status

    def test_skip(self) -> None:
        """A step that may be left out is, and the way back is there."""

        def skip() -> None:
            found = self.b.get_operation(self.running_id())
            for row in found.steps:
                if row["name"] == "servers.park":
                    self.b.skip_operation_step(found.id, row["id"])

        ended = self.fail_over(Act("replication.final", skip))
        left = {s.name: s.status for s in ended.steps}
        self.expect("skipped", left["servers.park"] == "skipped", left)
        self.expect("completes", ended.status == "completed")
        self.expect("warnings", ended.outcome == "warnings", ended.outcome)
        self.expect_content(self.b)
        self.write(self.b)
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)
