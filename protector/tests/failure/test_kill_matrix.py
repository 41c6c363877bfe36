# SPDX-License-Identifier: Apache-2.0
"""The engine dies at every moment of every workflow.

A round carries out all operations of a test, and each operation's engine
dies at each moment of the round's kind, one after the other; the next engine
goes on.
"""

import fixtures

from protector.tests.failure import kills, tour

VERBS = 7
"""Operations in the life of a group."""


class GroupsTest(tour.Tour):
    """Configuration, from nothing to nothing."""

    def test_groups(self) -> None:
        before = self.inventory()
        for self.kind in kills.KINDS:
            self._round()
            self.expect_unchanged(before)

    def test_api_dies_before_it_rings(self) -> None:
        """The operation is committed and nobody is told."""
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.engine.rpcapi.EngineAPI.start",
                lambda engine, context, operation_id: self.rows.append(
                    ["api", "before the doorbell", operation_id]
                ),
            )
        )
        before = self.inventory()
        self._round()
        self.expect_unchanged(before)
        self.expect("each was lost", len(self.rows) >= VERBS, self.rows)

    def _round(self) -> None:
        self.create()
        self.set_mappings()
        self.set_policy()
        self.add_member()
        self.update()
        self.expect_in_sync()
        self.remove_member()
        self.delete()
        self.until("no group is left", self._none_left)

    def _none_left(self) -> bool:
        return not any(list(p.protection_groups()) for p in (self.a, self.b))


class MovesTest(tour.Tour):
    """There and back, planned."""

    def test_moves(self) -> None:
        self.protect()
        # what a move makes and leaves in place, it finds the next time
        self._round(None)
        calm = self.inventory()
        for kind in kills.KINDS:
            self._round(kind)
            self.expect_unchanged(calm)
            self.expect_in_sync()

    def _round(self, kind: str | None) -> None:
        self.kind = kind
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.expect_content(self.b)
        self.write(self.b)
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)


class DrillsTest(tour.Tour):
    """Tried with clones, which leave nothing behind."""

    def test_drills(self) -> None:
        self.protect()
        self.write(self.a)
        for kind in kills.KINDS:
            self.kind = kind
            self.run_verb("replicate", self.a)
            calm = self.inventory()
            self.run_verb("test_failover", self.b)
            self.expect_content(self.a)
            self.run_verb("test_cleanup", self.b)
            self.expect_unchanged(calm)


class DisastersTest(tour.Tour):
    """The other site takes over, protects itself anew, and gives back."""

    def test_disasters(self) -> None:
        self.ask_for_reprotection()
        self.protect()
        self._round(None)
        calm = self.inventory()
        for kind in kills.KINDS:
            self._round(kind)
            self.expect_unchanged(calm)
            self.expect_in_sync()

    def _round(self, kind: str | None) -> None:
        self.kind = kind
        self.write(self.a)
        self.run_verb("replicate", self.a)
        self.take_over(self.b, "failover")
        self.expect_content(self.b)
        self.write(self.b)
        self.kind = None
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)


class CleanupsTest(tour.Tour):
    """The originals are removed on request, and made anew at home."""

    def test_cleanups(self) -> None:
        self.protect()
        self._round(None)
        calm = self.shape()
        for kind in kills.KINDS:
            self._round(kind)
            self.expect("all is there once", calm == self.shape())
            self.expect_in_sync()

    def _round(self, kind: str | None) -> None:
        self.kind = None
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.run_verb("replicate", self.b)
        self.kind = kind
        self.run_verb("source_cleanup", self.b)
        self.run_verb("failback", self.a, "failback anew", type="planned")
        self.expect_content(self.a)


class ParkedTest(tour.Tour):
    """What a planned move parked is taken back without the other site."""

    def test_parked(self) -> None:
        self.ask_for_reprotection()
        self.protect()
        self._round(None)
        calm = self.inventory()
        for kind in kills.KINDS:
            self._round(kind)
            self.expect_unchanged(calm)
            self.expect_in_sync()

    def _round(self, kind: str | None) -> None:
        self.kind = None
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.kind = kind
        self.take_over(self.a, "failback", recovery_point="parked")
        self.expect_content(self.a)
