# SPDX-License-Identifier: Apache-2.0
"""A site that takes the group, fences the other one, and starts nothing: the
other one takes back what it holds, by itself where that is certain."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db.api import protection_groups, sites
from protector.engine import steps
from protector.engine.context import StepContext
from protector.tests import base
from protector.tests.model import (
    bed,
    endings,
    invariants,
    links,
    mutations,
    world,
)

SEEN_SECONDS = 150
TOKEN = 1


class ClaimedTest(base.TestCase):
    DEFAULT_TIMEOUT = 600

    def test_the_source_takes_it_back(self) -> None:
        self._claimed()
        self._back()
        self._is_back()
        endings.end_well(self.place, self.watch)

    def test_the_move_there_does_not_go_on_after_that(self) -> None:
        self._claimed()
        (failed,) = (
            operation
            for operation in world.held(self.place, "b").operations
            if operation.kind == c.Verb.FAILOVER
        )
        self._back()
        path = f"/operations/{failed.id}/action"
        answer = self.place.sites["b"].ask("POST", path, {"retry": {}})
        self.assertEqual(409, answer[0], answer)
        self.assertEqual("InvalidStatus", answer[1]["error"]["reason"])
        self._is_back()

    def test_the_source_takes_it_back_alone(self) -> None:
        self._claimed()
        self.place.lose("b")
        self.place.run(SEEN_SECONDS)
        self._back()
        self._is_back()
        self._returns()

    def test_the_other_site_is_declared_lost(self) -> None:
        self._claimed()
        self.place.lose("b")
        self._declare_lost()
        self.place.run(300)
        self._is_back()

    def test_one_that_was_lost_before_its_claim_was_seen(self) -> None:
        unseen = {"protector.engine.observer._claimed": mutations.nothing}
        self.useFixture(mutations.Mutation((), unseen))
        self._claimed()
        self.place.lose("b")
        self._declare_lost()
        self.place.run(1500)
        (server,) = world.running(self.place, "a", "web")
        self.assertFalse(server.locked)

    def test_its_site_dies_when_the_server_runs(self) -> None:
        """What it made there is neither forgotten nor goes on."""
        self._claimed(at="placement.settle")
        self.assertNotEqual([], world.running(self.place, "b", "web"))
        self._dies_and_returns()

    def test_not_what_runs_there(self) -> None:
        self._claimed(at="placement.settle")
        path = f"/protection-groups/{self.place.group_id}/action"
        back = {"failback": {"type": "unplanned", "confirm": True}}
        answer = self.place.sites["a"].ask("POST", path, back)
        self.assertEqual(409, answer[0], answer)
        self.assertIn("is ACTIVE at", answer[1]["error"]["message"])
        (server,) = world.running(self.place, "b", "web")
        self.place.clouds["b"].compute.stop(server.id)
        self.place.run(SEEN_SECONDS)
        self._back()
        self._is_back()
        (held,) = self.place.clouds["b"].compute.list_servers(name="web")
        self.assertEqual((server.id, True), (held.id, held.locked))
        endings.end_well(self.place, self.watch)

    def test_what_it_had_settled_is_shown_at_once(self) -> None:
        """It died before it told, and is back when the source takes the
        group: two histories, which nobody waits for."""
        self._ready()
        self.place.cut(links.PEER)
        unplanned = {"type": "unplanned", "confirm": True}
        self._act("b", c.Verb.FAILOVER, unplanned)
        self.place.settle()
        self._dies()
        self.place.cut()
        self.place.find()
        self.place.start()
        self._act("a", c.Verb.FAILBACK, unplanned)
        over = lambda: not self.place.busy()  # noqa: E731
        self.assertTrue(self.place.sim.run(over, SEEN_SECONDS))
        last = world.held(self.place, "a").operations[-1]
        self.assertEqual("failed", last.status)
        self.assertEqual("Split", last.error["reason"])
        endings.end_well(self.place, self.watch)

    # -- how it goes

    def _dies_and_returns(self) -> None:
        self._dies()
        self._back()
        self._returns()

    def _dies(self) -> None:
        self.place.lose("b")
        # site a heard of the claim before
        site = self.place.sites["a"]
        with site.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.place.group_id)
            protection_groups.see_epoch(group, 2)
        self.place.run(SEEN_SECONDS)

    def _returns(self) -> None:
        """Site b, which follows."""
        self.place.find()
        self.place.start()
        self.place.run(900)
        self._is_back()
        self.assertEqual(
            world.held(self.place, "a").triple,
            world.held(self.place, "b").triple,
        )
        endings.end_well(self.place, self.watch)

    def _claimed(self, at: str = "servers.start") -> None:
        """By site b, where no server starts, or which tells nobody."""
        self._ready()
        run, broken = steps.STEPS[at].run, [True]

        def failing(ctx: StepContext) -> Any:
            if broken and ctx.target == self.place.sites["b"].site_id:
                raise exception.UnexpectedState("It does not.")
            return run(ctx)

        runs = {at: failing}
        self.useFixture(mutations.Mutation((), runs=runs))
        unplanned = {"type": "unplanned", "confirm": True}
        self._act("b", c.Verb.FAILOVER, unplanned)
        self.place.settle()
        self.place.run(SEEN_SECONDS)
        broken.clear()
        self.assertEqual("error", bed.Shown(self.place, "b").body["status"])
        server = self._cloud().compute.get_server(self._original())
        self.assertEqual(("SHUTOFF", True), (server.status, server.locked))

    def _ready(self) -> None:
        self.place = self.useFixture(bed.Bed())
        self.place.begin(1)
        self.watch = invariants.Watch(self.place)
        self.place.run(35)
        (disk, *_) = self._cloud().compute.disks[self._original()]
        self._cloud().volume.on_array(disk.volume_id).content |= {TOKEN}

    def _back(self) -> None:
        self.assertIn("unplanned_failback", bed.Shown(self.place, "a").allowed)
        self._act("a", c.Verb.FAILBACK, {"type": "unplanned", "confirm": True})
        self.place.settle()
        self.place.run(SEEN_SECONDS)

    def _is_back(self) -> None:
        self.watch.check()
        shown = bed.Shown(self.place, "a")
        self.assertEqual("active", shown.body["status"])
        self.assertEqual(3, shown.body["epoch"])
        (server,) = world.running(self.place, "a", "web")
        self.assertEqual((self._original(), False), (server.id, server.locked))
        held = world.contents(self.place, "a", server.id)
        self.assertIn(TOKEN, held)
        self.assertEqual([], world.running(self.place, "b", "web"))

    def _original(self) -> str:
        return self.place.servers["web"]

    def _cloud(self) -> Any:
        return self.place.clouds["a"]

    def _act(self, letter: str, verb: c.Verb, args: Any) -> None:
        path = f"/protection-groups/{self.place.group_id}/action"
        answer = self.place.sites[letter].ask("POST", path, {str(verb): args})
        self.assertEqual(202, answer[0], answer)

    def _declare_lost(self) -> None:
        """When it is seen to be away."""
        self.place.run(SEEN_SECONDS)
        site, lost = self.place.sites["a"], self.place.sites["b"].site_id
        now = site.runtime.clock.now()
        with site.runtime.db.writer() as session:
            sites.declare_lost(session, now, sites.get(session, lost), "u-1")
