# SPDX-License-Identifier: Apache-2.0
"""Health over HTTP: of the service, and of a group."""

from collections.abc import Callable
import datetime
import threading
import types
import uuid

import fixtures

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.tests.unit.api import served


class ServiceTest(served.ApiTest):
    def test_all_is_well(self) -> None:
        shown = self.ok(self.admin("GET", "/health"))["health"]
        self.assertTrue(shown["ok"])
        self.assertEqual("controller1", shown["engines"][0]["host"])
        self.assertEqual(2, len(shown["sites"]))

    def health(self) -> dict:
        return self.ok(self.admin("GET", "/health"))["health"]

    def test_a_dead_engine_is_not_a_dead_bus(self) -> None:
        for bus in (True, False):
            self.engine.refusals["ping"] = exception.EngineUnreachable(
                "None.", bus=bus
            )
            shown = self.health()
            self.assertFalse(shown["ok"])
            self.assertEqual([], shown["engines"])
            self.assertIs(bus, shown["bus"]["ok"])
            self.assertTrue(shown["database"]["ok"])

    def test_a_dead_database_is_an_answer(self) -> None:
        def dead() -> None:
            raise exception.ServiceUnavailable("The database is away.")

        self.use_database(dead)
        shown = self.health()
        self.assertFalse(shown["ok"])
        self.assertEqual("The database is away.", shown["database"]["message"])
        self.assertEqual([], shown["sites"])
        self.assertEqual("controller1", shown["engines"][0]["host"])

    def test_what_is_silent_does_not_hold_up_the_rest(self) -> None:
        released = threading.Event()
        self.addCleanup(released.set)

        def silent() -> None:
            released.wait()
            raise exception.ServiceUnavailable("Too late.")

        self.use_database(silent)
        module = "protector.api.controllers.health"
        self.useFixture(fixtures.MonkeyPatch(f"{module}.PATIENCE", 0.5))
        shown = self.health()
        self.assertFalse(shown["database"]["ok"])
        self.assertEqual("controller1", shown["engines"][0]["host"])

    def use_database(self, reader: Callable[[], object]) -> None:
        runtime = self.served.runtime
        stub = types.SimpleNamespace(reader=reader)
        self.addCleanup(setattr, runtime, "db", runtime.db)
        runtime.db = stub

    def test_arrays_are_as_an_engine_saw_them(self) -> None:
        conf = self.served.runtime.conf
        conf.set_override("arrays", ["array-a", "array-b"], "storage")
        at = "2026-11-24T03:11:10Z"
        seen = {"name": "array-a", "ok": True, "message": None}
        self.engine.answers["ping"] = {
            "host": "controller1",
            "arrays": [{**seen, "checked_at": at}],
        }
        shown = self.health()
        self.assertEqual({**seen, "checked_at": at}, shown["arrays"][0])
        self.assertIn("No engine", shown["arrays"][1]["message"])
        self.assertFalse(shown["ok"])

    def test_a_site_that_is_behind(self) -> None:
        for status in (c.SyncStatus.FAILED, c.SyncStatus.SYNCED):
            group_id = self.site.group()
            now = self.served.runtime.clock.now()
            with self.db.writer() as session:
                group = protection_groups.get(session, group_id)
                metadata_sync.settle(session, group, self.site.local_id, now)
                metadata_sync.find(session, group_id).remote_status = status
        here, there = self.health()["sites"]
        self.assertEqual(
            [0, 1], [s["groups_out_of_sync"] for s in (here, there)]
        )
        self.assertEqual([True, False], [here["ok"], there["ok"]])

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

    def point(
        self,
        epoch: int = 1,
        complete: bool = True,
        minutes: float = 0,
        rpo_seconds: int | None = None,
    ) -> str:
        """:param minutes: since it was complete; it took one."""
        ago = datetime.timedelta(minutes=minutes)
        now = self.served.runtime.clock.now() - ago
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
                    rpo_seconds=rpo_seconds,
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

    def test_the_age_is_that_of_what_arrived(self) -> None:
        self.observe()
        self.point(minutes=40)
        self.point(minutes=29.9)
        self.point(complete=False)
        shown = self.health()
        self.assertEqual(
            (1854, False), (shown["lag_seconds"], shown["rpo_compliant"])
        )

    def test_the_history_tells_what_was_reached(self) -> None:
        self.point(minutes=60)
        self.point(minutes=10, rpo_seconds=41 * 60)
        self.point(minutes=5, rpo_seconds=30 * 60)
        self.point(complete=False)
        wanted = [(None, None), (1800, True), (2460, False), (None, None)]
        listed = self.ok(self.tenant("GET", f"{self.path}/recovery-points"))
        for points in (
            self.health()["rpo_history"],
            listed["recovery_points"],
        ):
            self.assertEqual(
                wanted,
                [(p["rpo_seconds"], p["rpo_compliant"]) for p in points],
            )

    def test_every_day_since_the_first_is_told(self) -> None:
        self.assertEqual([], self.health()["rpo_days"])
        today = self.served.runtime.clock.now().date()
        days = [today - datetime.timedelta(days=n) for n in range(4)]
        values = {"bytes": 7, "slowest_seconds": 60}
        with self.db.writer() as session:
            session.add_all(
                models.RpoDay(
                    protection_group_id=self.group_id,
                    day=day,
                    transfers=3,
                    worst_seconds=2000,
                    breaches=1,
                    **values,
                )
                for day in (days[1], days[3])
            )
        shown = self.health()["rpo_days"]
        self.assertEqual(
            [d.isoformat() for d in days], [d["day"] for d in shown]
        )
        self.assertEqual([0, 3, 0, 3], [d["transfers"] for d in shown])
        self.assertEqual(
            values | {"worst_seconds": 2000, "breaches": 1},
            {k: shown[1][k] for k in (*values, "worst_seconds", "breaches")},
        )
        self.assertIsNone(shown[0]["worst_seconds"])

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
