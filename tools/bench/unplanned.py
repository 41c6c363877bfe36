#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times an unplanned failover from a site that hangs, and from one that is
gone.

On a sandbox of its own: each group has one server.  The first group warms up
and does not count; the others take turns, and the medians are compared.  With
``--moves``, each on another sandbox, the same over a planned failover that was
stopping the server when its site was lost.

It prints.  Only with ``--check`` a black hole that costs more than one second
beyond an absent site is a failure, and only if it does so twice in a row.
"""

import argparse
from collections.abc import Callable
from concurrent import futures
import statistics
import sys
import time
from typing import ClassVar
import unittest

from protector.sandbox import workload
from protector.tests.functional import two_sites

BOUND_SECONDS = 1.0
RUNS = 2
LOOK_SECONDS = 0.02
# one that warms up, and three for each kind of loss
GROUPS = 7
AT_ONCE = 3
SERVERS = ("web-server-1", "app-server-1", "db-server-1")


class Moves(two_sites.TwoSites):
    """``hung`` and ``absent``: seconds, idle and over a planned move."""

    hung: ClassVar[dict[str, list[float]]] = {}
    absent: ClassVar[dict[str, list[float]]] = {}

    def test_turns(self) -> None:
        groups = self.protect_many()
        self.freeze()
        self.timed(groups[0])
        hung = [self.timed(groups[1])]
        self.cut()
        absent = [self.timed(group_id) for group_id in groups[2:4]]
        site = self.site_a
        self.start(site.array, site.cloud, site.name)
        for group_id in groups[:4]:
            self.until(lambda g=group_id: self.is_well(g))
        self.freeze()
        hung += [self.timed(group_id) for group_id in groups[4:6]]
        self.cut()
        absent.append(self.timed(groups[6]))
        Moves.hung["idle"], Moves.absent["idle"] = hung, absent

    def protect_many(self) -> list[str]:
        """Groups that can be failed over."""
        plans = [
            workload.Plan(f"bench-{n}", "bench", 1) for n in range(GROUPS)
        ]
        names = workload.Names(servers=(*workload.Names().servers, *plans))
        made = workload.create_workload(
            self.sandbox.clouds["site-a"].session, names, region="site-a"
        )
        self.sandbox.described["servers"] += [
            {"name": server.name, "id": server.id} for server in made
        ]

        def protect(plan: workload.Plan) -> str:
            group_id = self.protect(plan.name, (plan.name,))
            self.replicate(group_id)
            return group_id

        with futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(protect, plans))

    def is_well(self, group_id: str) -> bool:
        """Nothing is left to be done for one whose site is back."""
        return self.in_sync(group_id) and all(
            self.condition(group_id, self.b, kind)
            for kind in ("SourceFenced", "ReplicationConfigured")
        )

    def test_hung_over_a_move(self) -> None:
        Moves.hung["moving"] = [self.over_a_move(self.freeze)]

    def test_absent_over_a_move(self) -> None:
        Moves.absent["moving"] = [self.over_a_move(self.cut)]

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
    parser.add_argument("--moves", action="store_true")
    args = parser.parse_args()
    tests = ["test_turns"]
    if args.moves:
        tests += ["test_hung_over_a_move", "test_absent_over_a_move"]
    for _ in range(RUNS if args.check else 1):
        done = unittest.TestResult()
        unittest.TestSuite(map(Moves, tests)).run(done)
        if not done.wasSuccessful():
            print(*(told for _, told in done.errors + done.failures))
            return 1
        if max(_told(what) for what in Moves.hung) <= BOUND_SECONDS:
            return 0
    return int(args.check)


def _told(what: str) -> float:
    """Print one comparison; by how much the black hole was slower."""
    hung, absent = (
        statistics.median(found[what]) for found in (Moves.hung, Moves.absent)
    )
    print(
        f"unplanned failover, {what}: black hole {hung:.2f} s, absent "
        f"{absent:.2f} s, ratio {hung / absent:.2f}, beyond "
        f"{hung - absent:+.2f} s of {BOUND_SECONDS:g} s",
        flush=True,
    )
    return hung - absent


if __name__ == "__main__":
    sys.exit(main())
