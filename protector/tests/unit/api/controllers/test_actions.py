# SPDX-License-Identifier: Apache-2.0
"""The verbs on a group over HTTP: who executes, what is refused."""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.api.schemas import actions
from protector.db import models
from protector.db.api import (
    metadata_sync,
    mirrors,
    protection_groups,
    source_locks,
)
from protector.tests.unit.api import served

PLANNED = {"type": "planned"}
UNPLANNED = {"type": "unplanned"}
STEP = {
    "name": "placement.release",
    "member_id": None,
    "after": [],
    "weight": 1,
    "optional": False,
    "delay_seconds": None,
}
PLAN = {
    # a row, as the engine plans it
    "steps": [{**STEP, "ordinal": 0, "member_name": None}],
    "preflight": [
        {
            "code": "PeerUnreachable",
            "check": "peer",
            "severity": "error",
            "member": None,
            "message": "It is away.",
            "fix": "Bring it back.",
        }
    ],
    "predicted_seconds": 12.5,
}


class ActionTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.engine.finishes = False
        self.group_id = self.site.group()
        self.site.member(self.group_id)
        self.site.configure(self.group_id)
        self.path = f"/protection-groups/{self.group_id}/action"

    def act(self, **body: Any) -> Any:
        return self.tenant("POST", self.path, body)

    def failed_over(self) -> None:
        self.set_group(
            self.group_id,
            status=c.GroupStatus.FAILED_OVER,
            current_primary_site_id=self.site.peer_id,
        )

    def told(self, action: Any, **kwargs: Any) -> Any:
        """The other site's answer: it accepted the operation."""
        return {
            "operation": {
                "id": action["operation_id"],
                "protection_group_id": self.group_id,
                "kind": action["verb"],
                "type": "planned",
                "status": "pending",
                "executor_site_id": self.site.peer_id,
                "created_at": "2026-11-24T09:00:00.5+00:00",
                "steps": [
                    {"name": "fence", "status": "done", "weight": 1},
                    {"name": "stop", "status": "running", "weight": 3},
                ],
            }
        }

    def test_replicate_is_done_here(self) -> None:
        answer = self.act(replicate={})
        shown = self.ok(answer, 202)["operation"]
        self.assertEqual("replicate", shown["kind"])
        self.assertEqual(["cancel"], shown["allowed_actions"])
        self.assertEqual(self.site.local_id, shown["executor_site_id"])

    def test_a_failover_is_executed_by_the_other_site(self) -> None:
        self.engine.answers["forward"] = self.told
        shown = self.ok(self.act(failover=PLANNED), 202)["operation"]
        (asked,) = self.engine.called("forward")
        self.assertEqual(PLANNED, asked["action"]["args"])
        self.assertEqual("u-1", asked["action"]["user_id"])
        self.assertTrue(asked["action"]["request_id"].startswith("req-"))
        self.assertEqual(self.site.peer_id, shown["executor_site_id"])
        self.assertEqual(
            ["fence", "stop"], [s["name"] for s in shown["steps"]]
        )
        self.assertEqual(1, shown["steps_completed"])
        row = self.group_row(self.group_id)
        self.assertEqual(shown["id"], row.last_operation_id)
        # the slot is taken by the lock of the other site, not by this
        self.assertIsNone(row.operation_id)

    def test_a_failback_is_executed_here(self) -> None:
        self.failed_over()
        answer = self.act(failback=PLANNED)
        shown = self.ok(answer, 202)["operation"]
        self.assertEqual(self.site.peer_id, shown["source_site_id"])
        self.assertEqual(self.site.local_id, shown["target_site_id"])
        row = self.group_row(self.group_id)
        self.assertEqual("failing_back", row.status)
        self.assertEqual(shown["id"], row.operation_id)

    def test_a_dead_peer_gets_no_operation(self) -> None:
        self.engine.refusals["forward"] = served.unreachable()
        answer = self.act(failover=PLANNED)
        self.refused(answer, 503, "PeerUnreachable")
        self.assertEqual([], self.all_operations())

    def test_the_wrong_name_of_the_right_verb(self) -> None:
        error = self.refused(self.act(failback=PLANNED), 409, "InvalidStatus")
        self.assertIn("use failover", error["message"])

    def test_a_dry_run_changes_nothing(self) -> None:
        self.engine.answers["plan"] = PLAN
        for body in (
            {"failover": PLANNED, "dry_run": True},
            {"failover": {**PLANNED, "dry_run": True}},
        ):
            shown = self.ok(self.act(**body))
            step = {**STEP, "member": None, "point_of_no_return": True}
            self.assertEqual({"dry_run": {**PLAN, "steps": [step]}}, shown)
        self.assertEqual([], self.all_operations())

    def test_a_dry_run_is_refused_as_the_run_is(self) -> None:
        busy = str(uuid.uuid4())
        for values, verb, args in (
            ({}, "failback", PLANNED),
            ({"status": c.GroupStatus.FAILED_OVER}, "failover", PLANNED),
            ({"status": c.GroupStatus.DELETING}, "replicate", {}),
            ({"operation_id": busy}, "reprotect", {}),
            (
                {"current_primary_site_id": self.site.peer_id},
                "replicate",
                {},
            ),
        ):
            self.set_group(self.group_id, **values)
            run, dry = (
                self.act(**{verb: args}, **more).json()["error"]
                for more in ({}, {"dry_run": True})
            )
            for error in (run, dry):
                del error["request_id"]
            self.assertEqual((409, run), (run["code"], dry))
        self.assertEqual([], self.engine.called("plan"))

    def test_what_is_in_the_way_of_a_move_is_planned_with(self) -> None:
        """The run is refused for it; the dry run tells all of it."""
        self.engine.answers["plan"] = PLAN
        with self.db.writer() as session:
            session.query(models.Member).delete()
        self.refused(self.act(failover=PLANNED), 409, "InvalidStatus")
        self.ok(self.act(failover=PLANNED, dry_run=True))
        self.assertEqual(1, len(self.engine.called("plan")))

    def test_what_the_engine_refuses_a_dry_run_refuses(self) -> None:
        self.engine.refusals["plan"] = served.unreachable()
        answer = self.act(failover=PLANNED, dry_run=True)
        self.refused(answer, 503, "PeerUnreachable")

    def test_an_unplanned_move_is_not_forwarded(self) -> None:
        answer = self.act(failover=UNPLANNED)
        error = self.refused(answer, 409, "NotPrimarySite")
        self.assertEqual("site-b", error["details"]["site"])
        self.assertEqual(self.site.peer_id, error["details"]["site_id"])
        self.assertEqual([], self.engine.called("forward"))

    def test_where_it_runs_there_is_nothing_to_take(self) -> None:
        error = self.refused(
            self.act(failback=UNPLANNED), 409, "InvalidStatus"
        )
        self.assertIn("runs at site-a already", error["message"])

    def test_what_was_released_is_taken_back(self) -> None:
        self.settle()
        with self.db.writer() as session:
            operation_id = str(uuid.uuid4())
            source_locks.take(
                session, self.group_id, operation_id, self.site.peer_id, 60
            )
            source_locks.release(session, self.group_id, operation_id, 2)
        shown = self.ok(self.act(failback=UNPLANNED), 202)["operation"]
        self.assertEqual(self.site.local_id, shown["target_site_id"])
        self.assertEqual(3, self.group_row(self.group_id).epoch)
        # the engine ends it as one that ran out
        with self.db.reader() as session:
            ran_out = source_locks.expired(session)
        self.assertEqual(
            [self.group_id], [x.protection_group_id for x in ran_out]
        )

    def test_an_unplanned_move_takes_over_what_runs(self) -> None:
        self.failed_over()
        self.settle()
        old = self.ok(self.act(failback=PLANNED), 202)["operation"]
        args = {**UNPLANNED, "recovery_point": "parked", "confirm": True}
        shown = self.ok(self.act(failback=args), 202)["operation"]
        self.assertEqual("unplanned", shown["type"])
        # accepted is past the point of no return
        self.assertEqual([], shown["allowed_actions"])
        asked = self.engine.called("precheck")[-1]
        self.assertEqual(
            {**UNPLANNED, "recovery_point_id": "parked", "confirm": True},
            asked["args"],
        )
        row = self.group_row(self.group_id)
        self.assertEqual((shown["id"], 3), (row.operation_id, row.epoch))
        with self.db.reader() as session:
            ended = session.get(models.Operation, old["id"])
        self.assertEqual("cancelled", ended.status)

    def test_the_engines_refusal_ends_nothing(self) -> None:
        self.failed_over()
        self.settle()
        old = self.ok(self.act(failback=PLANNED), 202)["operation"]
        self.engine.refusals["precheck"] = exception.ConfirmationRequired(
            "It answers."
        )
        self.refused(self.act(failback=UNPLANNED), 409, "ConfirmationRequired")
        row = self.group_row(self.group_id)
        self.assertEqual((old["id"], 1), (row.operation_id, row.epoch))

    def settle(self) -> None:
        """A document of the group is here."""
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            now = self.served.runtime.clock.now()
            metadata_sync.settle(session, group, self.site.peer_id, now)
            triple = metadata_sync.triple(
                metadata_sync.find(session, self.group_id)
            )
            metadata_sync.confirm(session, self.group_id, triple, now)

    def test_an_unknown_verb_is_told_those_that_are(self) -> None:
        for body in (
            {"rehearse": {}},
            {"failover": PLANNED, "failback": PLANNED},
            {"dry_run": True},
        ):
            error = self.refused(self.act(**body), 400, "BadRequest")
            self.assertEqual(
                list(actions.VERBS),
                error["details"]["available"],
            )

    def test_bad_arguments(self) -> None:
        for args in (
            None,
            {},
            {"type": "soon"},
            {"type": "planned", "recovery_point": "newest"},
            {"type": "planned", "confirm": "yes"},
            {"type": "planned", "more": 1},
        ):
            self.refused(self.act(failover=args), 400, "BadRequest")

    def test_a_planned_move_takes_no_chosen_point(self) -> None:
        """It would not be honoured: the last one is made by the move."""
        self.failed_over()
        for point in (self.site.point(self.group_id), "parked"):
            for dry_run in (False, True):
                answer = self.act(
                    failback={**PLANNED, "recovery_point": point},
                    dry_run=dry_run,
                )
                error = self.refused(answer, 400, "BadRequest")
                self.assertEqual("recovery_point", error["details"]["field"])
        self.assertEqual([], self.all_operations())

    def test_a_busy_group(self) -> None:
        self.set_group(self.group_id, operation_id=self.site.peer_id)
        error = self.refused(self.act(replicate={}), 409, "InvalidStatus")
        self.assertEqual(self.site.peer_id, error["details"]["operation_id"])

    def test_a_mirror_never_overwrites_what_runs_here(self) -> None:
        self.failed_over()
        shown = self.ok(self.act(failback=PLANNED), 202)["operation"]
        with self.db.writer() as session:
            row = mirrors.upsert(
                session,
                self.served.runtime.clock.now(),
                {
                    **shown,
                    "status": "failed",
                    "executor_site_id": self.site.peer_id,
                },
                self.site.local_id,
            )
            self.assertEqual("pending", row.status)
