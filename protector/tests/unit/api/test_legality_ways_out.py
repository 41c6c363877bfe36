# SPDX-License-Identifier: Apache-2.0
"""Stuck is impossible: whatever a group is, what is allowed leads out of it.

A walk over every status and everything that decides beside it.  A step of the
walk is what the table of the verbs and the rules of the requests allow, at one
of the sites; the ends are a group that is well, and one that is gone.  Here
both sites hold the same; ``test_legality_pairs`` is of what they do not.
"""

from collections.abc import Iterator
import dataclasses
import itertools

from protector import constants as c
from protector import states
from protector.api import legality
from protector.db import models
from protector.db.api import metadata_sync
from protector.tests import base

S, V, K = c.GroupStatus, c.Verb, c.Condition
SITES = ("a", "b")
RESTING = (S.ACTIVE, S.FAILED_OVER)
TRANSIENT = {status: verb for verb, status in states.TRANSIENT.items()}


@dataclasses.dataclass(frozen=True)
class State:
    """Of a group between a and b, created at a.

    ``split``: the sites hold two histories.
    ``regressed``: b lost what it acknowledged; a tells so.
    ``lost``: b was declared lost, at a; nothing can be asked of it.
    """

    status: str
    error_verb: str | None
    primary: str
    members: bool
    synced: bool
    split: bool
    regressed: bool
    lost: bool

    def at(self, primary: str) -> "State":
        """Settled where it runs from now on."""
        status = S.ACTIVE if primary == "a" else S.FAILED_OVER
        return dataclasses.replace(
            self, status=status, error_verb=None, primary=primary
        )


GONE = None
WELL = [
    State(
        S.ACTIVE if primary == "a" else S.FAILED_OVER,
        None,
        primary,
        members,
        True,
        False,
        False,
        False,
    )
    for primary in SITES
    for members in (True, False)
]


def every() -> Iterator[State]:
    """All that a group can be."""
    statuses = [(s, None) for s in S if s != S.ERROR]
    statuses += [(S.ERROR, verb) for verb in states.LEGAL_IN_ERROR]
    flags = itertools.product((True, False), repeat=5)
    for (status, verb), primary, more in itertools.product(
        statuses, SITES, tuple(flags)
    ):
        found = State(status, verb, primary, *more)
        if _possible(found):
            yield found


def _possible(state: State) -> bool:
    if state.status in RESTING and state != state.at(state.primary):
        return False
    unmade = S.CREATING == state.status or state.error_verb == V.CREATE
    if unmade and (state.members or state.split or state.regressed):
        return False
    if state.primary == "b":
        # made at a, or reserved by b, which was lost then; what b deletes it
        # does not show at a
        reserved = state.status == S.CREATING and state.lost
        if unmade and not reserved:
            return False
        if state.status == S.DELETING and state.lost:
            return False
    moving = TRANSIENT.get(S(state.status), state.error_verb)
    if moving in c.PLACEMENT_VERBS and not state.members:
        # there is nothing to move, and in these none is removed
        return False
    if state.lost and (state.split or state.regressed):
        # of the other history nobody asks any more
        return False
    if state.split or state.regressed:
        # that is what its site says of the peer
        return not state.synced
    return True


def group(state: State) -> models.ProtectionGroup:
    conditions = {
        K.SPLIT: state.split,
        K.PEER_REGRESSED: state.regressed,
        K.UNPROTECTED: state.lost,
    }
    return models.ProtectionGroup(
        id="g",
        name="web",
        status=state.status,
        error_verb=state.error_verb,
        primary_site_id="a",
        secondary_site_id="b",
        current_primary_site_id=state.primary,
        operation_id=None,
        epoch=1,
        conditions={k: {"status": v} for k, v in conditions.items()},
    )


def situation(state: State, here: str) -> legality.Situation:
    sites = {
        name: models.Site(id=name, name=name, endpoint=None) for name in SITES
    }
    there = next(name for name in SITES if name != here)
    status = c.SyncStatus.SYNCED if state.synced else c.SyncStatus.FAILED
    return legality.Situation(
        local=sites[here],
        primary=sites[state.primary],
        peer=sites[there],
        sync=metadata_sync.State(status, 2, 2 if state.synced else 1, 1),
        configured=True,
        members=int(state.members),
        settled=int(state.members),
        parked=False,
    )


def allowed(state: State) -> set[tuple[str, bool]]:
    """Verbs that one of the sites takes, and whether without the other."""
    found = set()
    # the lost site, and the one that forgot the group, take nothing
    forgot = state.regressed and not state.split
    asked = ("a",) if state.lost or forgot else SITES
    for here, verb in itertools.product(asked, V):
        row, around = group(state), situation(state, here)
        if legality.refusal(verb, row, around) is None:
            found.add((verb, False))
        if verb in c.PLACEMENT_VERBS:
            if legality.refusal_unplanned(verb, row, around) is None:
                found.add((verb, True))
    return found


def ends(state: State) -> Iterator[State]:
    """What becomes of a group when what runs on it ends, well or not; of a
    move the lock of the source runs out, wherever the other site is."""
    verb = TRANSIENT[S(state.status)]
    failed = dataclasses.replace(state, status=S.ERROR, error_verb=verb)
    if verb in c.PLACEMENT_VERBS:
        yield state.at(state.primary)
        yield failed
    elif not (state.lost and state.primary == "b"):
        # else it is for the lost site to end it, and never will be
        yield failed


def after(state: State) -> Iterator[State | None]:
    """What what is allowed makes of the group."""
    if state.status in TRANSIENT:
        yield from ends(state)
    for verb, alone in allowed(state):
        yield from _done(state, verb, alone)


def _done(state: State, verb: str, alone: bool) -> list[State | None]:
    if verb == V.DELETE:
        return [GONE]
    if verb == V.MEMBER_REMOVE:
        return [dataclasses.replace(state, members=False)]
    if verb == V.CREATE and state.status == S.ERROR:
        return [dataclasses.replace(state.at("a"), synced=not state.lost)]
    if verb == V.REHOME:
        # it has another site beside a then, called b here as well
        return [dataclasses.replace(_joined(state.at("a")), lost=False)]
    if verb in c.PLACEMENT_VERBS:
        return [_moved(state, verb, alone)]
    if verb == V.RESOLVE_SPLIT:
        # of either site, whichever is kept
        return [_joined(state.at(primary)) for primary in SITES]
    # only what a site makes itself it can give back
    makes = state.primary == "a" or not state.regressed
    if verb == V.SYNC and not state.split and makes:
        return [_joined(state)]
    return []


def _joined(state: State) -> State:
    return dataclasses.replace(
        state, synced=True, split=False, regressed=False
    )


def _moved(state: State, verb: str, alone: bool) -> State:
    moved = state.at("a" if verb == V.FAILBACK else "b")
    # a claim is told to the other site when that answers
    return _joined(moved) if alone and not state.lost else moved


class WaysOutTest(base.TestCase):
    def test_every_state_leads_to_one_that_is_well_or_gone(self) -> None:
        leads = {state: set(after(state)) for state in every()}
        good: set[State | None] = {GONE, *WELL}
        while more := {
            state
            for state, found in leads.items()
            if state not in good and found & good
        }:
            good |= more
        stuck = [state for state in leads if state not in good]
        self.assertEqual([], stuck)
        self.assertGreater(len(leads), 100)

    def test_each_step_alone_is_an_action_or_an_end(self) -> None:
        """Nothing but the end of what runs moves a group by itself."""
        for state in every():
            if state.status not in TRANSIENT and state not in WELL:
                self.assertNotEqual(set(), allowed(state), state)

    def test_a_choice_is_offered_exactly_in_a_split(self) -> None:
        for state in every():
            choice = (V.RESOLVE_SPLIT, False) in allowed(state)
            at_rest = (
                state.status in RESTING
                or state.error_verb in c.PLACEMENT_VERBS
            )
            self.assertEqual(state.split and at_rest, choice, state)

    def test_a_lost_site_is_never_needed(self) -> None:
        for state in every():
            if state.lost:
                self.assertEqual(
                    set(),
                    {v for v, alone in allowed(state) if not alone}
                    & states.NEEDS_BOTH,
                )
