# SPDX-License-Identifier: Apache-2.0
"""That what the engine's threads wait for lets the others run."""

import functools
import threading

from protector.engine import context
from protector.tests import base
from protector.tests.model import sim


class TurnTest(base.TestCase):
    DEFAULT_TIMEOUT = 60

    def test_members_take_turns(self) -> None:
        now = sim.Sim(lambda until: until)
        self.useFixture(sim.Seams(lambda: now))
        parts = (None, None, None, "", threading.Event())
        work = context.Work(*parts)  # type: ignore
        seen: list[str] = []

        def join(member: str) -> None:
            with work.turn:
                seen.append(f"{member} begins")
                now.pause(1)
                seen.append(f"{member} ends")

        for member in ("web", "db"):
            now.spawn(functools.partial(join, member))
        self.assertTrue(now.run(lambda: len(seen) == 4, 10))
        self.assertEqual(
            ["web begins", "web ends", "db begins", "db ends"], seen
        )
