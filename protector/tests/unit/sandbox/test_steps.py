# SPDX-License-Identifier: Apache-2.0
"""How the steps of an operation are arranged."""

from typing import Any

from protector.sandbox import steps
from protector.tests import base


def step(name: str, member: str | None = None, **values: Any) -> steps.Step:
    """A step as the API shows it."""
    return {
        "id": f"{name}/{member}",
        "name": name,
        "member": member,
        "status": "done",
        "message": None,
        "error": None,
        "started_at": "2026-11-24T03:00:00Z",
        "finished_at": "2026-11-24T03:00:02Z",
    } | values


class MatrixTest(base.TestCase):
    def test_members_stand_side_by_side(self) -> None:
        found = steps.matrix(
            [
                step("lock"),
                step("fence", "web"),
                step("stop", "web"),
                step("fence", "db"),
                step("stop", "db"),
            ]
        )
        self.assertEqual(["web", "db"], found.members)
        self.assertEqual(
            ["lock", "fence", "stop"], [row.name for row in found.rows]
        )
        stop = found.rows[2]
        self.assertIsNone(stop.group)
        self.assertEqual(
            ["stop/web", "stop/db"], [s["id"] for s in stop.members if s]
        )

    def test_a_name_that_comes_again(self) -> None:
        found = steps.matrix([step("push"), step("park"), step("push")])
        self.assertEqual(
            ["push", "park", "push"], [row.name for row in found.rows]
        )

    def test_the_window_follows_what_runs(self) -> None:
        rows = [step(f"s{n}") for n in range(30)]
        for row in rows[20:]:
            row["status"] = "pending"
        found = steps.matrix(rows)
        names = [row.name for row in found.window(6)]
        self.assertEqual(6, len(names))
        self.assertIn("s20", names)
        self.assertEqual(30, len(found.window(50)))

    def test_the_window_of_what_has_ended(self) -> None:
        found = steps.matrix([step(f"s{n}") for n in range(30)])
        names = [row.name for row in found.window(3)]
        self.assertEqual(["s27", "s28", "s29"], names)


class TextTest(base.TestCase):
    def test_a_line(self) -> None:
        self.assertEqual(
            "fence (web) done, 2 s", steps.line(step("fence", "web"))
        )

    def test_a_line_of_a_failure(self) -> None:
        failed = step("fence", status="failed", error={"message": "quota"})
        self.assertEqual("fence failed, 2 s: quota", steps.line(failed))

    def test_cells(self) -> None:
        self.assertEqual("", steps.cell(None))
        self.assertIn("✓ 2 s", steps.cell(step("fence")))
        waiting = step("fence", status="pending", started_at=None)
        self.assertIn("·", steps.cell(waiting))

    def test_seconds(self) -> None:
        self.assertIsNone(steps.seconds(step("x", started_at=None)))
        self.assertEqual(2, steps.seconds(step("x")))
