#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times an unplanned failover from a site that hangs, and from one that is
gone.

On a sandbox of its own: each group has one server.  The first group warms up
and does not count.  Then, each on another, the same over a planned failover
that was stopping the server when its site was lost.

It prints.  Only with ``--check`` a black hole that costs more than one second
beyond an absent site is a failure.
"""

import argparse
from collections.abc import Callable
import sys
import time
from typing import ClassVar
import unittest

from protector.tests.functional import two_sites

BOUND_SECONDS = 1.0
LOOK_SECONDS = 0.02
SERVERS = ("web-server-1", "app-server-1", "db-server-1")


class Moves(two_sites.TwoSites):
    """``hung`` and ``absent``: seconds, idle and over a planned move."""

    hung: ClassVar[dict[str, float]] = {}
    absent: ClassVar[dict[str, float]] = {}

    def test_both(self) -> None:
        first, second, third = (
            self.protect(f"bench-{name}", (name,)) for name in SERVERS
        )
        for group_id in (first, second, third):
            self.replicate(group_id)
        self.freeze()
        self.timed(first)
        Moves.hung["idle"] = self.timed(second)
        self.cut()
        Moves.absent["idle"] = self.timed(third)

    def test_hung_over_a_move(self) -> None:
        Moves.hung["moving"] = self.over_a_move(self.freeze)

    def test_absent_over_a_move(self) -> None:
        Moves.absent["moving"] = self.over_a_move(self.cut)

    def over_a_move(self, lose: Callable[[], None]) -> float:
        first, group_id = (
            self.protect(f"bench-{name}", (name,)) for name in SERVERS[:2]
        )
        for each in (first, group_id):
            self.replicate(each)
        move = self.b.run_protection_group(
            group_id, "failover", type="planned"
        )
        while not self.stops(move.id):
            time.sleep(LOOK_SECONDS)
        lose()
        self.timed(first)
        return self.timed(group_id)

    def stops(self, operation_id: str) -> bool:
        """:raises AssertionError: it was missed."""
        operation = self.b.get_operation(operation_id)
        states = {s["name"]: s["status"] for s in operation.steps}
        self.assertNotEqual("done", states.get("servers.stop"))
        return states.get("servers.stop") == "running"

    def timed(self, group_id: str) -> float:
        """Seconds of the whole operation."""
        ended = self.fail_over(group_id)
        return float(ended.result["duration_seconds"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    done = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Moves).run(done)
    if not done.wasSuccessful():
        print(*(told for _, told in done.errors + done.failures))
        return 1
    worst = max(_told(what) for what in Moves.hung)
    return int(args.check and worst > BOUND_SECONDS)


def _told(what: str) -> float:
    """Print one comparison; by how much the black hole was slower."""
    hung, absent = Moves.hung[what], Moves.absent[what]
    print(
        f"{what}: black hole {hung:.2f} s, absent {absent:.2f} s, "
        f"ratio {hung / absent:.2f}, beyond {hung - absent:+.2f} s of "
        f"{BOUND_SECONDS:g} s"
    )
    return hung - absent


if __name__ == "__main__":
    sys.exit(main())
