# SPDX-License-Identifier: Apache-2.0
"""A site that took a group over and went back to before its move settled,
while the other one holds what came of it: whichever history is chosen, the
choice is taken where it is offered."""

from protector import constants as c
from protector.tests import base
from protector.tests.model import bed, endings, invariants, world

# both sites have looked at each other by then
SHOWN_SECONDS = 180


class ForgottenSettleTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_it_is_shown_at_both_sites(self) -> None:
        self._forgotten()
        for letter in "ab":
            shown = bed.Shown(self.place, letter)
            self.assertTrue(shown.holds(c.Condition.SPLIT), letter)
            self.assertIn(c.Verb.RESOLVE_SPLIT, shown.allowed)

    def test_the_source_keeps_what_it_heard_of(self) -> None:
        self._keeps("a", "a")

    def test_the_source_keeps_what_the_other_holds(self) -> None:
        self._keeps("a", "b")

    def test_the_target_keeps_what_it_has_forgotten(self) -> None:
        self._keeps("b", "a")

    def test_the_target_keeps_its_own(self) -> None:
        self._keeps("b", "b")

    def test_it_comes_to_a_good_end(self) -> None:
        self._forgotten()
        endings.end_well(self.place, self.watch)

    def _forgotten(self) -> None:
        """The server runs at site b, whose records are from before."""
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.watch = invariants.Watch(self.place)
        self.place.run(35)
        self._ask("b", c.Verb.FAILOVER, {"type": "unplanned", "confirm": True})
        self.assertTrue(self.place.sim.run(self._overwrites, 60))
        self.place.sites["b"].back_up()
        self.place.settle()
        self.place.run(60)
        self.place.restore("b")
        self.watch.restored("b")
        self.place.run(SHOWN_SECONDS)
        self.assertEqual("error", bed.Shown(self.place, "b").body["status"])

    def _overwrites(self) -> bool:
        steps = world.held(self.place, "b").steps
        return any(step.name == "volumes.overwrite" for step in steps)

    def _keeps(self, letter: str, keep: str) -> None:
        self._forgotten()
        args = {"keep_site_id": self.place.sites[keep].site_id}
        self._ask(letter, c.Verb.RESOLVE_SPLIT, args)
        self.place.settle()
        self.place.run(SHOWN_SECONDS)
        for at in "ab":
            self.assertFalse(bed.Shown(self.place, at).holds("Split"))
        endings.end_well(self.place, self.watch)

    def _ask(self, letter: str, verb: c.Verb, args: object) -> None:
        path = f"/protection-groups/{self.place.group_id}/action"
        answer = self.place.sites[letter].ask("POST", path, {str(verb): args})
        self.assertEqual(202, answer[0], answer)
