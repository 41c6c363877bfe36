# SPDX-License-Identifier: Apache-2.0
"""Health over HTTP: of the service, and of a group."""

import datetime
import uuid

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import protection_groups
from protector.tests.unit.api import served


class ServiceTest(served.ApiTest):
    def test_all_is_well(self) -> None:
        shown = self.ok(self.admin("GET", "/health"))["health"]
        self.assertTrue(shown["ok"])
        self.assertEqual("controller1", shown["engines"][0]["host"])
        self.assertEqual(2, len(shown["sites"]))

    def test_a_dead_engine_shows(self) -> None:
        self.engine.refusals["ping"] = exception.EngineUnreachable("None.")
        shown = self.ok(self.admin("GET", "/health"))["health"]
        self.assertFalse(shown["ok"])
        self.assertEqual([], shown["engines"])

    def test_only_administrators(self) -> None:
        answer = self.ask("GET", "/v1/health")
        self.refused(answer, 403, "PolicyForbidden")


class GroupTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.site.member(self.group_id)
        self.path = f"/protection-groups/{self.group_id}"

    def observe(self, ok: bool = True) -> None:
        now = self.served.runtime.clock.now()
        with self.db.writer() as session:
            group = protection_groups.get(session, self.group_id)
            for kind in (*list(c.Condition)[:5], c.Condition.FAILOVER_READY):
                protection_groups.set_condition(
                    group, kind, ok, "Observed", "As it is.", now
                )
            group.last_replication_at = now

    def point(self, epoch: int = 1, complete: bool = True) -> str:
        now = self.served.runtime.clock.now()
        point_id = str(uuid.uuid4())
        with self.db.writer() as session:
            session.add(
                models.RecoveryPoint(
                    id=point_id,
                    protection_group_id=self.group_id,
                    name=point_id,
                    source_site_id=self.site.local_id,
                    target_site_id=self.site.peer_id,
                    epoch=epoch,
                    created_at=now - datetime.timedelta(minutes=1),
                    completed_at=now if complete else None,
                    progress=1.0 if complete else 0.5,
                    bytes=7,
                    members=[],
                )
            )
        return point_id

    def health(self) -> dict:
        answer = self.tenant("GET", f"{self.path}/health")
        return self.ok(answer)["health"]

    def test_ready(self) -> None:
        self.observe()
        self.point()
        shown = self.health()
        self.assertTrue(shown["failover_ready"])
        self.assertEqual("connected", shown["link"])
        self.assertEqual([], shown["findings"])
        self.assertTrue(shown["rpo_compliant"])

    def test_ready_is_what_the_condition_says(self) -> None:
        """The engine decides, the API shows: the two cannot differ."""
        self.observe()
        self.point()
        now = self.served.runtime.clock.now()
        with self.db.writer() as session:
            protection_groups.set_condition(
                protection_groups.get(session, self.group_id),
                c.Condition.FAILOVER_READY,
                False,
                "MembersNotProtected",
                "Not protected yet: web.",
                now,
            )
        shown = self.health()
        self.assertFalse(shown["failover_ready"])
        listed = {row["type"]: row["status"] for row in shown["conditions"]}
        self.assertIs(False, listed["FailoverReady"])

    def test_what_was_never_looked_at_is_not_ready(self) -> None:
        self.point()
        self.assertFalse(self.health()["failover_ready"])

    def test_findings_are_those_of_the_last_preflight(self) -> None:
        """A condition is no finding: each fact is told once."""
        self.observe(ok=False)
        shown = self.health()
        self.assertEqual([], shown["findings"])
        self.assertIsNone(shown["findings_at"])
        self.assertIsNone(shown["findings_age_seconds"])
        found = {
            "code": "QuotaShort",
            "check": "volumes",
            "severity": "error",
            "member": None,
            "message": "Quota volumes: 1 of 1 is used.",
            "fix": "Raise it.",
        }
        now = self.served.runtime.clock.now()
        at = now - datetime.timedelta(minutes=2)
        told = {"at": at.isoformat(), "findings": [found]}
        self.set_group(self.group_id, findings=told)
        shown = self.health()
        self.assertEqual([found], shown["findings"])
        self.assertEqual(times.iso(at), shown["findings_at"])
        self.assertIn(shown["findings_age_seconds"] - 120, range(30))

    def test_points_say_whether_they_may_be_chosen(self) -> None:
        good = self.point()
        old = self.point(epoch=2)
        half = self.point(complete=False)
        path = f"{self.path}/recovery-points"
        listed = self.ok(self.tenant("GET", path))["recovery_points"]
        shown = {p["id"]: p for p in listed}
        self.assertTrue(shown[good]["eligible"])
        self.assertIn("epoch", shown[old]["ineligible_reason"])
        self.assertFalse(shown[half]["complete"])
        self.assertEqual("site-a -> site-b", shown[good]["direction"])
