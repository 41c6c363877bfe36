# SPDX-License-Identifier: Apache-2.0
"""Operations over HTTP: what they show, retry, skip, cancel."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import mirrors, operations, protection_groups
from protector.tests.unit.api import served


class OperationsTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.engine.finishes = False
        self.group_id = self.site.group()

    def made(self, verb: str = "replicate", **values: Any) -> str:
        """An operation of this site with three steps; its id."""
        ends = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
        }
        now = self.served.runtime.clock.now()
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            row = operations.accept(session, now, group, verb, ends)
            rows = [
                {
                    "ordinal": n,
                    "name": f"step-{n}",
                    "after": [],
                    "weight": 1,
                    "optional": n == 2,
                }
                for n in range(3)
            ]
            operations.add_steps(session, row, rows)
            for name, value in values.items():
                setattr(row, name, value)
            return row.id

    def fail(self, operation_id: str, ordinal: int) -> str:
        """End it with a failed step; the step's id."""
        now = self.served.runtime.clock.now()
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            row.started_at = now
            row.steps[0].status = c.StepStatus.DONE
            row.steps[ordinal].status = c.StepStatus.FAILED
            error = exception.DeadlineExceeded("The array was slow.")
            operations.finish(
                session,
                now,
                row,
                c.OperationStatus.FAILED,
                error=error.as_dict(),
            )
            return row.steps[ordinal].id

    def show(self, operation_id: str) -> Any:
        answer = self.tenant("GET", f"/operations/{operation_id}")
        return self.ok(answer)["operation"]

    def act(self, operation_id: str, **body: Any) -> Any:
        path = f"/operations/{operation_id}/action"
        return self.tenant("POST", path, body)

    def test_it_shows_its_steps(self) -> None:
        operation_id = self.made()
        answer = self.tenant("GET", f"/operations/{operation_id}")
        shown = self.ok(answer)["operation"]
        self.assertEqual("2", answer.headers["Retry-After"])
        self.assertEqual(3, len(shown["steps"]))
        self.assertIsNone(shown["remaining_seconds"])
        self.assertEqual(["skip", "cancel"], shown["allowed_actions"])

    def test_a_failed_one_says_why_and_what_next(self) -> None:
        operation_id = self.made()
        self.fail(operation_id, 1)
        shown = self.show(operation_id)
        self.assertEqual("DeadlineExceeded", shown["error"]["reason"])
        self.assertIn("retry the operation", shown["error"]["remedy"])
        self.assertEqual(
            (1, 1), (shown["steps_completed"], shown["steps_failed"])
        )
        self.assertEqual(["retry", "skip"], shown["allowed_actions"])

    def test_retry(self) -> None:
        operation_id = self.made()
        self.fail(operation_id, 1)
        shown = self.ok(self.act(operation_id, retry={}), 202)["operation"]
        self.assertEqual("pending", shown["status"])
        self.assertEqual("pending", shown["steps"][1]["status"])
        self.until(lambda: self.engine.called("start"))
        rung = self.engine.called("start")
        self.assertEqual([{"operation_id": operation_id}], rung)
        answer = self.act(operation_id, retry={})
        self.refused(answer, 409, "InvalidStatus")

    def test_a_move_of_an_epoch_that_is_over(self) -> None:
        """It is not offered what would be refused, here or at the site that
        does not run it."""
        operation_id = self.made()
        self.fail(operation_id, 1)
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            row.kind, row.data = "failover", {"epoch": 2}
        self.assertIn("retry", self.show(operation_id)["allowed_actions"])
        self.set_group(self.group_id, epoch=3)
        error = self.refused(
            self.act(operation_id, retry={}), 409, "InvalidStatus"
        )
        self.assertEqual([False] * 3, self.skippable(operation_id))
        step_id = self.step(operation_id, 2)
        skipped = self.act(operation_id, skip={"step_id": step_id})
        told = self.refused(skipped, 409, "InvalidStatus")
        self.assertEqual(error["message"], told["message"])
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            row.data, row.result = {}, {"epoch": 2}
            steps = mirrors.describe(row)["steps"]
        self.made(
            kind="failover",
            status="failed",
            executor_site_id=self.site.peer_id,
            data={"epoch": 2},
            mirrored_steps=[step | {"skippable": True} for step in steps],
        )
        listed = self.ok(self.tenant("GET", "/operations"))["operations"]
        for shown in (self.show(operation_id), *listed):
            self.assertEqual([False] * 3, self.skippable(shown["id"]))
            self.assertNotIn("retry", shown["allowed_actions"])
            told = shown["refused_actions"]["retry"]
            self.assertEqual("InvalidStatus", told["reason"])
            why = error["message"].replace(operation_id, shown["id"])
            self.assertIn(why, told["message"])
            self.assertIn("anew", told["message"])

    def test_what_put_the_group_in_error_is_tried_again(self) -> None:
        for verb, status in (("create", "creating"), ("delete", "deleting")):
            self.group_id = self.site.group()
            operation_id = self.made()
            with self.db.writer() as session:
                operations.get(session, operation_id).kind = verb
            self.fail(operation_id, 1)
            self.set_group(self.group_id, status="error", error_verb=verb)
            self.ok(self.act(operation_id, retry={}), 202)
            row = self.group_row(self.group_id)
            self.assertEqual(
                (status, operation_id), (row.status, row.operation_id)
            )

    def skippable(self, operation_id: str) -> list[bool]:
        """Of the steps; the operation says the same."""
        shown = self.show(operation_id)
        found = [step["skippable"] for step in shown["steps"]]
        self.assertEqual(any(found), "skip" in shown["allowed_actions"])
        return found

    def step(self, operation_id: str, ordinal: int, **values: Any) -> str:
        """The id of a step, which is set so."""
        with self.db.writer() as session:
            row = operations.get(session, operation_id).steps[ordinal]
            for name, value in values.items():
                setattr(row, name, value)
            return row.id

    def test_an_optional_step_that_has_not_ended_is_skipped(self) -> None:
        for status in ("pending", "running"):
            self.group_id = self.site.group()
            operation_id = self.made(status="running")
            step_id = self.step(operation_id, 2, status=status)
            self.assertEqual(
                [False, False, True], self.skippable(operation_id)
            )
            answer = self.act(operation_id, skip={"step_id": step_id})
            shown = self.ok(answer, 202)["operation"]
            self.assertEqual("skipped", shown["steps"][2]["status"])
            self.assertIsNotNone(shown["steps"][2]["finished_at"])
            self.assertEqual("running", shown["status"])
            self.assertEqual(33, shown["progress"])
            self.assertEqual([False] * 3, self.skippable(operation_id))

    def test_after_a_failure_what_a_retry_would_run_is_skipped(self) -> None:
        operation_id = self.made(no_return=True)
        self.fail(operation_id, 1)
        step_id = self.step(operation_id, 2)
        self.assertEqual([False, False, True], self.skippable(operation_id))
        answer = self.act(operation_id, skip={"step_id": step_id})
        shown = self.ok(answer, 202)["operation"]
        self.assertEqual("failed", shown["status"])
        shown = self.ok(self.act(operation_id, retry={}), 202)["operation"]
        self.assertEqual(
            ["done", "pending", "skipped"],
            [step["status"] for step in shown["steps"]],
        )

    def test_the_other_site_tells_what_can_be_skipped(self) -> None:
        operation_id = self.made(status="running")
        with self.db.reader() as session:
            row = operations.get(session, operation_id)
            told = mirrors.describe(row)["steps"]
        self.group_id = self.site.group()
        mirror_id = self.made(
            status="running",
            executor_site_id=self.site.peer_id,
            mirrored_steps=told,
        )
        self.assertEqual([False, False, True], self.skippable(mirror_id))

    def test_what_cannot_be_skipped(self) -> None:
        operation_id = self.made(status="running")
        unknown = {"step_id": str(uuid.uuid4())}
        answer = self.act(operation_id, skip=unknown)
        self.refused(answer, 400, "InvalidReference")
        needed = self.step(operation_id, 1)
        optional = self.step(operation_id, 2, status="failed_ignored")
        self.assertEqual([False] * 3, self.skippable(operation_id))
        for step_id, name, remedy in (
            (needed, "step-1 is pending", "cancel the operation"),
            (optional, "step-2 is failed_ignored", "Show the operation"),
        ):
            answer = self.act(operation_id, skip={"step_id": step_id})
            error = self.refused(answer, 409, "InvalidStatus")
            self.assertIn(name, error["message"])
            self.assertIn(remedy, error["message"])
        for values in ({"cancelling": True}, {"data": {"compensating": {}}}):
            self.group_id = self.site.group()
            operation_id = self.made(status="running", **values)
            self.assertEqual([False] * 3, self.skippable(operation_id))

    def test_cancel(self) -> None:
        operation_id = self.made()
        shown = self.ok(self.act(operation_id, cancel={}), 202)["operation"]
        self.assertEqual([], shown["allowed_actions"])
        with self.db.reader() as session:
            self.assertTrue(operations.get(session, operation_id).cancelling)

    def test_no_cancel_past_the_point_of_no_return(self) -> None:
        operation_id = self.made(no_return=True)
        answer = self.act(operation_id, cancel={})
        error = self.refused(answer, 409, "InvalidStatus")
        self.assertIn("point of no return", error["message"])

    def test_bad_actions(self) -> None:
        operation_id = self.made()
        for body in ({}, {"retry": {}, "cancel": {}}, {"pause": {}}):
            answer = self.act(operation_id, **body)
            self.refused(answer, 400, "BadRequest")

    def test_a_reader_only_looks(self) -> None:
        operation_id = self.made()
        path = f"/operations/{operation_id}"
        self.ok(self.tenant("GET", path, roles="reader"))
        answer = self.tenant(
            "POST", f"{path}/action", {"cancel": {}}, roles="reader"
        )
        self.refused(answer, 403, "PolicyForbidden")

    def test_the_other_site_acts_on_its_own(self) -> None:
        operation_id = self.made(executor_site_id=self.site.peer_id)

        def told(action: Any, **kwargs: Any) -> Any:
            return {
                "id": operation_id,
                "protection_group_id": self.group_id,
                "kind": "replicate",
                "status": "cancelled",
                "executor_site_id": self.site.peer_id,
            }

        self.engine.answers["forward"] = told
        shown = self.ok(self.act(operation_id, cancel={}), 202)["operation"]
        self.assertEqual("cancelled", shown["status"])
        (asked,) = self.engine.called("forward")
        self.assertEqual("cancel", asked["action"]["verb"])

    def test_lists_are_newest_first_and_filtered(self) -> None:
        first = self.made("member_add")
        second = self.made("member_add")
        path = "/operations?kind=member_add"
        listed = self.ok(self.tenant("GET", path))["operations"]
        self.assertEqual([second, first], [o["id"] for o in listed])
        other = self.site.group()
        path = f"/operations?protection_group_id={other}"
        self.assertEqual([], self.ok(self.tenant("GET", path))["operations"])
        elsewhere = self.tenant("GET", "/operations", project="p-other")
        self.assertEqual([], self.ok(elsewhere)["operations"])

    def test_another_project_sees_none(self) -> None:
        path = f"/operations/{self.made()}"
        answer = self.tenant("GET", path, project="p-other")
        self.refused(answer, 404, "NotFound")

    def test_retried_additions_protect_again(self) -> None:
        member_id = self.site.member(self.group_id)
        operation_id = self.made("member_add", args={"member_id": member_id})
        self.fail(operation_id, 1)
        with self.db.writer() as session:
            session.get(models.Member, member_id).status = "error"
        self.ok(self.act(operation_id, retry={}), 202)
        with self.db.reader() as session:
            row = session.get(models.Member, member_id)
            self.assertEqual("protecting", row.status)
