# SPDX-License-Identifier: Apache-2.0
"""Every neighbour misbehaves in every way while a group moves."""

from typing import Any

from protector.db import models
from protector.tests.failure import bed, mortal, neighbours, tour

BOUNDS = {
    "step_timeout": 4,
    "replication_timeout": 4,
    # the home's own engine brings its servers back after it
    "lock_seconds": 12,
}
"""In seconds."""
ATTEMPTS = 40
"""A user who does as the errors say does not ask more often."""


CHANGED = ("Keystone", "Nova", "array", "peer")
"""Who is asked for a change while a group moves to copies that exist."""


class NeighboursTest(tour.Tour):
    MATRIX = "bad neighbour"

    def move(self, verb: str, at: Any, plan: mortal.Plan) -> models.Operation:
        return self.attempt(
            at,
            verb,
            lambda: at.run_protection_group(
                self.group_id, verb, type="planned"
            ),
            verb,
            plan,
        )

    def expect_told(self, ended: models.Operation, *names: str) -> None:
        """The error says which neighbour it was."""
        said = str((ended.error or {}).get("message"))
        named = any(neighbours.named(said, name) for name in names)
        self.expect("the cause is told", named, bed.described(ended))


class PassingTest(NeighboursTest):
    """Each request of a move fails once.  What may be repeated is, else the
    move ends as if it had not been asked for, and says why."""

    def test_refusals(self) -> None:
        self._all("slow", "429", "503")

    def test_silence(self) -> None:
        self._all("hangs", "hangs after the work")

    def test_broken_connections(self) -> None:
        self._all("cut half way")

    def _all(self, *kinds: str) -> None:
        self.protect()
        self._round(None)
        calm = self.inventory()
        for kind in kinds:
            self._round(kind)
            self.expect_unchanged(calm)
            self.expect_in_sync()

    def _round(self, kind: str | None) -> None:
        self.kind = kind
        self.write(self.a)
        self._move("failover", self.a, self.b)
        self.write(self.b)
        self._move("failback", self.b, self.a)

    def _move(self, verb: str, source: Any, target: Any) -> None:
        if self.kind is None:
            self.run_verb(verb, target, type="planned")
            return
        plan = neighbours.Once(self.kind)
        for _ in range(ATTEMPTS):
            ended = self.move(verb, target, plan)
            if ended.status == "completed":
                break
            self.expect_told(ended, *neighbours.SERVICES.values(), "site")
            if not ended.no_return:
                self.expect_content(source)
        else:
            self.violated(f"{verb} completes", bed.described(ended), plan)
        self.expect_content(target)


class LastingTest(NeighboursTest):
    """A service is ill for as long as the move lasts: that ends in time,
    says why, and the servers run on at home; later it succeeds."""

    def setUp(self) -> None:
        super().setUp()
        for name, seconds in BOUNDS.items():
            for site in (self.bed.a, self.bed.b):
                site.conf.set_override(name, seconds, "engine")

    def test_lasting(self) -> None:
        self.protect()
        self.write(self.a)
        self._there_and_back()
        calm = self.inventory()
        for name in CHANGED:
            for self.kind in ("503", "hangs"):
                # which has no token yet
                self.bed.b.restart()
                plan = neighbours.Always(self.kind, name)
                ended = self.move("failover", self.b, plan)
                self.expect("met", bool(plan.met), name)
                self.expect("fails", ended.status == "failed", ended.status)
                self.expect_told(ended, name, "site")
                self.expect("before the release", not ended.no_return)
                self.until("runs at home", self._at_home)
                self.expect_content(self.a)
                self.expect_unchanged(calm)
        self.write(self.a)
        self._there_and_back()

    def _there_and_back(self) -> None:
        self.kind = None
        for verb, at in (("failover", self.b), ("failback", self.a)):
            self.run_verb(verb, at, type="planned")
            self.expect_content(at)

    def plan(self, name: str) -> mortal.Plan:
        return mortal.Plan()

    def _at_home(self) -> bool:
        """As it was, by the other engine or by the home's own."""
        return all(
            server.status == "ACTIVE" and not server.locked
            for server in self.running(self.a)
        )
