# SPDX-License-Identifier: Apache-2.0
"""Engines that were paused between their lease check and a call, and go on
when another one has long brought the operation to its end."""

from typing import Any

from protector.engine import late_locks, late_staging
from protector.sandbox import evidence
from protector.tests.failure import kills, tour

KEYS = "compute.keypairs"
"""The public key of a server, which belongs to the service's user."""


class PausedTest(tour.Tour):
    """No call of the past destroys what lives."""

    MATRIX = "paused engine"

    def test_go_on_after_the_move(self) -> None:
        self.protect()
        self.write(self.a)
        for verb, at in (("failover", self.b), ("failback", self.a)):
            plan = self.move(verb, at)
            self.write(at)
            before = self.inventory()
            self.go_on(plan, at)
            self.expect_content(at)
            late_staging.LateStaging(self.site(at).runtime).run()
            left = evidence.remainder(before, self.inventory())
            left = [text for text in left if KEYS not in text]
            self.expect("nothing is left or gone", not left, left)

    def test_go_on_after_the_next_move(self) -> None:
        self.protect()
        self.write(self.a)
        plan = self.move("failover", self.b)
        self.write(self.b)
        parked = self.held(self.b)
        self.run_calmly("failback", self.a)
        self.write(self.a)
        live = self.held(self.a)
        self.go_on(plan, self.b)
        # it may have stopped or locked a server, and no more
        self.expect_on_array(self.a, live)
        self.expect_on_array(self.b, parked)
        self.until("no server stays locked", self._is_free)

    def _is_free(self) -> bool:
        late_locks.LateLocks(self.site(self.a).runtime).run()
        return not any(server.locked for server in self.running(self.a))

    def move(self, verb: str, at: Any) -> kills.Pauses:
        plan = kills.Pauses()
        self.addCleanup(plan.thaw.set)
        ended = self.attempt(
            at,
            verb,
            lambda: at.run_protection_group(
                self.group_id, verb, type="planned"
            ),
            verb,
            plan,
        )
        self.expect("completes", ended.status == "completed", ended.error)
        self.expect_content(at)
        return plan

    def run_calmly(self, verb: str, at: Any) -> None:
        self.run_verb(verb, at, type="planned")

    def go_on(self, plan: kills.Pauses, at: Any) -> None:
        """All at once, where they stood."""
        plan.thaw.set()
        self.site(at).gather()
        self.expect("calls came late", len(plan.late) > 1, plan.late)
