# SPDX-License-Identifier: Apache-2.0
"""What the closing table says, and when a run has passed."""

import io
import types
from typing import Any

from rich import console

from protector.sandbox import report
from protector.tests import base


def operation(**values: Any) -> Any:
    """An operation as the SDK has it."""
    given = {"kind": "failover", "steps": [], "result": None}
    return types.SimpleNamespace(**given | values)


class ReportTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.report = report.Report()

    def _phase(self, title: str = "failover") -> report.Phase:
        phase = self.report.begin(title)
        phase.seconds = 1.25
        return phase

    def _shown(self) -> str:
        out = io.StringIO()
        self.report.show(console.Console(file=out, width=160))
        return out.getvalue()

    def test_nothing_checked_is_not_passed(self) -> None:
        self._phase()
        self.assertFalse(self.report.ok)

    def test_all_checks_passed(self) -> None:
        self._phase().check("bytes", True)
        self.assertTrue(self.report.ok)
        self.assertIn("passed: 1 checks passed, 0 failed", self._shown())

    def test_one_check_failed(self) -> None:
        phase = self._phase()
        phase.check("bytes", True)
        self.assertFalse(phase.equal("ports", ["a"], ["b"]))
        self.assertFalse(self.report.ok)
        shown = self._shown()
        self.assertIn("1/2", shown)
        self.assertIn(
            "FAILED failover: ports: expected ['a'], found ['b']", shown
        )
        self.assertIn("FAILED: 1 checks passed, 1 failed", shown)

    def test_a_phase_that_did_not_end(self) -> None:
        self._phase().check("bytes", True)
        self.report.begin("failback")
        self.assertFalse(self.report.ok)

    def test_what_a_move_tells(self) -> None:
        phase = self._phase()
        phase.took(
            operation(
                steps=[{}, {}],
                result={
                    "recovery_point": "array-a:group.e1-final",
                    "rto_seconds": 7.5,
                    "rpo_seconds": 0,
                },
            )
        )
        self.assertEqual(2, phase.steps)
        self.assertEqual((7.5, 0), (phase.rto, phase.rpo))
        shown = self._shown()
        for text in ("e1-final", "7.5", "0.0", "1.2"):
            self.assertIn(text, shown)
        self.assertNotIn("array-a:group", shown)

    def test_the_point_of_a_step(self) -> None:
        made = operation(
            steps=[{"result": None}, {"result": {"point": "a:g.e1-now"}}]
        )
        self.assertEqual("e1-now", report.point_of(made))
        self.assertIsNone(report.point_of(operation()))

    def test_steps_add_up(self) -> None:
        phase = self._phase("add members")
        phase.took(operation(steps=[{}], result={}))
        phase.took(operation(steps=[{}, {}], result={}))
        self.assertEqual(3, phase.steps)

    def test_brackets_are_not_markup(self) -> None:
        self._phase().check("x", False, "[bold]no[/bold]")
        self.assertIn("[bold]no[/bold]", self._shown())
