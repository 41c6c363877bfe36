# SPDX-License-Identifier: Apache-2.0
"""What is shown of the story while it runs."""

import io
import types
from typing import Any

from rich import console

from protector.sandbox import views
from protector.tests import base


def operation(*statuses: str) -> Any:
    """An operation with a step of each status, by turns of two members."""
    steps = [
        {
            "id": str(number),
            "name": "servers.start",
            "member": ("web", "db")[number % 2],
            "status": status,
            "message": None,
            "error": None,
            "started_at": None,
            "finished_at": None,
        }
        for number, status in enumerate(statuses)
    ]
    return types.SimpleNamespace(kind="failover", progress=40, steps=steps)


class ViewTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.out = io.StringIO()

    def _console(self, terminal: bool) -> console.Console:
        return console.Console(
            file=self.out, width=100, height=30, force_terminal=terminal
        )

    def test_plain_lines_tell_each_change_once(self) -> None:
        with views.opened(self._console(False), plain=False) as view:
            view.begin("failover")
            view.look(operation("running", "pending"))
            view.look(operation("running", "pending"))
            view.look(operation("done", "running"))
            view.say("site-b [killed]")
            view.end("1.0 s")
        lines = [line[7:].strip() for line in self.out.getvalue().splitlines()]
        self.assertEqual(
            [
                "== failover",
                "failover: servers.start (web) running",
                "failover: servers.start (web) done",
                "failover: servers.start (db) running",
                "site-b [killed]",
                "1.0 s",
            ],
            lines,
        )

    def test_a_terminal_may_be_plain_too(self) -> None:
        with views.opened(self._console(True), plain=True) as view:
            self.assertIsInstance(view, views.PlainView)

    def test_the_live_table_has_the_members_side_by_side(self) -> None:
        with views.opened(self._console(True), plain=False) as view:
            view.begin("failover")
            view.look(operation("done", "running"))
            drawn = io.StringIO()
            console.Console(file=drawn, width=100).print(view._draw())
            view.end("1.0 s, 3 checks passed")
        rows = drawn.getvalue().splitlines()
        head = next(row for row in rows if "step" in row)
        self.assertLess(head.index("web"), head.index("db"))
        row = next(row for row in rows if "servers.start" in row)
        self.assertLess(row.index("✓"), row.index("▸"))
        self.assertIn("40%", drawn.getvalue())
        self.assertIn("3 checks passed", self.out.getvalue())

    def test_the_live_table_before_anything_happened(self) -> None:
        with views.opened(self._console(True), plain=False) as view:
            view._draw()
