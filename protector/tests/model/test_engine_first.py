# SPDX-License-Identifier: Apache-2.0
"""A site that was lost in the middle of a change and comes back with its
engine first: its network, its array and its clouds are away until later.

It settles nothing on the older side, and both sites come to one history by
themselves.
"""

from typing import Any

from protector import constants as c
from protector.engine import steps
from protector.engine.context import StepContext
from protector.tests import base
from protector.tests.model import bed, invariants, mutations, world

# what the dead engine left is adopted, and has waited as long as it will
LONG_SECONDS = 1500


class EngineFirstTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_a_policy_after_the_failover(self) -> None:
        self._lost_in_a_policy()
        self._take_over()
        self._wake("a")
        self._comes_back()

    def test_a_policy_during_the_failover(self) -> None:
        self._lost_in_a_policy()
        self._wake("a", 5)
        self._take_over()
        self.place.run(LONG_SECONDS)
        self._comes_back()

    def test_a_policy_after_a_restart_of_both(self) -> None:
        self._lost_in_a_policy()
        self._take_over()
        self.place.sites["b"].kill()
        self.place.sim.reap()
        self.place.start()
        self._wake("a")
        self._comes_back()

    def test_a_description(self) -> None:
        self._dies_at("changes.settle")
        self._ask("PUT", "", {"protection_group": {"description": "new"}})
        self._is_lost()
        self._take_over()
        self._wake("a")
        self._comes_back()

    def test_an_addition(self) -> None:
        self._dies_at("members.settle")
        member = {"instance_id": self.place.servers["db"]}
        self._ask("POST", "/members", {"member": member})
        self._is_lost()
        self._take_over()
        self._wake("a")
        self._comes_back()

    def test_a_removal(self) -> None:
        self._dies_at("members.forget")
        (member,) = world.held(self.place, "a").members
        self._ask("DELETE", f"/members/{member.id}")
        self._is_lost()
        self._take_over()
        self._wake("a")
        self._comes_back()

    def test_a_move_there_that_had_settled(self) -> None:
        """Its end makes a version, too."""
        self._dies_at("placement.close", "b")
        self._act("b", c.Verb.FAILOVER, {"type": "planned"})
        self._is_lost("b")
        self._act("a", c.Verb.FAILBACK, {"type": "unplanned", "confirm": True})
        self.place.run(300)
        self.assertEqual("active", bed.Shown(self.place, "a").body["status"])
        self._wake("b")
        self._comes_back("b")

    # -- how it goes

    def _lost_in_a_policy(self) -> None:
        """Right after it has asked the other site."""
        self._dies_at("replication.configure")
        policy = {"replication_interval_minutes": 30, "rpo_minutes": 60}
        self._ask("PUT", "/policy", {"policy": policy})
        self._is_lost()

    def _dies_at(self, name: str, letter: str = "a") -> None:
        """The engine of a site dies when it begins a step."""
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.watch = invariants.Watch(self.place)
        self.place.run(35)
        run, left = steps.STEPS[name].run, [name]

        def dying(ctx: StepContext) -> Any:
            if left:
                left.pop()
                self.place.sites[letter].kill()
            ctx.guard()
            ctx.refresh()
            return run(ctx)

        self.useFixture(mutations.Mutation((), runs={name: dying}))

    def _is_lost(self, letter: str = "a") -> None:
        site = self.place.sites[letter]
        self.place.until("it dies", lambda: not site.is_alive, 600)
        self.place.lose(letter)
        self.held = world.held(self.place, letter).triple

    def _take_over(self) -> None:
        self._act("b", c.Verb.FAILOVER, {"type": "unplanned", "confirm": True})
        self.place.run(300)
        self.assertEqual(
            "failed_over", bed.Shown(self.place, "b").body["status"]
        )

    def _wake(self, letter: str, seconds: float = LONG_SECONDS) -> None:
        self.place.sites[letter].start(first=True)
        self.place.run(seconds)

    def _comes_back(self, letter: str = "a") -> None:
        """It has settled nothing meanwhile; then all else comes."""
        self.assertEqual(self.held, world.held(self.place, letter).triple)
        other = world.OTHER[letter]
        self.place.find()
        self.place.run(900)
        self.watch.check()
        found = {i: world.held(self.place, i) for i in "ab"}
        for held in found.values():
            self.assertFalse(held.condition(c.Condition.SPLIT))
            self.assertTrue(held.condition(c.Condition.METADATA_IN_SYNC))
            self.assertTrue(held.current(self.place.sites[other].site_id))
        self.assertEqual(found["a"].triple, found["b"].triple)
        self.assertEqual([], world.running(self.place, letter, "web"))
        self.assertEqual(1, len(world.running(self.place, other, "web")))

    def _act(self, letter: str, verb: c.Verb, args: Any) -> None:
        self._ask("POST", "/action", {str(verb): args}, letter)

    def _ask(
        self, method: str, path: str, body: Any = None, letter: str = "a"
    ) -> None:
        path = f"/protection-groups/{self.place.group_id}{path}"
        answer = self.place.sites[letter].ask(method, path, body)
        self.assertLess(answer[0], 300, answer)
