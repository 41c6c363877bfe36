# SPDX-License-Identifier: Apache-2.0
"""Two engines of each site are alive, and one dies at every moment of a move,
and at the end of every step of each other workflow: the other one goes on
without anybody starting anything.

Only then is the dead one started anew, and has its work beside the other's,
until that one dies.  And both die at once.  Who dies when a record was kept
leaves the same to another engine that lives as to the next one: that moment
is only in the rounds of one engine.
"""

from typing import Any

from protector.tests.failure import (
    bed,
    kill_case,
    kills,
    mortal,
    test_kill_lost,
    test_kill_matrix,
    tour,
)

KINDS = ("before", "after")


class PairTest(tour.Tour):
    """There as planned, and back without being asked."""

    MATRIX = "pair of engines"

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(engines=2))

    def plan(self, name: str) -> mortal.Plan:
        return kills.PairKills(*self.kinds) if self.kinds else mortal.Plan()

    def test_moves(self) -> None:
        self.ask_for_reprotection()
        self.protect()
        # what a move makes and leaves in place, it finds the next time
        self._move("failover", self.a, self.b)
        self._move("failback", self.b, self.a)
        calm = self.inventory()
        self._move("failover", self.a, self.b, *KINDS)
        self._take("failback", self.b, self.a, *KINDS)
        self.expect_unchanged(calm)
        self.expect_in_sync()

    def _move(self, verb: str, source: Any, target: Any, *kinds: str) -> None:
        self.write(source)
        self.kinds = kinds
        self.run_verb(verb, target, type="planned")
        self.kinds = ()
        self.expect_content(target)

    def _take(self, verb: str, source: Any, target: Any, *kinds: str) -> None:
        """From a site that is well, and gives in."""
        self.write(source)
        self.run_verb("replicate", source)
        self.kinds = kinds
        self.run_verb(
            verb, target, f"unplanned {verb}", type="unplanned", confirm=True
        )
        self.kinds = ()
        self.expect_content(target)
        self.until(
            "the other side gave in",
            lambda: self.condition(target, "SourceFenced"),
        )
        self.expect_in_sync()
        self.run_verb("reprotect", target)


class PairCase(kill_case.KillCase):
    """A round of one engine, with two."""

    MATRIX = "pair of engines"
    PASSES = (KINDS,)

    def make_bed(self) -> Any:
        made = super().make_bed()
        for site in made.sites:
            site.staff(2)
        return made

    def plan(self, name: str) -> mortal.Plan:
        return kills.PairStepKills() if self.kinds else mortal.Plan()


class GroupsTest(PairCase, test_kill_matrix.GroupsTest):
    pass


class MovesTest(PairCase, test_kill_matrix.MovesTest):
    pass


class DrillsTest(PairCase, test_kill_matrix.DrillsTest):
    pass


class DisastersTest(PairCase, test_kill_matrix.DisastersTest):
    FENCED = (("after", ""), ("both", ""))


class CleanupsTest(PairCase, test_kill_matrix.CleanupsTest):
    pass


class ParkedTest(PairCase, test_kill_matrix.ParkedTest):
    pass


class AloneTest(PairCase, test_kill_lost.AloneTest):
    pass


class SplitTest(PairCase, test_kill_lost.SplitTest):
    pass


class ReclaimTest(PairCase, test_kill_lost.ReclaimTest):
    pass
