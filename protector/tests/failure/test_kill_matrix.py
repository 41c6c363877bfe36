# SPDX-License-Identifier: Apache-2.0
"""The engine dies at every moment of every workflow.

A round carries out all operations of a test, and each operation's engine
dies at each moment, one after the other; the next engine goes on.
"""

from typing import Any, ClassVar

from protector import constants as c
from protector.sandbox import workload
from protector.tests.failure import bed, kill_case, kills

FENCE = "servers.fence_lost"
SERVERS = (
    workload.Plan("web-server-1", "web", 2),
    workload.Plan("app-server-1", "app", 2),
)


class GroupsTest(kill_case.KillCase):
    """Configuration, from nothing to nothing."""

    COVERS = frozenset(
        {
            c.Verb.CREATE,
            c.Verb.MAPPINGS_SET,
            c.Verb.POLICY_SET,
            c.Verb.POLICY_DELETE,
            c.Verb.MEMBER_ADD,
            c.Verb.UPDATE,
            c.Verb.SYNC,
            c.Verb.MEMBER_REMOVE,
            c.Verb.DELETE,
        }
    )

    def test_groups(self) -> None:
        before = self.inventory()
        self.kinds = kills.KINDS
        self.create()
        self.set_mappings()
        self.set_policy()
        self.delete_policy()
        self.add_member()
        self.update()
        self.sync()
        self.expect_in_sync()
        self.remove_member()
        self.delete()
        self.until("no group is left", self._none_left)
        self.expect_unchanged(before)

    def _none_left(self) -> bool:
        return not any(list(p.protection_groups()) for p in (self.a, self.b))


class MovesTest(kill_case.KillCase):
    """There and back, planned."""

    COVERS = frozenset({c.Verb.FAILOVER, c.Verb.FAILBACK})

    def test_moves(self) -> None:
        self.protect()
        # what a move makes and leaves in place, it finds the next time
        self._round()
        calm = self.inventory()
        for kinds in self.PASSES:
            self._round(*kinds)
            self.expect_unchanged(calm)
            self.expect_in_sync()

    def _round(self, *kinds: str) -> None:
        self.kinds = kinds
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.expect_content(self.b)
        self.write(self.b)
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)


class DrillsTest(kill_case.KillCase):
    """Tried with clones, which leave nothing behind."""

    COVERS = frozenset(
        {c.Verb.REPLICATE, c.Verb.TEST_FAILOVER, c.Verb.TEST_CLEANUP}
    )

    def test_drills(self) -> None:
        self.protect()
        self.write(self.a)
        for kinds in self.PASSES:
            self.kinds = kinds
            self.run_verb("replicate", self.a)
            calm = self.inventory()
            self.run_verb("test_failover", self.b)
            self.expect_content(self.a)
            self.run_verb("test_cleanup", self.b)
            self.expect_unchanged(calm)


class DisastersTest(kill_case.KillCase):
    """The other site takes over, protects itself anew, and loses the group
    in the same way."""

    COVERS = frozenset(
        {
            c.Verb.REPLICATE,
            "unplanned failover",
            "unplanned failback",
            c.Verb.REPROTECT,
        }
    )
    # the kinds of moments that the fence meets, and what it does there
    FENCED: ClassVar[tuple[tuple[str, str], ...]] = (
        ("before", "POST"),
        ("after", "POST"),
        ("recorded", "saved"),
    )

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(SERVERS))

    def test_disasters(self) -> None:
        self.leave_fencing_to_moves()
        self.ask_for_reprotection()
        self.protect()
        self._round()
        calm = self.inventory()
        self.kinds = kills.KINDS
        self._round()
        self.expect_unchanged(calm)
        self.expect_in_sync()
        self.expect_fence_met()

    def expect_fence_met(self) -> None:
        """Both moves met each kind of moment while they fenced."""
        met = {
            (verb, kind, detail.partition(" ")[0])
            for verb, kind, step, detail in self.rows
            if step == FENCE
        }
        wanted = {
            (f"unplanned {verb}", *moment)
            for verb in ("failover", "failback")
            for moment in self.FENCED
        }
        self.expect("died while it fenced", wanted <= met, wanted - met)

    def _round(self) -> None:
        for verb, source, target in (
            ("failover", self.a, self.b),
            ("failback", self.b, self.a),
        ):
            self.write(source)
            self.run_verb("replicate", source)
            told = self.take_over(target, verb).result
            self.expect("the fence is told of", told["source_fenced"], told)
            self.expect_content(target)


class CleanupsTest(kill_case.KillCase):
    """The originals are removed on request, and made anew at home."""

    COVERS = frozenset({c.Verb.SOURCE_CLEANUP, c.Verb.FAILBACK})

    def test_cleanups(self) -> None:
        self.protect()
        self._round()
        calm = self.shape()
        for kinds in self.PASSES:
            self._round(*kinds)
            self.expect("all is there once", calm == self.shape())
            self.expect_in_sync()

    def _round(self, *kinds: str) -> None:
        self.kinds = ()
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.run_verb("replicate", self.b)
        self.kinds = kinds
        self.run_verb("source_cleanup", self.b)
        self.run_verb("failback", self.a, "failback anew", type="planned")
        self.expect_content(self.a)


class ParkedTest(kill_case.KillCase):
    """What a planned move parked is taken back without the other site."""

    COVERS = frozenset(
        {
            "unplanned failover to parked content",
            "unplanned failback to parked content",
            c.Verb.REPROTECT,
        }
    )

    def test_parked(self) -> None:
        self.ask_for_reprotection()
        self.protect()
        self.write(self.a)
        self._move("failover", self.b)
        self._move("failback", self.a)
        calm = self.inventory()
        self._take_back("failover", self.b)
        self._move("failback", self.a)
        self.expect_unchanged(calm)
        self._move("failover", self.b)
        self._take_back("failback", self.a)
        self.expect_unchanged(calm)
        self.expect_in_sync()

    def _move(self, verb: str, at: Any) -> None:
        self.kinds = ()
        self.run_verb(verb, at, type="planned")

    def _take_back(self, verb: str, at: Any) -> None:
        self.kinds = kills.KINDS
        self.take_over(at, verb, recovery_point="parked")
        self.expect_content(at)
