#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times an unplanned failover from a site that hangs, and from one that is
gone.

On a sandbox of its own: each group has one server.  The first group warms up
and does not count.

It prints.  Only with ``--check`` a black hole that costs more than one second
beyond an absent site is a failure.
"""

import argparse
import sys
import unittest

from protector.tests.functional import two_sites

BOUND_SECONDS = 1.0
SERVERS = ("web-server-1", "app-server-1", "db-server-1")


class Moves(two_sites.TwoSites):
    hung = absent = 0.0

    def test_both(self) -> None:
        first, second, third = (
            self.protect(f"bench-{name}", (name,)) for name in SERVERS
        )
        for group_id in (first, second, third):
            self.replicate(group_id)
        self.freeze()
        self.timed(first)
        Moves.hung = self.timed(second)
        self.cut()
        Moves.absent = self.timed(third)

    def timed(self, group_id: str) -> float:
        """Seconds of the whole operation."""
        ended = self.fail_over(group_id)
        return float(ended.result["duration_seconds"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    done = unittest.TestResult()
    Moves("test_both").run(done)
    if not done.wasSuccessful():
        print(*(told for _, told in done.errors + done.failures))
        return 1
    beyond = Moves.hung - Moves.absent
    print(
        f"black hole {Moves.hung:.2f} s, absent {Moves.absent:.2f} s, "
        f"ratio {Moves.hung / Moves.absent:.2f}, beyond {beyond:+.2f} s of "
        f"{BOUND_SECONDS:g} s"
    )
    return int(args.check and beyond > BOUND_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
