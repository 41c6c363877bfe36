# SPDX-License-Identifier: Apache-2.0
"""The runner: order, side by side, failure, undo, adoption, leases."""

import threading
from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db.api import operations, operations_actions
from protector.engine import leases, runner, step, steps, workflows
from protector.engine.step import Each, One, Step
from protector.tests import base
from protector.tests.fixtures import site_runtime
from protector.tests.fixtures import told as told_fixture
from protector.tests.unit.engine import runner_case


class RunnerTest(runner_case.RunnerCase):
    def test_runs_in_order_and_gives_the_slot_back(self) -> None:
        self.workflow((One("a"), One("b")), self.make("a"), self.make("b"))
        operation_id = self.accept()
        self.assertEqual("failing_over", self.status())
        self.assertTrue(self.engine("one").run(operation_id))
        self.assertEqual(["a", "b"], self.done)
        row = self.row(operation_id)
        self.assertEqual(
            ("completed", "success", 100),
            (row.status, row.outcome, row.progress),
        )
        with self.runtime.db.reader() as session:
            group = operations.protection_groups.get(session, self.group_id)
            self.assertIsNone(group.operation_id)

    def test_members_run_side_by_side(self) -> None:
        for name in ("web", "app", "db"):
            self.site.member(self.group_id, name)
        together = threading.Barrier(3)

        def meet(ctx: Any) -> None:
            together.wait(10)
            self.done.append(ctx.member.instance_name)

        self.workflow(
            (Each(("meet",)), One("end")),
            self.make("meet", meet),
            self.make("end"),
        )
        self.engine("one").run(self.accept())
        self.assertEqual({"web", "app", "db"}, set(self.done[:3]))
        self.assertEqual("end", self.done[3])

    def test_a_deadline_tells_why_the_step_was_repeated(self) -> None:
        def ill(ctx: Any) -> None:
            if not self.done:
                self.done.append("asked")
                raise exception.CloudUnavailable("Cinder: 503")
            raise exception.DeadlineExceeded("Too late.", key="volume")

        self.workflow((One("a"),), self.make("a", ill))
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        (row,) = self.row(operation_id).steps
        self.assertEqual("timed_out", row.status)
        self.assertIn("Cinder: 503", row.error["message"])
        self.assertEqual({"key": "volume"}, row.error["details"])

    def test_failure_brings_back_what_was_done_last_first(self) -> None:
        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("a"), One("b"), One("bad"), One("never")),
            self.make("a"),
            self.make("b"),
            self.make("bad", fail),
            self.make("never"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["a", "b"], self.done)
        self.assertEqual(["bad", "b", "a"], self.undone)
        row = self.row(operation_id)
        self.assertEqual("failed", row.status)
        self.assertEqual("UnexpectedState", row.error["reason"])
        self.assertEqual("active", self.status())

    def test_past_no_return_nothing_is_undone(self) -> None:
        def go(ctx: Any) -> None:
            with ctx.write() as session:
                operations.pass_no_return(session, ctx.work.lease.token)

        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("go"), One("bad")),
            self.make("go", go),
            self.make("bad", fail),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual([], self.undone)
        self.assertEqual("error", self.status())
        self.assertEqual("failed", self.row(operation_id).status)

    def test_retry_runs_only_what_failed(self) -> None:
        answers = iter([exception.UnexpectedState("no"), None])

        def go(ctx: Any) -> None:
            with ctx.write() as session:
                operations.pass_no_return(session, ctx.work.lease.token)
            self.done.append("go")

        def flaky(ctx: Any) -> None:
            error = next(answers)
            if error:
                raise error
            self.done.append("flaky")

        self.workflow(
            (One("go"), One("flaky")),
            self.make("go", go),
            self.make("flaky", flaky),
        )
        operation_id = self.accept()
        engine = self.engine("one")
        engine.run(operation_id)
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            group = operations.protection_groups.lock(session, self.group_id)
            operations_actions.reopen(session, row, group)
        self.assertTrue(engine.run(operation_id))
        self.assertEqual(["go", "flaky"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_optional_step_makes_a_warning(self) -> None:
        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("soft"), One("b")),
            self.make("soft", fail, optional=True),
            self.make("b"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        row = self.row(operation_id)
        self.assertEqual(("completed", "warnings"), (row.status, row.outcome))
        self.assertEqual(["b"], self.done)

    def test_others_are_told_of_its_start_and_its_end_or_error(self) -> None:
        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        told = self.useFixture(told_fixture.Told(self.runtime))
        for run, priority, phase in (
            (None, "INFO", "end"),
            (fail, "ERROR", "error"),
        ):
            told.sent.clear()
            self.workflow((One("a"),), self.make("a", run))
            operation_id = self.accept()
            self.engine("one").run(operation_id)
            self.assertEqual(
                [
                    ("INFO", "protection_group.failover.start", "running"),
                    (
                        priority,
                        f"protection_group.failover.{phase}",
                        self.row(operation_id).status,
                    ),
                ],
                [(p, kind, it["status"]) for p, kind, it in told.flushed()],
            )

    def test_transient_failure_is_repeated(self) -> None:
        answers = iter([exception.CloudUnavailable("away"), None])

        def flaky(ctx: Any) -> None:
            error = next(answers)
            if error:
                raise error
            self.done.append("flaky")

        self.workflow((One("flaky"),), self.make("flaky", flaky))
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["flaky"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_two_engines_never_share_an_operation(self) -> None:
        inside, leave = threading.Event(), threading.Event()

        def hold(ctx: Any) -> None:
            inside.set()
            leave.wait(20)

        self.workflow((One("hold"),), self.make("hold", hold))
        operation_id = self.accept()
        first, second = self.engine("one"), self.engine("two")
        thread = threading.Thread(target=first.run, args=(operation_id,))
        thread.start()
        self.assertTrue(inside.wait(10))
        self.assertFalse(second.run(operation_id))
        leave.set()
        thread.join(20)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_adopter_goes_on_at_the_first_step_that_is_not_done(self) -> None:
        """The first engine stands still inside its second step; it loses
        the lease, and what it still tries to write is refused."""
        inside, leave = threading.Event(), threading.Event()
        runs: list[int] = []

        def once(ctx: Any) -> None:
            generation = ctx.work.lease.token.generation
            runs.append(generation)
            if generation == 1:
                inside.set()
                leave.wait(20)
                ctx.guard()

        self.workflow(
            (One("a"), One("once"), One("b")),
            self.make("a"),
            self.make("once", once),
            self.make("b"),
            verb="update",
        )
        operation_id = self.accept("update")
        dead = leases.LeaseKeeper(
            self.runtime, "dead", self.site.local_id
        )  # never started: nobody renews
        first = runner.Runner(
            self.runtime, self.site.local_id, dead, self.stopping
        )
        thread = threading.Thread(target=first.run, args=(operation_id,))
        thread.start()
        self.assertTrue(inside.wait(10))
        second = self.engine("two")
        deadline = self.runtime.clock.monotonic() + 20
        while not second.run(operation_id):
            self.assertLess(self.runtime.clock.monotonic(), deadline)
            self.stopping.wait(0.1)
        leave.set()
        thread.join(20)
        self.assertEqual([1, 2], runs)
        self.assertEqual(["a", "b"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_cancel_undoes(self) -> None:
        def cancel(ctx: Any) -> None:
            with self.runtime.db.writer() as session:
                row = operations.get(session, ctx.operation.id)
                self.assertTrue(operations.request_cancel(session, row))

        self.workflow(
            (One("a"), One("cancel"), One("never")),
            self.make("a"),
            self.make("cancel", cancel),
            self.make("never"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["a"], self.done)
        self.assertEqual(["cancel", "a"], self.undone)
        self.assertEqual("cancelled", self.row(operation_id).status)
        self.assertEqual("active", self.status())

    def test_queued_changes_take_turns(self) -> None:
        self.workflow((One("a"),), self.make("a"), verb=c.Verb.MEMBER_REMOVE)
        member_id = self.site.member(self.group_id)
        ids = []
        with self.runtime.db.writer() as session:
            group = operations.protection_groups.lock(session, self.group_id)
            for second in range(2):
                row = operations.accept(
                    session,
                    site_runtime.NOW.replace(second=second),
                    group,
                    c.Verb.MEMBER_REMOVE,
                    {
                        "args": {"member_id": member_id},
                        "origin_site_id": self.site.local_id,
                        "executor_site_id": self.site.local_id,
                        "source_site_id": self.site.local_id,
                        "target_site_id": self.site.peer_id,
                    },
                )
                ids.append(row.id)
        engine = self.engine("one")
        self.assertFalse(engine.run(ids[1]))
        self.assertTrue(engine.run(ids[0]))
        self.assertTrue(engine.run(ids[1]))

    def test_what_a_member_fails_at_does_not_stop_the_others(self) -> None:
        for name in ("web", "db"):
            self.site.member(self.group_id, name)
        broken = ["web"]

        def go(ctx: Any) -> None:
            with ctx.write() as session:
                operations.pass_no_return(session, ctx.work.lease.token)

        def start(ctx: Any) -> None:
            if ctx.member.instance_name in broken:
                raise exception.UnexpectedState("no host")
            self.done.append(ctx.member.instance_name)

        self.workflow(
            (One("go"), Each(("start",)), One("after")),
            self.make("go", go),
            self.make("start", start, partial=True),
            self.make("after"),
        )
        operation_id = self.accept()
        engine = self.engine("one")
        engine.run(operation_id)
        self.assertEqual(["db", "after"], self.done)
        self.assertEqual("failed", self.row(operation_id).status)
        broken.clear()
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            group = operations.protection_groups.lock(session, self.group_id)
            operations_actions.reopen(session, row, group)
        self.assertTrue(engine.run(operation_id))
        self.assertEqual(["db", "after", "web", "after"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_the_plan_follows_what_a_step_waited_for(self) -> None:
        def join(ctx: Any) -> None:
            self.site.member(self.group_id, "late")

        def move(ctx: Any) -> None:
            self.done.append(ctx.member.instance_name)

        self.workflow(
            (One("join"), Each(("move",)), One("end")),
            self.make("join", join, replan=True),
            self.make("move", move),
            self.make("end"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["late", "end"], self.done)

    def test_what_runs_beside_goes_on_when_the_rest_is_planned_anew(
        self,
    ) -> None:
        joined = threading.Event()

        def fence(ctx: Any) -> None:
            self.assertTrue(joined.wait(20))
            self.done.append("fence")

        def end(ctx: Any) -> None:
            self.done.append("end")
            joined.set()

        self.workflow(
            (One("fence", beside=True), One("join"), One("end")),
            self.make("fence", fence),
            self.make("join", replan=True),
            self.make("end", end),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["join", "end", "fence"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_an_operation_that_was_taken_over_stops_at_once(self) -> None:
        begun = threading.Event()

        def poll(ctx: Any) -> None:
            begun.set()
            while True:
                ctx.pause(0.01)

        self.workflow(
            (One("a"), One("b")), self.make("a", poll), self.make("b")
        )
        operation_id = self.accept()
        engine = self.engine("one")
        thread = threading.Thread(target=engine.run, args=[operation_id])
        thread.start()
        self.assertTrue(begun.wait(20))
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            row.generation += 1
            row.status = c.OperationStatus.CANCELLED
        thread.join(20)
        self.assertFalse(thread.is_alive())
        row = self.row(operation_id)
        # neither undone nor ended a second time, and its worker says so
        self.assertEqual([], self.undone)
        self.assertEqual(("cancelled", None), (row.status, row.worker))

    def test_an_engine_that_goes_down_gives_its_operation_back(self) -> None:
        def stop(ctx: Any) -> None:
            self.done.append("stop")
            self.stopping.set()

        self.workflow(
            (One("stop"), One("b")), self.make("stop", stop), self.make("b")
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["stop"], self.done)
        self.stopping.clear()
        self.assertTrue(self.engine("two").run(operation_id))
        self.assertEqual(["stop", "b"], self.done)

    def test_a_change_whose_group_moved_is_ended(self) -> None:
        self.workflow((One("a"),), self.make("a"), verb=c.Verb.MEMBER_REMOVE)
        member_id = self.site.member(self.group_id)
        with self.runtime.db.writer() as session:
            group = operations.protection_groups.lock(session, self.group_id)
            row = operations.accept(
                session,
                site_runtime.NOW,
                group,
                c.Verb.MEMBER_REMOVE,
                {
                    "args": {"member_id": member_id},
                    "origin_site_id": self.site.local_id,
                    "executor_site_id": self.site.local_id,
                    "source_site_id": self.site.local_id,
                    "target_site_id": self.site.peer_id,
                },
            )
            group.current_primary_site_id = self.site.peer_id
            group.status = c.GroupStatus.FAILED_OVER
            operation_id = row.id
        self.engine("one").run(operation_id)
        self.assertEqual([], self.done)
        row = self.row(operation_id)
        self.assertEqual(
            ("cancelled", "Superseded"), (row.status, row.error["reason"])
        )


class PlanTest(base.TestCase):
    def test_tiers_wait_for_each_other(self) -> None:
        given = {
            n: Step(n, lambda ctx: None) for n in ("first", "boot", "last")
        }
        rows = step.plan(
            (One("first"), Each(("boot",), tiers="last"), One("last")),
            [
                step.Subject(str(uuid.uuid4()), "db", 0),
                step.Subject(str(uuid.uuid4()), "web", 1),
            ],
            given,
        )
        self.assertEqual([[], [0], [1], [1, 2]], [r["after"] for r in rows])

    def test_every_workflow_names_known_steps(self) -> None:
        subject = step.Subject("m", "web")
        for workflow in workflows.WORKFLOWS.values():
            rows = step.plan(workflow, [subject], steps.STEPS)
            self.assertEqual([], rows[0]["after"])
