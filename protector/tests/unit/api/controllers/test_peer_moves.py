# SPDX-License-Identifier: Apache-2.0
"""The source's part of a planned move, and forwarded verbs, over HTTP."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations, protection_groups, source_locks
from protector.tests.unit.api.controllers import test_peer


class MovesTest(test_peer.PeerTest):
    def setUp(self) -> None:
        super().setUp()
        self.engine.finishes = False
        self.group_id = self.site.group()
        self.operation_id = str(uuid.uuid4())

    def lock(self, **values: Any) -> Any:
        body = {
            "operation_id": self.operation_id,
            "epoch_held": 1,
            "span_seconds": 60,
            **values,
        }
        return self.peer("POST", f"/groups/{self.group_id}/lock", body)

    def unlock(self) -> Any:
        path = f"/groups/{self.group_id}/unlock"
        body = {"operation_id": self.operation_id}
        return self.peer("POST", path, body)

    def waiting(self, verb: str, member_id: str) -> str:
        ends = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
            "args": {"member_id": member_id},
        }
        now = self.served.runtime.clock.now()
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            return operations.accept(session, now, group, verb, ends).id


class LockTest(MovesTest):
    def test_it_takes_the_slot_and_is_renewed(self) -> None:
        shown = self.ok(self.lock())
        self.assertEqual(1, shown["epoch"])
        row = self.group_row(self.group_id)
        self.assertEqual("failing_over", row.status)
        self.assertEqual(self.operation_id, row.operation_id)
        self.ok(self.lock())

    def test_another_does_not_get_it(self) -> None:
        self.ok(self.lock())
        answer = self.lock(operation_id=str(uuid.uuid4()))
        self.refused(answer, 409, "LockLost")

    def test_the_epoch_must_be_the_same(self) -> None:
        answer = self.lock(epoch_held=2)
        error = self.refused(answer, 409, "StaleDocument")
        self.assertEqual(1, error["details"]["epoch"])

    def test_only_the_current_primary_has_it(self) -> None:
        self.set_group(
            self.group_id, current_primary_site_id=self.site.peer_id
        )
        self.refused(self.lock(), 409, "NotPrimarySite")

    def test_waiting_changes_end_and_a_running_one_is_awaited(self) -> None:
        member_id = self.site.member(self.group_id)
        waiting = self.waiting("member_add", member_id)
        running = str(uuid.uuid4())
        self.set_group(self.group_id, operation_id=running)
        error = self.refused(self.lock(), 409, "InvalidStatus")
        self.assertEqual(running, error["details"]["operation_id"])
        with self.db.reader() as session:
            ended = operations.get(session, waiting)
            self.assertEqual("cancelled", ended.status)
            self.assertEqual("Superseded", ended.error["reason"])
            member = session.get(models.Member, member_id)
            self.assertEqual("error", member.status)
        self.set_group(self.group_id, operation_id=None)
        self.ok(self.lock())

    def test_unlock(self) -> None:
        self.ok(self.lock())
        self.ok(self.unlock(), 204)
        row = self.group_row(self.group_id)
        self.assertEqual(("active", None), (row.status, row.operation_id))
        self.ok(self.unlock(), 204)

    def test_a_released_lock_stays(self) -> None:
        self.ok(self.lock())
        with self.db.writer() as session:
            source_locks.release(session, self.group_id, self.operation_id, 2)
        self.refused(self.unlock(), 409, "LockLost")
        self.refused(self.lock(), 409, "LockLost")

    def test_the_engine_releases(self) -> None:
        triple = {"epoch": 1, "version": 4, "checksum": "a" * 64}
        self.engine.answers["release"] = triple
        path = f"/groups/{self.group_id}/release"
        body = {"operation_id": self.operation_id, "epoch": 2}
        self.assertEqual(triple, self.ok(self.peer("POST", path, body)))
        self.engine.refusals["release"] = exception.LockLost("Expired.")
        self.refused(self.peer("POST", path, body), 409, "LockLost")


class ForwardedTest(MovesTest):
    def setUp(self) -> None:
        super().setUp()
        self.site.member(self.group_id)
        # this site is to become primary again
        self.set_group(
            self.group_id,
            status=c.GroupStatus.FAILED_OVER,
            current_primary_site_id=self.site.peer_id,
        )

    def forward(self, verb: str = "failback", **values: Any) -> Any:
        body = {
            "operation_id": self.operation_id,
            "verb": verb,
            "args": {"type": "planned"},
            "user_id": "their-user",
            "request_id": "req-theirs",
            **values,
        }
        return self.peer("POST", f"/groups/{self.group_id}/action", body)

    def test_it_is_accepted_once(self) -> None:
        first = self.ok(self.forward(), 202)["operation"]
        again = self.ok(self.forward(), 202)["operation"]
        self.assertEqual(self.operation_id, first["id"])
        self.assertEqual(first, again)
        (row,) = self.all_operations()
        self.assertEqual("their-user", row.user_id)
        self.assertEqual("req-theirs", row.request_id)
        self.assertEqual(self.site.peer_id, row.origin_site_id)
        self.assertEqual(self.site.local_id, row.executor_site_id)

    def test_a_planned_move_takes_no_chosen_point(self) -> None:
        chosen = self.site.point(self.group_id)
        args = {"type": "planned", "recovery_point_id": chosen}
        self.refused(self.forward(args=args), 400, "BadRequest")
        self.assertEqual([], self.all_operations())

    def test_an_operation_of_another_group_is_not_told(self) -> None:
        self.ok(self.forward(), 202)
        self.group_id = self.site.group()
        self.refused(self.forward(), 400, "BadRequest")

    def test_only_what_is_executed_here(self) -> None:
        self.refused(self.forward("failover"), 400, "BadRequest")
        answer = self.forward(args={"type": "unplanned"})
        self.refused(answer, 400, "BadRequest")

    def test_the_engine_is_asked(self) -> None:
        self.engine.refusals["precheck"] = exception.InvalidStatus("Empty.")
        self.refused(self.forward(), 409, "InvalidStatus")

    def test_cancel_and_retry(self) -> None:
        self.ok(self.forward(), 202)
        told = self.ok(self.forward("cancel", args={}), 202)["operation"]
        self.assertTrue(told["cancelling"])
        answer = self.forward("retry", args={})
        self.refused(answer, 409, "InvalidStatus")
        self.refused(self.forward("skip", args={}), 400, "BadRequest")

    def test_an_unknown_operation(self) -> None:
        self.refused(self.forward("cancel", args={}), 404, "NotFound")
