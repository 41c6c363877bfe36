# SPDX-License-Identifier: Apache-2.0
"""Which verb is legal in which status: the one table, and its check.

Pure data and functions; who holds the slot and which site is asked is the
business of the callers.
"""

from typing import Any

from protector import constants as c
from protector import exception

V = c.Verb
S = c.GroupStatus

CHANGES = frozenset(
    {
        V.UPDATE,
        V.MEMBER_ADD,
        V.MEMBER_REMOVE,
        V.POLICY_SET,
        V.POLICY_DELETE,
        V.MAPPINGS_SET,
        V.SYNC,
        V.REPLICATE,
        V.REPROTECT,
        V.SOURCE_CLEANUP,
        V.RESOLVE_SPLIT,
    }
)
# wait for their turn instead of being refused while the slot is taken
QUEUED = frozenset({V.MEMBER_ADD, V.MEMBER_REMOVE})

LEGAL: dict[S, frozenset[V]] = {
    # the creating operation itself
    S.CREATING: frozenset({V.CREATE}),
    S.ACTIVE: CHANGES | c.DRILL_VERBS | {V.DELETE, V.FAILOVER},
    S.FAILING_OVER: frozenset({V.TEST_CLEANUP}),
    S.FAILED_OVER: CHANGES | c.DRILL_VERBS | {V.FAILBACK},
    S.FAILING_BACK: frozenset({V.TEST_CLEANUP}),
    S.DELETING: frozenset({V.TEST_CLEANUP}),
}
AFTER_A_MOVE = frozenset({V.UPDATE, V.SYNC, V.TEST_CLEANUP, V.RESOLVE_SPLIT})
# in status error, by the verb that failed
LEGAL_IN_ERROR: dict[V, frozenset[V]] = {
    V.CREATE: frozenset({V.CREATE, V.DELETE, V.UPDATE}),
    V.DELETE: frozenset({V.DELETE, V.UPDATE, V.TEST_CLEANUP}),
    V.FAILOVER: c.PLACEMENT_VERBS | AFTER_A_MOVE,
    V.FAILBACK: c.PLACEMENT_VERBS | AFTER_A_MOVE,
}
# what the group is while such an operation runs; the others leave it alone
TRANSIENT: dict[V, S] = {
    V.CREATE: S.CREATING,
    V.DELETE: S.DELETING,
    V.FAILOVER: S.FAILING_OVER,
    V.FAILBACK: S.FAILING_BACK,
}
SETTLED: dict[V, S] = {
    V.CREATE: S.ACTIVE,
    V.FAILOVER: S.FAILED_OVER,
    V.FAILBACK: S.ACTIVE,
}


# whoever is lost must not be waited for, whatever the group was doing
UNPLANNED = frozenset(
    {S.ACTIVE, S.FAILING_OVER, S.FAILED_OVER, S.FAILING_BACK, S.ERROR}
)


# with the other site declared lost: what takes that site, or the arrays of
# both
NEEDS_BOTH = frozenset(
    {
        V.SYNC,
        V.REPLICATE,
        V.REPROTECT,
        V.SOURCE_CLEANUP,
        V.RESOLVE_SPLIT,
        V.FAILOVER,
        V.FAILBACK,
    }
)
# and what leads out of it: from any status that nobody is at work in
LEAVES_FORGOTTEN = frozenset({V.DELETE})
LEAVES_ALONE = frozenset({V.DELETE, V.REHOME})
BUSY = frozenset({S.FAILING_OVER, S.FAILING_BACK, S.DELETING})


def is_unplanned(args: dict[str, Any]) -> bool:
    """Whether the arguments of a verb ask for an unplanned move."""
    return args.get("type") == c.FailoverType.UNPLANNED


def legal(
    status: str,
    error_verb: str | None,
    alone: bool = False,
    forgotten: bool = False,
) -> frozenset[V]:
    """The verbs that a group in this status takes.

    :param alone: its other site was declared lost.
    :param forgotten: its other site has lost what it acknowledged.
    """
    found = LEGAL.get(S(status), frozenset())
    if status == S.ERROR:
        found = LEGAL_IN_ERROR.get(V(error_verb or V.CREATE), frozenset())
    if S(status) not in BUSY and (alone or forgotten):
        found |= LEAVES_ALONE if alone else LEAVES_FORGOTTEN
    return found - NEEDS_BOTH if alone else found


def refusal(
    verb: str,
    name: str,
    status: str,
    error_verb: str | None = None,
    alone: bool = False,
    forgotten: bool = False,
) -> exception.InvalidStatus | None:
    """Why a group called ``name`` refuses ``verb``; None when it does not."""
    if V(verb) in legal(status, error_verb, alone, forgotten):
        return None
    if alone and V(verb) in NEEDS_BOTH:
        return site_is_lost(name, verb)
    return exception.InvalidStatus(
        f"Protection group {name} is in status {status}: "
        f"{verb.replace('_', ' ')} is not possible.",
        remedy=_remedy(V(verb), S(status)),
        status=status,
        verb=verb,
    )


def refusal_unplanned(
    verb: str, name: str, status: str, error_verb: str | None
) -> exception.InvalidStatus | None:
    """Why a group refuses to move without its source; None when it does
    not.  A group that was not made, or is half gone, has nothing to move."""
    unmade = status == S.ERROR and error_verb in (None, V.CREATE, V.DELETE)
    if S(status) in UNPLANNED and not unmade:
        return None
    return exception.InvalidStatus(
        f"Protection group {name} is in status {status}: unplanned {verb} "
        "is not possible.",
        remedy=_remedy(V(verb), S(status)),
        status=status,
        verb=verb,
    )


def runs_already(name: str, site: str) -> exception.InvalidStatus:
    """The refusal of a move to where the group is."""
    return exception.InvalidStatus(
        f"Protection group {name} runs at {site} already.",
        remedy="Ask for the verb that leads to its other site, there.",
    )


def never_received(name: str) -> exception.InvalidStatus:
    """The refusal to take over what is not known here."""
    return exception.InvalidStatus(
        f"This site never received what protection group {name} consists of.",
        remedy="Run sync-force at the other site, when it answers.",
    )


def not_settled(name: str, epoch: int) -> exception.InvalidStatus:
    """The refusal to change what was claimed and does not run yet."""
    return exception.InvalidStatus(
        f"Protection group {name} was claimed for epoch {epoch}, and what "
        "claimed it has not settled.",
        remedy="Wait for the operation that claimed it, or retry it.",
        epoch=epoch,
    )


def not_empty(name: str, members: int) -> exception.GroupNotEmpty:
    """The refusal of a delete."""
    return exception.GroupNotEmpty(
        f"Protection group {name} still has {members} member(s).",
        members=members,
    )


def no_members(name: str) -> exception.InvalidStatus:
    """The refusal of a move of nothing."""
    return exception.InvalidStatus(
        f"Protection group {name} has no members to move.",
        remedy="Add a server to it.",
    )


def nothing_parked(name: str) -> exception.InvalidStatus:
    """The refusal to remove what is not there."""
    return exception.InvalidStatus(
        f"Protection group {name} has nothing parked at the site where it "
        "does not run.",
        remedy="There is nothing to do.",
    )


def drill_runs(name: str, operation_id: str) -> exception.InvalidStatus:
    """The refusal of a second drill."""
    return exception.InvalidStatus(
        f"Protection group {name} has a drill already, of operation "
        f"{operation_id}.",
        remedy="End it with test_cleanup first.",
        operation_id=operation_id,
    )


def no_drill(name: str) -> exception.InvalidStatus:
    """The refusal of a cleanup of nothing."""
    return exception.InvalidStatus(
        f"Protection group {name} has no drill to clean up.",
        remedy="Nothing is left to do.",
    )


def drill_busy(name: str, operation_id: str) -> exception.InvalidStatus:
    """The refusal of a cleanup of what another operation works at."""
    return exception.InvalidStatus(
        f"Operation {operation_id} is at work on the drill of protection "
        f"group {name}.",
        remedy="Wait for it, or cancel it: a cancelled drill is cleaned up.",
        operation_id=operation_id,
    )


def site_is_lost(name: str, verb: str) -> exception.InvalidStatus:
    """The refusal of what takes a site that was declared lost."""
    return exception.InvalidStatus(
        f"The other site of protection group {name} was declared lost: "
        f"{verb.replace('_', ' ')} is not possible.",
        remedy="Delete the group, or protect it at another site with rehome; "
        "if it runs at the lost site, take it over with an unplanned move "
        "first. If the site is back, have the administrator take the "
        "declaration back.",
        verb=verb,
    )


def one_history(name: str) -> exception.InvalidStatus:
    """The refusal to choose where there is no choice."""
    return exception.InvalidStatus(
        f"The sites hold one history of protection group {name}.",
        remedy="There is nothing to do.",
    )


def not_configured(name: str) -> exception.InvalidStatus:
    """The refusal of what needs an array group."""
    return exception.InvalidStatus(
        f"Protection group {name} does not replicate yet: it has no array "
        "group.",
        remedy="Set a replication policy; check that the arrays of both "
        "sites are configured.",
    )


def _remedy(verb: V, status: S) -> str:
    if verb == V.FAILOVER and status == S.FAILED_OVER:
        return "The group runs at its secondary site: use failback."
    if verb == V.FAILBACK and status == S.ACTIVE:
        return "The group runs at its primary site: use failover."
    if verb == V.DELETE and status == S.FAILED_OVER:
        return "Complete a failback first."
    if verb == V.REHOME:
        return "It is for a group whose other site was declared lost."
    if status == S.ERROR:
        return "See the last operation of the group and retry it."
    if status == S.DELETING:
        return "Wait for the deletion, or retry its operation."
    return "Wait for the running operation, or cancel it."
