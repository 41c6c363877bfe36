# SPDX-License-Identifier: Apache-2.0
"""Every neighbour misbehaves in every way while a group moves."""

from collections.abc import Callable
from typing import Any

from protector import constants as c
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


ASKED = {"Keystone", "Nova", "Cinder", "Neutron", "array", "peer"}
"""Who is asked to change something, or for a token."""
KNOWN = ASKED | {"Placement"}
"""Whom the engine asks at all; of Glance it wants nothing."""
OFTEN = {"Keystone", "Nova", "Cinder", "array"}
"""Whom a drill asks at more steps than there are ways to be ill."""
ILL = (
    ("Keystone", True),
    ("Nova", False),
    ("Cinder", True),
    ("array", False),
    ("peer", False),
)
"""Who is ill while a group moves to copies that exist, and whether who only
reads meets it, too."""
LATE = (
    ("hangs", "Nova", False),
    ("503", "Keystone", True),
)
"""Who is ill from the start of the servers on, when a move can only go on."""
BUILDING = ("Cinder", "Neutron")
"""Who is asked for changes where copies are made."""


class NeighboursTest(tour.Tour):
    MATRIX = "bad neighbour"

    def plan(self, name: str) -> mortal.Plan:
        return mortal.Plan()

    def planned(self, verb: str, at: Any) -> Callable[[], Any]:
        return lambda: at.run_protection_group(
            self.group_id, verb, type="planned"
        )

    def expect_told(self, ended: models.Operation, *names: str) -> None:
        """The error says which neighbour it was."""
        said = str((ended.error or {}).get("message"))
        named = any(neighbours.named(said, name) for name in names)
        self.expect("the cause is told", named, bed.described(ended))

    def expect_known(self, plan: mortal.Plan) -> None:
        asked = getattr(plan, "asked", set())
        self.expect("nobody else is asked", asked <= KNOWN, asked - KNOWN)

    def insist(
        self,
        at: Any,
        verb: str,
        start: Callable[[], Any],
        plan: mortal.Plan,
        source: Any,
    ) -> None:
        """Ask until it is done, as the errors say.

        :param source: where the servers run as long as it is not.
        """
        for _ in range(ATTEMPTS):
            ended = self.attempt(at, verb, start, verb, plan)
            self.expect_known(plan)
            if ended.status == "completed":
                return
            self.expect_told(ended, *neighbours.SERVICES.values(), "site")
            if not ended.no_return:
                self.expect_content(source)
        self.violated(f"{verb} completes", bed.described(ended), plan)


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
        plan = neighbours.Once(self.kind) if self.kind else mortal.Plan()
        self.insist(target, verb, self.planned(verb, target), plan, source)
        self.expect_content(target)


class NonsenseTest(NeighboursTest):
    """Each service answers 200, and nothing that can be understood, once to
    each request of the life of a member."""

    def test_nonsense(self) -> None:
        self.create()
        self.set_mappings()
        before = self.inventory()
        self.kind = "nonsense"
        self._round(c.Verb.MEMBER_ADD, self.a, self.add)
        self.write(self.a)
        for verb, source, target in (
            ("failover", self.a, self.b),
            ("failback", self.b, self.a),
        ):
            start = self.planned(verb, target)
            self._round(verb, target, start, source)
            self.expect_content(target)
            self.write(target)
        self._round(c.Verb.MEMBER_REMOVE, self.a, self.remove)
        met = {name for name, *_ in self.rows}
        self.expect("all are met", met >= ASKED, met)
        self.expect_in_sync()
        self.expect_unchanged(before)

    def _round(
        self,
        verb: str,
        at: Any,
        start: Callable[[], Any],
        source: Any = None,
    ) -> None:
        plan = neighbours.Once(*neighbours.NONSENSE)
        self.insist(at, verb, start, plan, source or self.a)


class VerbsTest(NeighboursTest):
    """What is no planned move: each service is like that once in each of the
    ways, and a retry is all that it takes."""

    def setUp(self) -> None:
        super().setUp()
        self.left = self._each(list(neighbours.KINDS))

    def _each(self, kinds: list[str]) -> dict[str, list[str]]:
        return {name: list(kinds) for name in KNOWN}

    def test_verbs(self) -> None:
        self.kind = "each"
        self.ask_for_reprotection()
        before = self.inventory()
        created = self._insist(self.a, c.Verb.CREATE, self.make)
        self.group_id = str(created.protection_group_id)
        self.set_mappings()
        self.add_member()
        self.write(self.a)
        self.run_verb("replicate", self.a)
        calm = self.inventory()
        self._verb("test_failover")
        self.expect_content(self.a)
        self._verb("test_cleanup")
        self.expect_unchanged(calm)
        left = {name for name, kinds in self.left.items() if kinds}
        self.expect("in all ways", not left & OFTEN, self.left)
        self.left = self._each(list(neighbours.KINDS)[::-1])
        self._verb("failover", type="unplanned", confirm=True)
        full = len(neighbours.KINDS)
        well = {n for n, left in self.left.items() if len(left) == full}
        self.expect("all are met", not well & (OFTEN | {"Neutron"}), well)
        self.expect_content(self.b)
        self.until("fenced", lambda: self.condition(self.b, "SourceFenced"))
        self.expect_in_sync()
        self.run_verb("reprotect", self.b)
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)
        self.remove_member()
        self._insist(self.a, c.Verb.DELETE, self._delete)
        self.expect_unchanged(before)

    def _delete(self) -> Any:
        return self.a.delete_protection_group(self.group_id, discard_undo=True)

    def _verb(self, verb: str, **args: Any) -> None:
        run = self.b.run_protection_group
        self._insist(self.b, verb, lambda: run(self.group_id, verb, **args))

    def _insist(
        self, at: Any, verb: str, start: Callable[[], Any]
    ) -> models.Operation:
        plan = neighbours.Sampled(self.left)
        ended = self.attempt(at, verb, start, verb, plan)
        for _ in range(ATTEMPTS):
            self.expect_known(plan)
            if ended.status == "completed":
                return ended
            self.expect_told(ended, *neighbours.SERVICES.values(), "site")
            ended = self.retry(at, ended, plan)
        self.violated(f"{verb} completes", bed.described(ended), plan)


class LastingTest(NeighboursTest):
    """A service is ill for as long as an operation lasts: that ends in time,
    says why, and the servers run on at home; later it succeeds."""

    def setUp(self) -> None:
        super().setUp()
        for name, seconds in BOUNDS.items():
            for site in (self.bed.a, self.bed.b):
                site.conf.set_override(name, seconds, "engine")

    def test_lasting(self) -> None:
        self.create()
        self.set_mappings()
        self._add()
        self.write(self.a)
        self._there_and_back()
        calm = self.inventory()
        start = self.planned("failover", self.b)
        for name, reads in ILL:
            for kind in ("503", "hangs"):
                plan = neighbours.Always(kind, name, reads)
                ended = self._fail("failover", self.b, start, plan)
                self.expect("before the release", not ended.no_return)
                self.until("runs at home", self._at_home)
                self.expect_content(self.a)
                self.expect_unchanged(calm)
        self.write(self.a)
        self._there_and_back()

    def test_without_copies_before(self) -> None:
        """The move asks for ports, too."""
        self.create()
        self.set_mappings()
        self.set_policy(prestage=False)
        self.add_member()
        self.write(self.a)
        before = self.inventory()
        start = self.planned("failover", self.b)
        for name in BUILDING:
            for kind in ("503", "hangs"):
                plan = neighbours.Always(kind, name)
                ended = self._fail("failover", self.b, start, plan)
                self.expect("before the release", not ended.no_return)
                self.until("runs at home", self._at_home)
                self.expect_content(self.a)
                self.expect_unchanged(before)
        self._there_and_back()

    def test_past_the_point_of_no_return(self) -> None:
        """The move fails at the members, whom a retry brings up."""
        self.kind = None
        self.protect()
        self.write(self.a)
        self._there_and_back()
        calm = self.inventory()
        start = self.planned("failover", self.b)
        for kind, name, reads in LATE:
            self.write(self.a)
            plan = neighbours.Always(kind, name, reads, "servers.start")
            ended = self._fail("failover", self.b, start, plan)
            self.expect("after the release", ended.no_return)
            told = [m["status"] for m in (ended.result or {})["members"]]
            self.expect("each member is told", told == ["failed"], told)
            ended = self.retry(self.b, ended, mortal.Plan())
            said = bed.described(ended)
            self.expect("completes", ended.status == "completed", said)
            self.expect_content(self.b)
            self.run_verb("failback", self.a, type="planned")
            self.expect_content(self.a)
            self.expect_unchanged(calm)

    def _add(self) -> None:
        """A member, in spite of all."""
        before = self.inventory()
        for name in BUILDING:
            for kind in ("503", "hangs"):
                plan = neighbours.Always(kind, name)
                self._fail(c.Verb.MEMBER_ADD, self.a, self.add, plan)
                self.expect_unchanged(before)
        self.kind = None
        self.add_member()

    def _fail(
        self,
        verb: str,
        at: Any,
        start: Callable[[], Any],
        plan: neighbours.Always,
    ) -> models.Operation:
        self.kind = str(plan)
        self.bed.seams.plan = plan
        try:
            ended = self.attempt(at, verb, start, verb, plan)
        finally:
            self.bed.seams.plan = mortal.Plan()
        self.expect("met", bool(plan.met), plan)
        self.expect_known(plan)
        self.expect("fails", ended.status == "failed", ended.status)
        self.expect_told(ended, plan.name, "site")
        return ended

    def _there_and_back(self) -> None:
        self.kind = None
        for verb, at in (("failover", self.b), ("failback", self.a)):
            self.run_verb(verb, at, type="planned")
            self.expect_content(at)

    def _at_home(self) -> bool:
        """As it was, by the other engine or by the home's own."""
        return all(
            server.status == "ACTIVE" and not server.locked
            for server in self.running(self.a)
        )
