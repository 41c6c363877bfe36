# SPDX-License-Identifier: Apache-2.0
"""Whether a group takes a verb here and now: one rule, for the requests and
for what is published of them.

Knows what the database of this site knows; what the clouds, the arrays and
the peer say against a request is the engine's verdict.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import (
    drills,
    histories,
    members,
    metadata_sync,
    protection_groups,
    source_locks,
)

Group = models.ProtectionGroup
# may be asked of either site
ANYWHERE = (
    frozenset({c.Verb.SYNC, c.Verb.RESOLVE_SPLIT})
    | c.PLACEMENT_VERBS
    | c.DRILL_VERBS
)
# go on while the peer does not hold the last version
OUT_OF_SYNC = frozenset({c.Verb.SYNC, c.Verb.RESOLVE_SPLIT}) | c.DRILL_VERBS
# go on while it is only on its way there
PENDING_SYNC = frozenset({c.Verb.DELETE, c.Verb.REPLICATE})


@dataclasses.dataclass(frozen=True)
class Situation:
    """What decides beside the group's own row.

    ``peer``: the group's site that is not this one.
    ``configured``: the current primary has an array group to replicate.
    ``settled``: how many of the ``members`` have their volumes in the group.
    ``parked``: a member's server is parked where the group does not run.
    ``released``: the group was given away, or claimed by the other site, and
    nothing was heard of it since.
    """

    local: models.Site
    primary: models.Site | None
    peer: models.Site | None
    sync: metadata_sync.State | None
    configured: bool
    members: int
    settled: int
    parked: bool
    drill: models.Drill | None = None
    released: bool = False


def situations(
    session: orm.Session, groups: Sequence[Group]
) -> dict[str, Situation]:
    """That of each group by its id, in a fixed number of queries."""
    ids = [g.id for g in groups]
    known = {s.id: s for s in session.scalars(sa.select(models.Site))}
    local = next(s for s in known.values() if s.is_local)
    syncs = metadata_sync.states(session, ids)
    configured = _configured(session, ids)
    counts = members.counts(session, ids)
    parked = members.parked(session, ids)
    known_drills = drills.of_groups(session, ids)
    released = source_locks.released(session, ids)
    return {
        g.id: Situation(
            local=local,
            primary=known.get(g.current_primary_site_id),
            peer=known.get(_other(g, local.id)),
            sync=syncs.get(g.id),
            configured=(g.id, g.current_primary_site_id) in configured,
            members=sum(counts.get(g.id, {}).values()),
            settled=sum(
                number
                for status, number in counts.get(g.id, {}).items()
                if status not in c.MEMBER_UNSETTLED
            ),
            parked=g.id in parked,
            drill=known_drills.get(g.id),
            released=g.id in released
            or protection_groups.is_taken(g, local.id),
        )
        for g in groups
    }


def _other(group: Group, site_id: str) -> str:
    if site_id == group.primary_site_id:
        return group.secondary_site_id
    return group.primary_site_id


def _configured(
    session: orm.Session, group_ids: Sequence[str]
) -> set[tuple[str, str]]:
    """(group, site) of the sides that have an array group."""
    side, cg = models.ConsistencyGroupSide, models.ConsistencyGroup
    statement = (
        sa.select(cg.protection_group_id, side.site_id)
        .join(cg, cg.id == side.consistency_group_id)
        .where(
            cg.protection_group_id.in_(group_ids),
            side.array_group.is_not(None),
        )
    )
    return {(group, site) for group, site in session.execute(statement)}


def check(
    session: orm.Session,
    group: Group,
    verb: c.Verb,
    args: dict[str, Any] | None = None,
) -> None:
    """:raises ProtectorError: the refusal."""
    found = situations(session, [group])[group.id]
    unplanned = states.is_unplanned(args or {})
    error = (refusal_unplanned if unplanned else refusal)(verb, group, found)
    if error is not None:
        raise error


def check_plan(
    session: orm.Session, group: Group, verb: c.Verb, args: dict[str, Any]
) -> None:
    """As ``check``, for a dry run: of a move only the place and the status
    refuse it, and all else that is in the way is a finding of its plan.

    :raises ProtectorError: the refusal.
    """
    if verb not in c.PLACEMENT_VERBS or states.is_unplanned(args):
        return check(session, group, verb, args)
    found = situations(session, [group])[group.id]
    error = _place(verb, group, found) or _status(verb, group, found)
    if error is not None:
        raise error


def refusal_unplanned(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    """The same for a move without the source: only the site that takes the
    group decides, and neither a busy slot nor the state of the
    synchronisation is in its way."""
    local = found.local
    if target(group, verb) != local.id:
        other = found.peer
        name = other.name if other else target(group, verb)
        return exception.NotPrimarySite(
            f"An unplanned {verb} of protection group {group.name} is asked "
            f"for at the site that takes it, {name}; this is {local.name}.",
            site=name,
            site_id=target(group, verb),
            endpoint=other.endpoint if other else None,
        )
    refused = states.refusal_unplanned(
        verb, group.name, group.status, group.error_verb
    )
    here = group.current_primary_site_id == local.id
    if refused is None and here and not found.released:
        refused = states.runs_already(group.name, local.name)
    if refused is None and not found.settled:
        refused = states.no_members(group.name)
    if refused is None and found.sync is None:
        refused = states.never_received(group.name)
    if refused is None and histories.is_split(group):
        return _split(group)
    return refused


def refusal(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    """Why the verb is refused now; None when it is not."""
    return (
        _place(verb, group, found)
        or _status(verb, group, found)
        or _sync(verb, group, found)
        or _content(verb, group, found)
    )


def _place(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    if verb in ANYWHERE or group.current_primary_site_id == found.local.id:
        return None
    if verb == c.Verb.DELETE and histories.is_orphan(group, found.local.id):
        return None
    return not_primary(group, found.local, found.primary)


def _alone(group: Group) -> bool:
    """Whether the group's other site was declared lost."""
    return protection_groups.holds(group, c.Condition.UNPROTECTED)


def not_primary(
    group: Group, local: models.Site, primary: models.Site | None
) -> exception.NotPrimarySite:
    """The refusal of what only the current primary may do."""
    name = primary.name if primary else group.current_primary_site_id
    return exception.NotPrimarySite(
        f"Protection group {group.name} is changed at its current primary "
        f"site, {name}; this is {local.name}.",
        site=name,
        site_id=group.current_primary_site_id,
        endpoint=primary.endpoint if primary else None,
    )


def _status(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    refused = protection_groups.refusal(group, verb)
    if verb == c.Verb.TEST_FAILOVER and _alone(group):
        if group.current_primary_site_id == found.local.id:
            return states.site_is_lost(group.name, verb)
    if group.operation_id is None or verb in c.SLOTLESS:
        return refused
    # a move takes the slot of the site where it is executed first; at the
    # other a running change ends before it
    elsewhere = (
        verb in c.PLACEMENT_VERBS and target(group, verb) != found.local.id
    )
    if refused is None and (elsewhere or verb in states.QUEUED):
        return None
    return protection_groups.busy(group)


def target(group: Group, verb: c.Verb) -> str:
    """The site to which a placement verb leads, and which executes it."""
    if verb == c.Verb.FAILBACK:
        return group.primary_site_id
    return group.secondary_site_id


def _sync(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    if found.sync is None or verb in OUT_OF_SYNC or _alone(group):
        return None
    if verb == c.Verb.DELETE and histories.must_go(group, found.local.id):
        return None
    if histories.is_split(group):
        return _split(group)
    if verb in states.CHANGES and found.sync.epoch < group.epoch:
        return states.not_settled(group.name, group.epoch)
    pending = found.sync.remote_status != c.SyncStatus.FAILED
    if verb in PENDING_SYNC and pending:
        return None
    return metadata_sync.out_of_sync(group, found.sync)


def _split(group: Group) -> exception.Split:
    return exception.Split(
        f"The sites hold two histories of protection group {group.name}."
    )


def _content(
    verb: c.Verb, group: Group, found: Situation
) -> exception.ProtectorError | None:
    must_go = histories.must_go(group, found.local.id)
    if verb == c.Verb.DELETE and found.members and not must_go:
        return states.not_empty(group.name, found.members)
    if verb == c.Verb.RESOLVE_SPLIT and not histories.is_split(group):
        return states.one_history(group.name)
    if verb == c.Verb.REPLICATE and not found.configured:
        return states.not_configured(group.name)
    if verb == c.Verb.SOURCE_CLEANUP and not found.parked:
        return states.nothing_parked(group.name)
    if verb in (*c.PLACEMENT_VERBS, c.Verb.TEST_FAILOVER):
        if not found.settled:
            return states.no_members(group.name)
    return _drill(verb, group, found.drill)


def _drill(
    verb: c.Verb, group: Group, drill: models.Drill | None
) -> exception.ProtectorError | None:
    if verb == c.Verb.TEST_CLEANUP and not drills.can_clean(drill):
        return states.no_drill(group.name)
    if verb == c.Verb.TEST_FAILOVER and drill and drills.is_live(drill):
        return states.drill_runs(group.name, drill.operation_id)
    return None
