# SPDX-License-Identifier: Apache-2.0
"""Stuck is impossible, whatever each of the two sites holds of a group.

Each site decides by its own rows: what a move that did not end left at one of
them, the other one never heard of, or only saw claimed.  Of every such pair,
and whichever of the sites can be asked, one takes an action that leads out.
"""

from collections.abc import Iterator
import dataclasses
import itertools

from protector import constants as c
from protector.api import legality
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.tests import base

S, V, K = c.GroupStatus, c.Verb, c.Condition
OTHER = {"a": "b", "b": "a"}
RUNS = {"a": S.ACTIVE, "b": S.FAILED_OVER}
MOVE = {"a": V.FAILBACK, "b": V.FAILOVER}
# asked of one site, without the other
ALONE = (V.DELETE, V.REHOME)


@dataclasses.dataclass(frozen=True)
class View:
    """What one site holds; the group was created at a.

    ``held``: the epoch of the document, ``epoch`` that of the claim.
    ``seen``: the highest epoch that it knows of.
    ``released``: it gave the group away.
    """

    status: str
    primary: str
    held: int
    epoch: int
    seen: int
    error: str | None = None
    released: bool = False
    synced: bool = True
    conditions: frozenset[str] = frozenset()
    drill: bool = False

    def runs_at(self, site: str) -> bool:
        """By all that is known, and nothing is to be done."""
        return self == dataclasses.replace(
            self,
            status=RUNS[site],
            primary=site,
            epoch=self.held,
            seen=self.held,
            error=None,
            released=False,
        )


def rests(site: str, epoch: int) -> View:
    return View(RUNS[site], site, epoch, epoch, epoch)


def pairs() -> Iterator[dict[str, View]]:
    """What both hold when a move from a source has ended somewhere on its
    way, or both rest."""
    for source, epoch in (("a", 1), ("b", 2)):
        target, claim = OTHER[source], epoch + 1
        before, after = rests(source, epoch), rests(target, claim)
        given = dataclasses.replace(before, seen=claim, released=True)
        saw = dataclasses.replace(before, seen=claim)
        failed = dataclasses.replace(
            before, status=S.ERROR, error=MOVE[target], seen=claim
        )
        claimed = dataclasses.replace(failed, epoch=claim)
        untold = dataclasses.replace(after, synced=False)
        for there, here in (
            (before, before),
            # a planned move that could not be taken back, or waits for the
            # answer to its release, or has it
            (failed, before),
            (failed, given),
            (claimed, given),
            # an unplanned one, which the source has seen or not
            (claimed, before),
            (claimed, saw),
            # one that has settled
            (untold, before),
            (untold, saw),
            (untold, given),
        ):
            yield {source: here, target: there}


def every() -> Iterator[tuple[dict[str, View], frozenset[str]]]:
    """With what is seen beside, and the sites that can be asked."""
    for pair, drill in itertools.product(pairs(), (False, True)):
        held = {
            site: dataclasses.replace(view, drill=drill)
            for site, view in pair.items()
        }
        yield held, frozenset("ab")
        yield _with(held, "ab", K.SPLIT), frozenset("ab")
        for site in "ab":
            yield held, frozenset(site)
            yield _with(held, site, K.UNPROTECTED), frozenset(site)


def _with(
    held: dict[str, View], sites: str, condition: str
) -> dict[str, View]:
    """Two histories are not in sync; a lost site has not the last one."""
    changed = {
        site: dataclasses.replace(
            held[site], conditions=frozenset({condition}), synced=False
        )
        for site in sites
    }
    return held | changed


def group(view: View) -> models.ProtectionGroup:
    return models.ProtectionGroup(
        id="g",
        name="web",
        status=view.status,
        error_verb=view.error,
        primary_site_id="a",
        secondary_site_id="b",
        current_primary_site_id=view.primary,
        operation_id=None,
        epoch=view.epoch,
        epoch_seen=view.seen,
        conditions={k: {"status": True} for k in view.conditions},
    )


def situation(view: View, here: str) -> legality.Situation:
    sites = {n: models.Site(id=n, name=n, endpoint=None) for n in OTHER}
    status = c.SyncStatus.SYNCED if view.synced else c.SyncStatus.FAILED
    taken = protection_groups.is_taken(group(view), here)
    drill = models.Drill(operation_id="d", status=c.DrillStatus.RUNNING)
    return legality.Situation(
        local=sites[here],
        primary=sites[view.primary],
        peer=sites[OTHER[here]],
        sync=metadata_sync.State(status, 2, 2, view.held),
        configured=True,
        members=1,
        settled=1,
        parked=False,
        drill=drill if view.drill else None,
        released=view.released or taken,
    )


def ways_out(held: dict[str, View], asked: frozenset[str]) -> Iterator[str]:
    """What a site takes that can be asked, and that what it needs beside
    is there for."""
    for here in asked:
        view = held[here]
        row, around = group(view), situation(view, here)
        for verb in MOVE.values():
            if legality.refusal_unplanned(verb, row, around) is None:
                yield f"unplanned {verb} at {here}"
        for verb in (*ALONE, *_both(held, asked)):
            if legality.refusal(verb, row, around) is None:
                yield f"{verb} at {here}"


def _both(held: dict[str, View], asked: frozenset[str]) -> Iterator[V]:
    """What both sites are needed for; a document ends no claim."""
    if len(asked) == 2:
        yield V.RESOLVE_SPLIT
        if all(view.epoch == view.held for view in held.values()):
            yield V.SYNC


def is_well(held: dict[str, View], asked: frozenset[str]) -> bool:
    """It runs at one that can be asked, and the other one, if it can, says
    the same, or will by itself: it holds less of one history."""
    if any(view.conditions for view in held.values()):
        return False
    newest = max(held[site].epoch for site in asked)
    return any(
        held[site].runs_at(site) and held[site].held == newest
        for site in asked
    )


class PairsTest(base.TestCase):
    def test_one_site_takes_what_leads_out(self) -> None:
        stuck, seen = [], 0
        for held, asked in every():
            if not is_well(held, asked):
                seen += 1
                if not list(ways_out(held, asked)):
                    stuck.append((held, asked))
        self.assertEqual([], stuck)
        self.assertGreater(seen, 80)

    def test_without_the_claim_that_was_seen_there_is_none(self) -> None:
        """The walk would find it: the source refused everything."""
        saw = dataclasses.replace(rests("a", 1), seen=2)
        claimed = View(S.ERROR, "a", 1, 2, 2, error=V.FAILOVER)
        held = {"a": saw, "b": claimed}
        self.assertFalse(is_well(held, frozenset("a")))
        self.assertIn(
            "unplanned failback at a", list(ways_out(held, frozenset("a")))
        )
        blind = held | {"a": rests("a", 1)}
        self.assertEqual([], list(ways_out(blind, frozenset("a"))))

    def test_a_lost_site_leaves_two_ways(self) -> None:
        """Wherever it runs: gone, or taken to another site; what is at the
        lost one is taken over first."""
        for held, asked in every():
            for here in asked:
                if K.UNPROTECTED in held[here].conditions:
                    found = set(ways_out(held, asked))
                    self.assertIn(f"{V.DELETE} at {here}", found, held)
