# SPDX-License-Identifier: Apache-2.0
"""The verdict on an unplanned move: the only look before it is accepted."""

import dataclasses
import json
from typing import Any

from protector import constants as c
from protector import context, exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import dry_run, membership, precheck, preflight
from protector.engine.finding import Finding
from protector.tests.unit.engine import case, fake_cloud, fake_project, fakes

UNPLANNED = {"type": "unplanned"}
PARTS = ("undo_copy", "overwrite", "unstage")


class UnplannedTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.member_id = self.site.member(self.group_id)
        self.volume = self.volume_name(self.member_id, self.site.local_id)
        self.driver.points["here"] = [
            fakes.point("here", "e1-now", 1, [self.volume])
        ]
        self.findings: list[Finding] = []
        self.looked: list[tuple[str, ...]] = []
        self.patch(preflight, "check", self._look)

    def _look(
        self, ctx: Any, source: str, target: str, wanted: preflight.Intent
    ) -> list[Finding]:
        self.looked.append(wanted.checks)
        return self.findings

    def check(self, **args: Any) -> Any:
        return precheck.check(
            self.runtime,
            context.RequestContext(),
            c.Verb.FAILOVER,
            self.group_id,
            UNPLANNED | args,
        )

    def plan(self, **args: Any) -> Any:
        return dry_run.plan(
            self.runtime,
            context.RequestContext(),
            c.Verb.FAILOVER,
            self.group_id,
            UNPLANNED | args,
        )

    def reachable(self, status: bool | None) -> None:
        with self.runtime.db.writer() as session:
            protection_groups.set_condition(
                protection_groups.lock(session, self.group_id),
                c.Condition.PEER_REACHABLE,
                status,
                "",
                "",
                self.clock.now(),
            )

    def test_the_lost_site_is_not_asked(self) -> None:
        self.peer.errors["check"] = exception.PeerUnreachable("away")
        self.assertEqual({}, self.check())
        # and of all the checks only those that can stop it are made
        self.assertEqual([("split", "mappings")], self.looked)

    def test_a_source_that_looks_healthy_wants_a_confirmation(self) -> None:
        self.reachable(True)
        error = self.assertRaises(exception.ConfirmationRequired, self.check)
        self.assertIn("--confirm", error.remedy)
        self.assertIn("since the recovery point", error.message)
        self.check(confirm=True)
        for seen in (False, None):
            self.reachable(seen)
            self.check()

    def test_what_would_be_left_behind_without_a_point(self) -> None:
        """None is named where none is used."""
        self.reachable(True)
        self.park()
        for verb, args, word in (
            (
                c.Verb.FAILOVER,
                {"recovery_point_id": c.PARKED_POINT},
                "since what is parked was parked",
            ),
            (c.Verb.FAILBACK, {}, "has claimed"),
        ):
            error = self.assertRaises(
                exception.ConfirmationRequired,
                precheck.check,
                self.runtime,
                context.RequestContext(),
                verb,
                self.group_id,
                UNPLANNED | args,
            )
            self.assertIn(word, error.message)
            self.assertNotIn("recovery point", error.message)

    def test_what_is_older_than_a_point_wants_a_confirmation(self) -> None:
        self.park()
        wanted = {"recovery_point_id": c.PARKED_POINT}
        error = self.assertRaises(
            exception.ConfirmationRequired, self.check, **wanted
        )
        self.assertIn("e1-now", error.message)
        self.check(**wanted, confirm=True)
        self.driver.points.clear()
        self.check(**wanted)

    def park(self) -> None:
        with self.runtime.db.writer() as session:
            member = protection_groups.models.Member
            row = session.get(member, self.member_id)
            row.copy(self.site.peer_id).role = c.CopyRole.PARKED

    def test_what_was_released_needs_no_point_to_be_taken_back(self) -> None:
        self.driver.points["here"] = []
        precheck.check(
            self.runtime,
            context.RequestContext(),
            c.Verb.FAILBACK,
            self.group_id,
            UNPLANNED,
        )
        self.assertEqual([], self.looked)

    def test_what_may_stop_it(self) -> None:
        self.findings = [Finding("Split", "error", "Two histories.", "Look.")]
        error = self.assertRaises(exception.PreflightFailed, self.check)
        self.assertEqual("Two histories.", error.message)
        self.assertEqual("Look.", error.remedy)

    def test_there_must_be_a_point(self) -> None:
        self.driver.points.clear()
        self.assertRaises(exception.NoRecoveryPoint, self.check)

    def test_there_must_be_something_to_move(self) -> None:
        self.group_id = self.site.group()
        self.assertRaises(exception.InvalidStatus, self.check)

    def test_what_was_never_made_does_not_move(self) -> None:
        for status, verb in (
            ("creating", None),
            ("deleting", None),
            ("error", "create"),
            ("error", "delete"),
        ):
            self.set_group(status=status, error_verb=verb)
            self.assertRaises(exception.InvalidStatus, self.check)
        for status, verb in (
            ("failing_over", None),
            ("failing_back", None),
            ("error", "failover"),
        ):
            self.set_group(status=status, error_verb=verb)
            self.check()

    # -- the dry run

    def names(self, plan: Any) -> list[str]:
        self.assertEqual(plan, json.loads(json.dumps(plan)))
        return [row["name"] for row in plan["steps"]]

    def test_a_plan_needs_no_confirmation(self) -> None:
        self.reachable(True)
        names = self.names(self.plan())
        self.assertIn("volumes.overwrite", names)
        self.assertNotIn("placement.release", names)
        self.assertNotIn("peer.check", names)

    def test_only_a_synchronous_group_has_pods_to_gather_beside(self) -> None:
        self.assertNotIn("volumes.gather", self.names(self.plan()))
        self.set_group(replication_type=c.ReplicationType.SYNC)
        self.assertIn("volumes.gather", self.names(self.plan()))

    def test_nobody_waits_for_the_fence(self) -> None:
        rows = self.plan()["steps"]
        (fence,) = [r for r in rows if r["name"] == "servers.fence_lost"]
        waited = {i for r in rows for i in r["after"]}
        self.assertNotIn(fence["ordinal"], waited)

    def test_a_plan_leaves_out_whom_the_point_does_not_hold(self) -> None:
        self.site.member(self.group_id, "late")
        members = {r["member_name"] for r in self.plan()["steps"]}
        self.assertEqual({None, "web"}, members)

    def test_without_a_point_the_findings_tell(self) -> None:
        self.driver.points.clear()
        self.assertIn("servers.start", self.names(self.plan()))

    def test_parked_content_is_not_overwritten(self) -> None:
        self.park()
        names = self.names(self.plan(recovery_point_id="parked"))
        self.assertIn("servers.start", names)
        for part in PARTS:
            self.assertNotIn(f"volumes.{part}", names)

    def test_a_source_takes_back_what_was_only_claimed(self) -> None:
        self.reachable(True)
        self.compute()
        held = {"id": self.group_id, "claimed_epoch": 9}
        self.peer.held = [{**held, "epoch": 1}]
        self.assertEqual({}, self.back())
        self.peer.held = [{**held, "epoch": 9}]
        self.assertRaises(exception.NotPrimarySite, self.back)
        self.peer.errors["group"] = exception.PeerUnreachable("away")
        self.assertEqual({}, self.back())

    def test_a_source_takes_back_nothing_that_runs_there(self) -> None:
        self.reachable(True)
        rows = self.compute().rows
        self.peer.held = [
            {"id": self.group_id, "claimed_epoch": 9, "epoch": 1}
        ]
        marks = {membership.MEMBER_MARK: self.member_id}
        for status in ("ACTIVE", "BUILD", "PAUSED"):
            rows["s"] = fake_project.server(
                "s", name="web", metadata=marks, status=status
            )
            error = self.assertRaises(exception.NotPrimarySite, self.back)
            self.assertIn(f"is {status} at", error.message)
            self.assertEqual(self.site.peer_id, error.details["site_id"])
        rows["s"] = dataclasses.replace(rows["s"], status="SHUTOFF")
        self.assertEqual({}, self.back())
        rows["s"] = fake_project.server("s", name="web", metadata={})
        self.assertEqual({}, self.back())
        # it may be one that was there before
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.peer_id)
            session.get_one(models.MemberCopy, key).server_id = "s"
        self.assertRaises(exception.NotPrimarySite, self.back)

    def compute(self) -> fake_cloud.Compute:
        """What answers of the servers there."""
        clouds: Any = self.boundary.clouds
        clouds.compute = fake_cloud.Site("p-there").compute
        found: fake_cloud.Compute = clouds.compute
        return found

    def back(self) -> Any:
        """To where the group runs."""
        return precheck.check(
            self.runtime,
            context.RequestContext(),
            c.Verb.FAILBACK,
            self.group_id,
            {**UNPLANNED, "confirm": True},
        )
