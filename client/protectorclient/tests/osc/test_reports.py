# SPDX-License-Identifier: Apache-2.0
"""What an auditor reads in the report of an operation."""

from __future__ import annotations

from typing import Any

from protectorclient.tests import fake_cloud, fake_protector
from protectorclient.tests.osc import base

CHECKS = [
    {"name": "active", "ok": True, "message": "ACTIVE"},
    {"name": "ports", "ok": False, "message": "0 of 1 ACTIVE"},
]
MEMBERS = [
    {"name": "web|1", "status": "done", "checks": CHECKS, "server_id": "s1"},
    {"name": "late", "status": "left_out"},
]


class ReportTest(base.CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.one = self.site_a.make_group("prod-web-app")
        self.op = self.site_a.make_operation("test_failover", self.one)
        self.op.update(
            status="completed",
            finished_at="2025-06-01T10:00:20Z",
            source_site_id=fake_protector.SITE_A,
            target_site_id=fake_protector.SITE_B,
            origin_site_id=fake_protector.SITE_A,
            user_id="u1",
        )

    def told(self, **values: Any) -> None:
        self.op["result"] = {
            "verdict": "passed",
            "duration_seconds": 20.25,
            "rto_seconds": 12.5,
            "rpo_seconds": 4000,
            "recovery_point": "array-a:pg.7",
            "recovery_point_created_at": "2025-06-01T08:53:20Z",
            "members": MEMBERS,
            "left_out": ["m2"],
            "warnings": [],
            "residue": [],
            "drill": {"expires_at": "2025-06-01T12:00:00Z"},
            **values,
        }

    def report(self, form: str) -> base.Result:
        return self.protector(f"operation report prod-web-app -f {form}")

    def check_lines(self, *lines: str) -> None:
        """They are in the Markdown, and their cells in the HTML."""
        text, page = self.report("markdown").out, self.report("html").out
        for line in lines:
            self.assertIn(line, text)
            cells = line.strip("| ").replace("\\|", "\0").split(" | ")
            row = "".join(f"<td>{c}</td>" for c in cells).replace("\0", "|")
            self.assertIn(row, page)

    def check_says(self, heading: str, words: str) -> None:
        """In the place of a table."""
        text, page = self.report("markdown").out, self.report("html").out
        self.assertIn(f"## {heading}\n\n{words}\n", text)
        self.assertIn(f"<h2>{heading}</h2>\n<p>{words}</p>", page)

    def test_who_what_and_when(self) -> None:
        answer = fake_cloud.Answer(200, {"user": {"id": "u1", "name": "ann"}})
        self.site_a.add("GET", "/identity/v3/users/u1", lambda _: answer)
        self.told()
        self.check_lines(
            f"| Protection group | prod-web-app ({self.one['id']}) |",
            f"| Project | {fake_cloud.PROJECT} |",
            f"| From site | Site A ({fake_protector.SITE_A}) |",
            f"| To site | Site B ({fake_protector.SITE_B}) |",
            "| Requested by | ann (u1) |",
            f"| Requested at | Site A ({fake_protector.SITE_A}) |",
            "| Finished | 2025-06-01T10:00:20Z |",
            "| Duration | 20.2 s |",
        )
        found = self.report("json").json()
        self.assertEqual(
            ("prod-web-app", "Site A", "Site B", "Site A", "ann"),
            tuple(
                found[key]
                for key in (
                    "protection_group",
                    "source_site",
                    "target_site",
                    "origin_site",
                    "user",
                )
            ),
        )

    def test_a_user_whose_name_is_not_told(self) -> None:
        self.check_lines("| Requested by | u1 |")
        self.assertIsNone(self.report("json").json()["user"])

    def test_a_site_that_is_not_known_any_more(self) -> None:
        self.op["source_site_id"] = "gone"
        self.check_lines("| From site | gone |")
        self.assertIsNone(self.report("json").json()["source_site"])

    def test_what_came_of_it(self) -> None:
        self.told(verdict="failed", residue=[{"kind": "volume", "id": "v1"}])
        self.check_lines(
            "| Verdict | failed |",
            "| RTO (from the start to the last running server) | 12.5 s |",
            "| RPO (age of the recovery point at the start) "
            "| 4000 s (1:06:40) |",
            "| Recovery point | array-a:pg.7 |",
            "| Recovery point taken | 2025-06-01T08:53:20Z |",
            "| Drill | Expires at: 2025-06-01T12:00:00Z |",
            "| web\\|1 | active | yes | ACTIVE |",
            "| web\\|1 | ports | no | 0 of 1 ACTIVE |",
            "| web\\|1 | done | s1 |",
            "| late | left_out | - |",
            "| volume | v1 |",
        )
        # the task is done, and what it shows is bad
        title = "test failover of prod-web-app: completed, failed"
        self.assertIn(f"# {title}\n", self.report("markdown").out)
        self.assertIn(f"<h1>{title}</h1>", self.report("html").out)
        found = self.report("json").json()["result"]
        self.assertEqual(
            (MEMBERS, 4000), (found["members"], found["rpo_seconds"])
        )

    def test_nothing_is_said_to_be_nothing(self) -> None:
        self.told(cleaned_at="2025-06-01T11:00:00Z")
        self.check_says("Residue", "none found")
        self.check_says("Warnings", "none")
        self.assertEqual([], self.report("json").json()["result"]["residue"])

    def test_what_was_not_looked_for_is_not_nothing(self) -> None:
        self.told()
        self.check_says(
            "Residue", "not looked for yet: the drill was not cleaned up"
        )

    def test_one_that_failed(self) -> None:
        self.op["status"] = "failed"
        self.op["error"] = {
            "reason": "PreflightFailed",
            "message": "<b>bad</b>",
            "remedy": "Mend it.",
        }
        self.op["steps"][0]["error"] = self.op["error"]
        self.told(
            rto_seconds=None, rpo_seconds=None, drill={"expires_at": None}
        )
        text = self.report("markdown").out
        for line in (
            "| Error: message | <b>bad</b> |",
            "| Error: remedy | Mend it. |",
            "to the last running server) | no server was started |",
            "at the start) | unknown |",
            "| Drill | none |",
            "## Residue\n\nnone found\n",
            "| preflight |  | pending |  |  | <b>bad</b> |",
        ):
            self.assertIn(line, text)
        page = self.report("html").out
        self.assertNotIn("<b>", page)
        self.assertIn("<td>&lt;b&gt;bad&lt;/b&gt;</td>", page)

    def test_one_that_runs(self) -> None:
        self.op["status"] = "running"
        text = self.report("markdown").out
        self.assertIn("# test failover of prod-web-app: running\n", text)
        self.assertNotIn("## Result", text)
        self.assertNotIn("## Residue", text)

    def test_the_last_drill_of_a_group(self) -> None:
        cleanup = self.site_a.make_operation("test_cleanup", self.one)
        newest = self.report("markdown").out
        self.assertIn(f"| Operation | {cleanup['id']} |", newest)
        drill = self.report("markdown --kind test_failover").out
        self.assertIn(f"| Operation | {self.op['id']} |", drill)
