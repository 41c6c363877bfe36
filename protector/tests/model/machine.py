# SPDX-License-Identifier: Apache-2.0
"""The rules: what users, guests, crashes and networks do to two sites.

What must be true is ``invariants``'; that everything comes to a good end is
``endings``'.
"""

import collections
from typing import Any

from hypothesis import stateful
from hypothesis import strategies as st

from protector import constants as c
from protector.tests.model import bed as beds
from protector.tests.model import endings, invariants, links, world

Json = dict[str, Any]
LETTERS = st.sampled_from("ab")
SPANS = st.sampled_from((2, 10, 40, 150))
CUTS = st.sampled_from(
    (
        links.KINDS,
        links.KINDS,
        (links.PEER,),
        (links.CLOUD,),
        (links.ARRAY,),
        (links.CLOUD, links.ARRAY),
    )
)
MOMENTS = st.sampled_from(("before", "after", "recorded"))
Counts = collections.Counter[str]


class Machine(stateful.RuleBasedStateMachine):
    """:param counts: of all scenarios."""

    def __init__(self, bed: beds.Bed, counts: Counts) -> None:
        super().__init__()
        self.bed = bed
        self.counts = counts
        self.bad = False

    @stateful.initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.bed.begin(seed)
        self.watch = invariants.Watch(self.bed)
        self.token = 0
        self.counts["scenarios"] += 1
        self.bed.run(35)

    def teardown(self) -> None:
        if not hasattr(self, "watch"):
            return
        try:
            if not self.bad:
                with self._told():
                    endings.end_well(self.bed, self.watch)
        finally:
            self.counts["deaths"] += sum(
                site.fate.deaths for site in self.bed.sites.values()
            )
            self.bed.witnesses.clear()
            self.bed.end()

    @stateful.invariant()
    def holds(self) -> None:
        if hasattr(self, "watch"):
            self.counts["steps"] += 1
            with self._told():
                self.watch.check()

    def _told(self) -> Any:
        return endings.told(self)

    # -- guests

    @stateful.rule(letter=LETTERS)
    def write(self, letter: str) -> None:
        """The guests that run write to all their disks."""
        cloud = self.bed.clouds[letter]
        for name, _ in beds.SERVERS:
            for server in world.running(self.bed, letter, name):
                for disk in cloud.compute.disks[server.id]:
                    self.token += 1
                    self.watch.written.add(self.token)
                    volume = cloud.volume.on_array(disk.volume_id)
                    volume.content |= {self.token}

    # -- time

    @stateful.rule(seconds=SPANS)
    def let_go_on(self, seconds: int) -> None:
        self._run(lambda: self.bed.run(seconds))

    @stateful.rule()
    def let_finish(self) -> None:
        self._run(lambda: self.bed.sim.run(lambda: not self.bed.busy(), 300))

    # -- what fails

    @stateful.rule(kinds=CUTS)
    def cut(self, kinds: tuple[str, ...]) -> None:
        self.counts["partitions"] += 1
        self.bed.cut(*kinds)

    @stateful.rule()
    def heal(self) -> None:
        self.bed.cut()

    @stateful.rule(letter=LETTERS, kind=MOMENTS, left=st.integers(0, 25))
    def doom(self, letter: str, kind: str, left: int) -> None:
        """The engine dies when it gets there."""
        self.bed.sites[letter].fate.plan(kind, left)

    @stateful.rule()
    def revive(self) -> None:
        """Engines that died are started."""
        self._run(self._revive)

    def _revive(self) -> None:
        self.bed.start()
        self.bed.run(10)

    # -- what users do

    @stateful.rule(letter=LETTERS)
    def move(self, letter: str) -> None:
        self._move(letter, {"type": "planned"})

    @stateful.rule(letter=LETTERS)
    def take(self, letter: str) -> None:
        self._move(letter, {"type": "unplanned", "confirm": True})

    @stateful.rule(letter=LETTERS)
    def take_back(self, letter: str) -> None:
        """What is parked, without a recovery point."""
        body = {"type": "unplanned", "confirm": True}
        self._move(letter, {**body, "recovery_point": c.PARKED_POINT})

    def _move(self, letter: str, args: Json) -> None:
        verb = c.Verb.FAILBACK if letter == "a" else c.Verb.FAILOVER
        self.act(letter, verb, args)

    @stateful.rule(
        letter=LETTERS,
        verb=st.sampled_from(
            (c.Verb.REPLICATE, c.Verb.REPROTECT, c.Verb.REPLICATE)
        ),
    )
    def replicate(self, letter: str, verb: str) -> None:
        self.act(letter, verb, {})

    @stateful.rule(letter=LETTERS, text=st.sampled_from("xyz"))
    def describe(self, letter: str, text: str) -> None:
        body = {"protection_group": {"description": text}}
        self.ask(c.Verb.UPDATE, letter, "PUT", "", body)

    def act(self, letter: str, verb: str, args: Json) -> None:
        self.ask(verb, letter, "POST", "/action", {str(verb): args})

    def ask(
        self, verb: str, letter: str, method: str, path: str, body: Any
    ) -> None:
        """A request about the group, whatever the answer is."""
        full = f"/protection-groups/{self.bed.group_id}{path}"

        def run() -> None:
            site = self.bed.sites[letter]
            status, found = site.ask(method, full, body)
            word = "accepted" if status < 300 else "refused"
            self.counts[f"{verb} {word}"] += 1
            if status >= 500 and status != 503:
                raise invariants.Violation(f"{verb}: {status} {found}")
            self.bed.run(1)

        self._run(run)

    def _run(self, call: Any) -> None:
        with self._told():
            call()
