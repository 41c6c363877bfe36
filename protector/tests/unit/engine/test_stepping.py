# SPDX-License-Identifier: Apache-2.0
"""Steps that the user skips: before their turn, while they run, for a
retry."""

from typing import Any

from protector import exception
from protector.db.api import operations, operations_actions
from protector.engine.step import One, Step
from protector.tests.unit.engine import runner_case


class SkipTest(runner_case.RunnerCase):
    def statuses(self, operation_id: str) -> dict[str, str]:
        return {s.name: s.status for s in self.row(operation_id).steps}

    def test_a_step_that_was_skipped_before_its_turn_does_not_run(
        self,
    ) -> None:
        def a(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")

        self.workflow(
            (One("a"), One("soft"), One("b")),
            self.make("a", a),
            self.make("soft", optional=True),
            self.make("b"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["b"], self.done)
        row = self.row(operation_id)
        self.assertEqual(("completed", "warnings"), (row.status, row.outcome))
        self.assertEqual("skipped", row.steps[1].status)
        self.assertEqual(
            [("soft", "skipped on request")],
            [(w["step"], w["message"]) for w in row.result["warnings"]],
        )

    def test_a_step_that_is_skipped_is_waited_for_no_longer(self) -> None:
        def look(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")
            while True:
                ctx.pause(0.01)

        def ill(ctx: Any) -> None:
            self.done.append("asked")
            self.skip(ctx.operation.id, "soft")
            raise exception.CloudUnavailable("Nova: 503")

        for soft, done in ((look, []), (ill, ["asked"])):
            self.done.clear()
            self.workflow(
                (One("soft"), One("b")),
                self.make("soft", soft, optional=True),
                self.make("b"),
            )
            operation_id = self.accept()
            self.engine("one").run(operation_id)
            self.assertEqual([*done, "b"], self.done)
            self.assertEqual(
                {"soft": "skipped", "b": "done"}, self.statuses(operation_id)
            )

    def test_what_was_skipped_stays_so_however_it_ended(self) -> None:
        def well(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")

        def bad(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")
            raise exception.UnexpectedState("no")

        for soft in (well, bad):
            self.workflow(
                (One("soft"),), self.make("soft", soft, optional=True)
            )
            operation_id = self.accept()
            self.engine("one").run(operation_id)
            self.assertEqual({"soft": "skipped"}, self.statuses(operation_id))

    def test_what_was_skipped_stays_so_in_another_plan(self) -> None:
        def join(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")

        self.workflow(
            (One("join"), One("soft"), One("end")),
            self.make("join", join, replan=True),
            self.make("soft", optional=True),
            self.make("end"),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["end"], self.done)
        self.assertEqual("skipped", self.statuses(operation_id)["soft"])

    def test_what_was_skipped_while_it_ran_is_undone(self) -> None:
        def soft(ctx: Any) -> None:
            self.skip(ctx.operation.id, "soft")
            ctx.check_alive()

        def undo(ctx: Any) -> None:
            ctx.check_alive()
            self.undone.append("soft")

        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("soft"), One("bad")),
            Step("soft", soft, undo=undo, optional=True),
            self.make("bad", fail),
        )
        operation_id = self.accept()
        self.engine("one").run(operation_id)
        self.assertEqual(["bad", "soft"], self.undone)

    def test_after_a_failure_an_optional_step_is_skipped_for_the_retry(
        self,
    ) -> None:
        answers = iter([exception.UnexpectedState("no"), None])

        def go(ctx: Any) -> None:
            with ctx.write() as session:
                operations.pass_no_return(session, ctx.work.lease.token)
            error = next(answers)
            if error:
                raise error

        self.workflow(
            (One("go"), One("soft"), One("b")),
            self.make("go", go),
            self.make("soft", optional=True),
            self.make("b"),
        )
        operation_id = self.accept()
        engine = self.engine("one")
        engine.run(operation_id)
        self.skip(operation_id, "soft")
        self.assertEqual("failed", self.row(operation_id).status)
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            operations_actions.retry(session, row)
        engine.run(operation_id)
        self.assertEqual(["b"], self.done)
        self.assertEqual("completed", self.row(operation_id).status)

    def test_what_is_being_brought_back_skips_nothing(self) -> None:
        refused: list[str] = []

        def undo(ctx: Any) -> None:
            refused.append(
                str(
                    self.assertRaises(
                        exception.InvalidStatus,
                        self.skip,
                        ctx.operation.id,
                        "soft",
                    )
                )
            )

        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("bad"), One("soft")),
            Step("bad", fail, undo=undo),
            self.make("soft", optional=True),
        )
        self.engine("one").run(self.accept())
        self.assertEqual(1, len(refused))
        self.assertIn("soft is pending", refused[0])
