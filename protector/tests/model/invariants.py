# SPDX-License-Identifier: Apache-2.0
"""The seven invariants of the design's first section, over both databases
and the world.

``Watch`` is asked after each step, and sees each change before it is made.
"""

from typing import Any

from protector import constants as c
from protector import states
from protector.engine import conditions
from protector.tests.model import bed as beds
from protector.tests.model import dead_site, transients, world

RUNS = c.Finding.PARKED_SERVER_RUNS
THERE = conditions.NOT_FENCED_THERE
STARTS = frozenset({"start", "unshelve", "create_server"})
CONTACT_SECONDS = 900.0
"""How long both sites have to see each other until one has given in."""


class Violation(AssertionError):
    """What must be true is not."""


class Watch:
    """Of one scenario.

    :ivar written: tokens that guests wrote.
    :ivar given_up: those whose last copy a user gave up.
    :ivar forgot: a site does not know what it once made.
    """

    def __init__(self, bed: beds.Bed) -> None:
        self._bed = bed
        self.written: set[int] = set()
        self.given_up: set[int] = set()
        self.forgot = False
        self._seen: list[Violation] = []
        self._apart = bed.sim.now
        self._epochs = {"a": 0, "b": 0}
        self._moves = dead_site.Moves(bed)
        self._transients = transients.Transients(bed)
        bed.witnesses[:] = [self]

    # -- each call, and each change

    def called(self, here: str, there: str, kind: str) -> None:
        """A call to the other site is about to be made."""
        if path := self._bed.sim.doing:
            error = f"dead site: {path} at {here} asks the {kind} of {there}"
            self._seen.append(Violation(error))

    def saw(
        self, here: str, there: str, name: str, args: tuple[Any, ...]
    ) -> None:
        """An engine makes a change; what is wrong with it is told by the
        next check, because no step lets an exception through."""
        if name not in STARTS or _is_clone(args):
            return
        try:
            self._starts(here, there, name, args)
        except Violation as e:
            self._seen.append(e)

    def _starts(
        self, here: str, there: str, name: str, args: tuple[Any, ...]
    ) -> None:
        held = world.held(self._bed, here)
        if held is None:
            raise Violation(f"one primary: {name} for a group that is gone")
        epoch = held.group.epoch
        claimant = "a" if epoch % 2 else "b"
        if claimant != there:
            raise Violation(
                f"one primary: site {here}, which knows epoch {epoch}, makes "
                f"a server run at site {there} ({name} {args})"
            )
        if _planned(held, self._bed.sites[here].site_id):
            self._nothing_left_behind(there, name, args)

    def _nothing_left_behind(
        self, there: str, name: str, args: tuple[Any, ...]
    ) -> None:
        """Nothing runs where a planned move comes from, and all that was
        written there is in what begins to run."""
        bed, other = self._bed, world.OTHER[there]
        here = world.about_to_run(bed, there, args)
        for server in bed.clouds[other].compute.rows.values():
            if server.name != here.name:
                continue
            if server.status == world.RUNNING:
                raise Violation(
                    f"one primary: planned {name} at {there} while "
                    f"{server.id} runs at {other}"
                )
            if lost := world.contents(bed, other, server.id) - here.content:
                raise Violation(
                    f"nothing is lost: planned {name} at {there} without "
                    f"{sorted(lost)}"
                )

    def restored(self, letter: str) -> None:
        """The site does not know any more what it knew."""
        self._epochs[letter] = 0
        self.forgot = True
        # what it forgot has to be seen first
        self._apart = self._bed.sim.now
        self._moves.disturbed()
        self._transients.disturbed()

    # -- each step

    def check(self) -> None:
        """:raises Violation: something is not as it must be."""
        if self._seen:
            raise self._seen[0]
        self.nothing_is_lost()
        held = {s: world.held(self._bed, s) for s in "ab"}
        self.one_history(held)
        self.one_primary(held)
        self.observed(held)
        self.dead_site(held)
        self.told(held)
        self.transient(held)
        self.no_secret()

    def nothing_is_lost(self) -> None:
        kept = self._bed.arrays.tokens() | self.given_up
        if lost := self.written - kept:
            raise Violation(f"nothing is lost: {sorted(lost)} are nowhere")

    def one_history(self, held: dict[str, Any]) -> None:
        """Epochs never go back; one version has one content."""
        for letter, found in held.items():
            epoch = found.group.epoch if found else self._epochs[letter]
            if epoch < self._epochs[letter]:
                raise Violation(f"epoch of {letter} went back to {epoch}")
            self._epochs[letter] = epoch
        a, b = (found.triple if found else None for found in held.values())
        if a and b and (a.epoch, a.version) == (b.epoch, b.version):
            if a.checksum != b.checksum:
                raise Violation(f"two documents of version {a}")

    def one_primary(self, held: dict[str, Any]) -> None:
        """After contact one copy runs."""
        bed = self._bed
        if bed.links.cut or bed.links.dark or not self._all_live():
            self._apart = bed.sim.now
        if bed.sim.now - self._apart < CONTACT_SECONDS:
            return
        if any(h and (h.running or _is_split(h)) for h in held.values()):
            return
        for name, _ in beds.SERVERS:
            both = [s for s in "ab" if world.running(bed, s, name)]
            if len(both) > 1 and not self._is_shown(held):
                raise Violation("one primary: two copies run in contact")

    def _is_shown(self, held: dict[str, Any]) -> bool:
        """Of a site that forgot that it runs the group nobody knows which
        copy is in use: the one that it calls parked is shown there, and at
        the other site that it may run, and nothing is stopped."""
        return self.forgot and all(
            found is not None
            and found.reason(c.Condition.SOURCE_FENCED)
            == (THERE if found.current(self._bed.sites[at].site_id) else RUNS)
            for at, found in held.items()
        )

    def _all_live(self) -> bool:
        return all(site.is_alive for site in self._bed.sites.values())

    def observed(self, held: dict[str, Any]) -> None:
        """What rests is as it is said to be."""
        for letter, found in held.items():
            if found is not None:
                self._no_false_alarm(letter, found)
            if found is None or found.running or found.group.operation_id:
                continue
            if not found.current(self._bed.sites[letter].site_id):
                continue
            self._fenced(letter, held)

    def dead_site(self, held: dict[str, Any]) -> None:
        """What it is never asked is ``called``'s."""
        for late in self._moves.late(held):
            raise Violation(f"dead site: {late}")

    def transient(self, held: dict[str, Any]) -> None:
        """What is under way has an owner, a deadline and an exit."""
        for stuck in self._transients.stuck(held):
            raise Violation(f"transient: {stuck}")

    def told(self, held: dict[str, Any]) -> None:
        """An operation says when and what, and what went wrong."""
        for found in held.values():
            for operation in found.operations if found else ():
                if missing := _untold(operation):
                    raise Violation(
                        f"seen: {operation.kind} is {operation.status} "
                        f"without {missing}"
                    )

    def no_secret(self) -> None:
        for letter, site in self._bed.sites.items():
            if site.shows:
                raise Violation(f"secret: site {letter} shows one")

    def _no_false_alarm(self, letter: str, found: world.Held) -> None:
        """What is parked runs only where a site forgot that it does: in no
        scenario somebody starts it behind Protector's back."""
        shown = found.group.conditions.get(c.Condition.SOURCE_FENCED) or {}
        if not self.forgot and shown.get("reason") == RUNS:
            raise Violation(f"observed: {letter} shows {shown['message']}")

    def _fenced(self, letter: str, held: dict[str, Any]) -> None:
        mine, theirs = held[letter], held[world.OTHER[letter]]
        if mine.condition(c.Condition.SOURCE_FENCED) is not True:
            return
        if theirs and theirs.group.epoch >= mine.group.epoch:
            if theirs.running or theirs.group.epoch > mine.group.epoch:
                return
        if self.forgot and self._bed.sim.now - self._apart < CONTACT_SECONDS:
            return
        for server in world.running(self._bed, world.OTHER[letter], "web"):
            raise Violation(
                f"observed: {letter} says that {server.id} is fenced"
            )


def _untold(operation: Any) -> str | None:
    """What an operation should tell in its status, and does not."""
    error = operation.error or {}
    ended = operation.status not in c.UNFINISHED
    unwell = operation.status in (
        c.OperationStatus.FAILED,
        c.OperationStatus.CANCELLED,
    )
    told = {
        "its end": operation.finished_at or not ended,
        "a reason": error.get("reason") or not unwell,
        "a message": error.get("message") or not unwell,
        "a result": operation.result or not ended or unwell,
    }
    return next((name for name, found in told.items() if not found), None)


def _is_split(held: world.Held) -> bool:
    return held.condition(c.Condition.SPLIT) is True


def _planned(held: world.Held, site_id: str) -> bool:
    """Whether a planned move to a site is under way there."""
    return any(
        o.kind in c.PLACEMENT_VERBS
        and not states.is_unplanned(o.args)
        and o.executor_site_id == site_id
        for o in held.running
    )


def _is_clone(args: tuple[Any, ...]) -> bool:
    body = args[0]
    return isinstance(body, dict) and "protector_drill" in body["metadata"]
