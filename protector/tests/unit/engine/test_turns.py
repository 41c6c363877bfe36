# SPDX-License-Identifier: Apache-2.0
"""Projects take turns at the places of an engine."""

from protector.engine import turns
from protector.tests import base


class TurnsTest(base.TestCase):
    def test_a_project_with_many_keeps_nobody_waiting(self) -> None:
        waiting = turns.Turns()
        for number in range(50):
            waiting.add("site", f"site-{number}")
        self.assertEqual("site-0", waiting.take())
        for project in ("one", "two"):
            waiting.add(project, f"{project}-0")
        waiting.add("one", "one-1")
        self.assertEqual(
            ["site-1", "one-0", "two-0", "site-2", "one-1", "site-3"],
            [waiting.take() for _ in range(6)],
        )
        self.assertEqual(
            [f"site-{n}" for n in range(4, 50)],
            [waiting.take() for _ in range(46)],
        )
