# SPDX-License-Identifier: Apache-2.0
"""The rules: what users, guests, crashes and networks do to two sites.

What must be true is ``invariants``'; that everything comes to a good end is
``endings``'.
"""

from collections.abc import Iterable
from typing import Any

from hypothesis import stateful
from hypothesis import strategies as st

from protector import constants as c
from protector.tests.model import bed as beds
from protector.tests.model import counts, endings, invariants, links, world
from protector.tests.model import site as sites

Json = dict[str, Any]
LETTERS = st.sampled_from("ab")
# where a request makes sense, mostly
PLACES = st.sampled_from(("there", "there", "there", "elsewhere"))
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
MOMENTS = st.sampled_from((sites.STILL, "before", "after", "recorded"))


class Machine(stateful.RuleBasedStateMachine):
    """:param found: what all scenarios count.
    :param lead: steps with which each begins, and their arguments.
    """

    def __init__(
        self,
        bed: beds.Bed,
        found: counts.Counts,
        lead: Iterable[tuple[str, Json]] = (),
    ) -> None:
        super().__init__()
        self.bed = bed
        self.counts = found
        self.bad = False
        self._lead = lead
        self._checks = 0

    @stateful.initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.bed.begin(seed)
        self.watch = invariants.Watch(self.bed)
        self.token = 0
        self.bed.run(35)
        for name, arguments in self._lead:
            getattr(self, name)(**arguments)
            self.holds()

    def teardown(self) -> None:
        if not hasattr(self, "watch"):
            return
        try:
            if not self.bad:
                with self._told():
                    endings.end_well(self.bed, self.watch)
        finally:
            # the first check is of the beginning
            counts.scenario(self.counts, self._checks - 1)
            for site in self.bed.sites.values():
                self.counts["deaths"] += site.fate.deaths
                self.counts["engines stood still"] += site.fate.stood
            self.bed.witnesses.clear()
            self.bed.end()

    @stateful.invariant()
    def holds(self) -> None:
        if hasattr(self, "watch"):
            self._checks += 1
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

    @stateful.rule(letter=LETTERS)
    def grow(self, letter: str) -> None:
        """The user extends the disks of a server that runs."""
        cloud = self.bed.clouds[letter]
        for server in world.running(self.bed, letter, "web"):
            for disk in cloud.compute.disks[server.id]:
                size = cloud.volume.get(disk.volume_id).size + 1
                cloud.volume.set(disk.volume_id, size=size)
                cloud.volume.on_array(disk.volume_id).size = size

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

    @stateful.rule(letter=LETTERS)
    def lose(self, letter: str) -> None:
        """A whole site: its engine is gone, and nothing there is reached."""
        if not self.bed.links.dark:
            self.counts["sites lost"] += 1
            self.bed.lose(letter)

    @stateful.rule()
    def find(self) -> None:
        """The lost site is back, but for its engine."""
        self.bed.find()

    @stateful.rule(letter=LETTERS)
    def back_up(self, letter: str) -> None:
        self.bed.sites[letter].back_up()

    @stateful.rule(letter=LETTERS)
    def restore(self, letter: str) -> None:
        """The site starts again from its last backup, if there is one."""
        if self.bed.restore(letter):
            self.counts["databases restored"] += 1
            self.watch.restored(letter)

    @stateful.rule(letter=LETTERS, kind=MOMENTS, left=st.integers(0, 12))
    def doom(self, letter: str, kind: str, left: int) -> None:
        """The engine dies when it gets there, or stands still."""
        self.bed.sites[letter].fate.plan(kind, left)

    @stateful.rule()
    def thaw(self) -> None:
        """Engines that stood still go on, whether others were started
        meanwhile or not."""
        self._run(self._thaw)

    def _thaw(self) -> None:
        for site in self.bed.sites.values():
            site.thaw()
        self.bed.run(10)

    @stateful.rule()
    def revive(self) -> None:
        """Engines that died are started."""
        self._run(self._revive)

    def _revive(self) -> None:
        self.bed.start()
        self.bed.run(10)

    # -- what users do

    def _letter(self, place: str, current: bool) -> str:
        """Of the site where the group runs, or of the other one."""
        held = [world.held(self.bed, letter) for letter in "ab"]
        newest = max((h for h in held if h), key=_epoch, default=None)
        home = "a"
        if newest and not newest.current(self.bed.sites["a"].site_id):
            home = "b"
        wanted = current == (place == "there")
        return home if wanted else world.OTHER[home]

    @stateful.rule(place=PLACES)
    def move(self, place: str) -> None:
        self._move(place, {"type": "planned"})

    @stateful.rule(place=PLACES)
    def take(self, place: str) -> None:
        self._move(place, {"type": "unplanned", "confirm": True})

    @stateful.rule(place=PLACES)
    def take_back(self, place: str) -> None:
        """What is parked, without a recovery point."""
        body = {"type": "unplanned", "confirm": True}
        self._move(place, {**body, "recovery_point": c.PARKED_POINT})

    def _move(self, place: str, args: Json) -> None:
        letter = self._letter(place, current=False)
        verb = c.Verb.FAILBACK if letter == "a" else c.Verb.FAILOVER
        self.act(letter, verb, args)

    @stateful.rule(
        place=PLACES,
        verb=st.sampled_from(
            (c.Verb.REPLICATE, c.Verb.REPROTECT, c.Verb.SOURCE_CLEANUP)
        ),
    )
    def protect(self, place: str, verb: str) -> None:
        self.act(self._letter(place, current=True), verb, {})

    @stateful.rule(letter=LETTERS, verb=st.sampled_from(sorted(c.DRILL_VERBS)))
    def drill(self, letter: str, verb: str) -> None:
        self.act(letter, verb, {})

    @stateful.rule(letter=LETTERS, keep=LETTERS)
    def resolve_split(self, letter: str, keep: str) -> None:
        args = {"keep_site_id": self.bed.sites[keep].site_id}
        self.act(letter, c.Verb.RESOLVE_SPLIT, args)

    @stateful.rule(place=PLACES, text=st.sampled_from("xyz"))
    def describe(self, place: str, text: str) -> None:
        body = {"protection_group": {"description": text}}
        letter = self._letter(place, current=True)
        self.ask(c.Verb.UPDATE, letter, "PUT", "", body)

    @stateful.rule(place=PLACES, minutes=st.sampled_from((15, 30, None)))
    def set_policy(self, place: str, minutes: int | None) -> None:
        """Or delete it."""
        letter = self._letter(place, current=True)
        if minutes is None:
            self.ask(c.Verb.POLICY_DELETE, letter, "DELETE", "/policy", None)
            return
        body = {"policy": {"replication_interval_minutes": minutes}}
        self.ask(c.Verb.POLICY_SET, letter, "PUT", "/policy", body)

    @stateful.rule(place=PLACES, drills=st.booleans())
    def map_networks(self, place: str, drills: bool) -> None:
        """With networks for drills, or without."""
        wanted = {
            name: network
            for name, network in beds.MAPPINGS["networks"][0].items()
            if drills or not name.endswith("_test")
        }
        body = {"mappings": {"networks": [wanted]}}
        letter = self._letter(place, current=True)
        self.ask(c.Verb.MAPPINGS_SET, letter, "PUT", "/mappings", body)

    @stateful.rule(letter=LETTERS)
    def sync(self, letter: str) -> None:
        self.ask(c.Verb.SYNC, letter, "POST", "/sync-force", None)

    @stateful.rule(place=PLACES)
    def add(self, place: str) -> None:
        """The other server, while it runs at home."""
        body = {"member": {"instance_id": self.bed.servers["db"]}}
        letter = self._letter(place, current=True)
        self.ask(c.Verb.MEMBER_ADD, letter, "POST", "/members", body)

    @stateful.rule(place=PLACES)
    def remove(self, place: str) -> None:
        letter = self._letter(place, current=True)
        held = world.held(self.bed, letter)
        for member in held.members if held else ():
            if member.instance_id == self.bed.servers["db"]:
                path = f"/members/{member.id}"
                self.ask(c.Verb.MEMBER_REMOVE, letter, "DELETE", path, None)

    @stateful.rule(letter=LETTERS, action=st.sampled_from(("retry", "cancel")))
    def act_on_last(self, letter: str, action: str) -> None:
        """On the last operation that the site knows."""
        held = world.held(self.bed, letter)
        if held and held.operations:
            path = f"/operations/{held.operations[-1].id}/action"
            self._ask(action, letter, "POST", path, {action: {}})

    @stateful.rule(letter=LETTERS)
    def skip(self, letter: str) -> None:
        """What may be left out of the last operation that the site knows."""
        held = world.held(self.bed, letter)
        if not held or not held.operations:
            return
        path = f"/operations/{held.operations[-1].id}"
        _, body = self.bed.sites[letter].ask("GET", path)
        for step in body["operation"]["steps"]:
            if step["skippable"]:
                wanted = {"skip": {"step_id": step["id"]}}
                self._ask("skip", letter, "POST", f"{path}/action", wanted)
                return

    def act(self, letter: str, verb: str, args: Json) -> None:
        self.ask(verb, letter, "POST", "/action", {str(verb): args})

    def ask(
        self, verb: str, letter: str, method: str, path: str, body: Any
    ) -> None:
        """A request about the group, whatever the answer is."""
        full = f"/protection-groups/{self.bed.group_id}{path}"
        self._ask(verb, letter, method, full, body)

    def _ask(
        self, verb: str, letter: str, method: str, path: str, body: Any
    ) -> None:
        def run() -> None:
            site = self.bed.sites[letter]
            status, found = site.ask(method, path, body)
            word = "accepted" if status < 300 else "refused"
            self.counts[f"{verb} {word}"] += 1
            if status >= 500 and status != 503:
                raise invariants.Violation(f"{verb}: {status} {found}")
            self.bed.run(1)

        self._run(run)

    def _run(self, call: Any) -> None:
        with self._told():
            call()


def _epoch(held: world.Held) -> int:
    return held.group.epoch
