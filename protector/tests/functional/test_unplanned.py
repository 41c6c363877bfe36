# SPDX-License-Identifier: Apache-2.0
"""Unplanned failover with a site that hangs, or is gone."""

import contextlib
import sqlite3
from typing import Any

import requests

from protector.sandbox import connect, disturb
from protector.tests.functional import plans, two_sites

WEB, APP, DB = "web-server-1", "app-server-1", "db-server-1"
# what a group is snapshot by, in both of the array's APIs
SNAPSHOT = "^POST .*(/pgroup|/protection-group-snapshots)"


class UnplannedTest(two_sites.TwoSites):
    def test_a_black_hole(self) -> None:
        group_id = self.protect("bad-day", (WEB, APP))
        self.write(group_id)
        self.replicate(group_id)
        expected = self.write(group_id)
        point = self.replicate(group_id)
        # lost: no point holds it
        self.write(group_id)
        self.freeze()
        planned = self.dry_run(group_id)
        ended = self.fail_over(group_id)
        self.assertEqual(plans.graph(planned), plans.graph(ended.steps))
        self.check_content(group_id, expected, (WEB, APP))
        group = self.b.get_protection_group(group_id)
        self.assertEqual("failed_over", group.status)
        self.assertEqual((2, 1), (group.epoch, group.failover_count))
        self.check_result(group_id, ended, point)

    def test_over_a_move_that_hangs_at_the_lost_array(self) -> None:
        """It does not wait for the engine's worker that hangs there."""
        group_id = self.protect("bad-day", (WEB,))
        expected = self.write(group_id)
        self.replicate(group_id)
        self.hang_array()
        move = self.b.run_protection_group(
            group_id, "failover", type="planned"
        )
        self.until(lambda: self.sends(move.id))
        hung = []

        def look(operation: Any) -> None:
            if not hung and _is_done(operation, "placement.take_over"):
                hung.append(self.has_worker(move.id))

        self.fail_over(group_id, look, confirm=True)
        self.assertEqual([True], hung)
        self.check_content(group_id, expected, (WEB,))

    def hang_array(self) -> None:
        """Whatever would change the array of site A gets no answer."""
        requests.put(
            f"{self.site_a.array_url}/control/faults",
            json=[{"match": SNAPSHOT, "hang": 60}],
            timeout=connect.TIMEOUT,
            verify=str(self.site_a.array_ca),
        ).raise_for_status()

    def sends(self, operation_id: str) -> bool:
        return any(
            (s["name"], s["status"]) == ("replication.warm", "running")
            for s in self.b.get_operation(operation_id).steps
        )

    def has_worker(self, operation_id: str) -> bool:
        """Whether one of site B has not said that it stopped."""
        with contextlib.closing(
            sqlite3.connect(self.database("site-b"))
        ) as found:
            (worker,) = found.execute(
                "select worker from operations where id = ?", (operation_id,)
            ).fetchone()
        return worker is not None

    def dry_run(self, group_id: str) -> list[dict[str, Any]]:
        """The steps; nothing is changed at the site that still answers."""
        before = plans.called([self.site_b])
        plan = self.b.dry_run_protection_group(
            group_id, "failover", type="unplanned"
        )
        self.assertEqual(before, plans.called([self.site_b]))
        errors = [f for f in plan["preflight"] if f["severity"] == "error"]
        self.assertEqual([], errors)
        return list(plan["steps"])

    def check_result(self, group_id: str, ended: Any, point: str) -> None:
        points = {p.id: p.name for p in self.b.recovery_points(group_id)}
        self.assertEqual(points[point], ended.result["recovery_point"])
        self.assertFalse(ended.result["source_fenced"])
        self.assertEqual("warnings", ended.outcome)
        self.assertGreater(ended.result["rpo_seconds"], 0)
        group = self.b.get_protection_group(group_id)
        fenced = {c["type"]: c for c in group.conditions}["SourceFenced"]
        self.assertIs(False, fenced["status"])

    def test_an_older_point_with_the_engine_killed(self) -> None:
        group_id = self.protect("bad-day", (WEB, APP))
        expected = self.write(group_id)
        point = self.replicate(group_id)
        self.write(group_id)
        self.add(group_id, DB)
        self.replicate(group_id)
        self.cut()
        disturber = disturb.Disturber(
            self.fleet,
            [disturb.Blow("site-b", "volumes.overwrite")],
            lambda text: None,
        )
        self.addCleanup(disturber.close)
        ended = self.fail_over(group_id, disturber.look, recovery_point=point)
        disturber.settle()
        self.assertEqual([], disturber.undealt)
        self.check_content(group_id, expected, (WEB, APP))
        ids = {m.instance_name: m.id for m in self.b.members(group_id)}
        self.assertEqual([ids[DB]], ended.result["left_out"])
        group = self.b.get_protection_group(group_id)
        found = {c["type"]: c for c in group.conditions}
        self.assertIs(True, found["Partial"]["status"])
        self.assertIn(DB, found["Partial"]["message"])


def _is_done(operation: Any, name: str) -> bool:
    return any(
        s["name"] == name and s["status"] == "done" for s in operation.steps
    )
