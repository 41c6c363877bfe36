# SPDX-License-Identifier: Apache-2.0
"""How a changing request becomes an operation.

Refusals first, the engine's read-only verdict last; then one transaction
with the operation and what belongs to its acceptance; then the doorbell.
"""

from collections.abc import Callable
import dataclasses
from typing import Any

from oslo_db import exception as db_exc
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.api import call as calls
from protector.api import legality
from protector.db import models
from protector.db.api import (
    claims,
    drills,
    histories,
    operations,
    protection_groups,
    sites,
)

Json = dict[str, Any]
Group = models.ProtectionGroup
# whatever the direction of the group is
ENDS_HERE = frozenset({c.Verb.TEST_CLEANUP, c.Verb.RESOLVE_SPLIT})
# rows that belong to the acceptance, written in its transaction
Rows = Callable[[orm.Session, Group, models.Operation], None]


@dataclasses.dataclass(frozen=True)
class Change:
    """What is asked for.

    ``finish`` makes the operation's args of the given ones and of what the
    engine resolved.
    """

    verb: c.Verb
    args: Json
    rows: Rows | None = None
    finish: Callable[[Json, Json], Json] = lambda args, found: args
    operation_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    origin_site_id: str | None = None


def accept(
    call: calls.Call, group_id: str, change: Change
) -> models.Operation:
    """The accepted, pending operation of a change to a group.

    :raises ProtectorError: the refusal; nothing was written.
    """
    with call.runtime.db.reader() as session:
        group = protection_groups.get(session, group_id)
        known = _known(session, change)
        if known is not None:
            return known
        legality.check(session, group, change.verb, change.args)
    found = call.runtime.engine.precheck(
        call.context, change.verb, group_id, change.args
    )
    operation = _write(
        call,
        lambda session: _store(call, session, group_id, change, found),
    )
    call.runtime.engine.start(call.context, operation.id)
    return operation


def create(
    call: calls.Call,
    make: Callable[[orm.Session], tuple[Group, models.Operation]],
) -> tuple[Group, models.Operation]:
    """Write a new group with its operation, and ring."""
    group, operation = _write(call, make)
    call.runtime.engine.start(call.context, operation.id)
    return group, operation


def _store(
    call: calls.Call,
    session: orm.Session,
    group_id: str,
    change: Change,
    found: Json,
) -> models.Operation:
    group = protection_groups.lock(session, group_id)
    known = _known(session, change)
    if known is not None:
        return known
    legality.check(session, group, change.verb, change.args)
    args = change.finish(change.args, found)
    unplanned = states.is_unplanned(args)
    operation = (claims if unplanned else operations).accept(
        session,
        call.now,
        group,
        change.verb,
        values(call, session, group, change, args),
    )
    if change.rows is not None:
        change.rows(session, group, operation)
    return operation


def _known(session: orm.Session, change: Change) -> models.Operation | None:
    """The operation, when the same request was accepted before."""
    if change.operation_id is None:
        return None
    return session.get(models.Operation, change.operation_id)


def values(
    call: calls.Call,
    session: orm.Session,
    group: Group,
    change: Change,
    args: Json,
) -> Json:
    """The columns of the operation of a change that this site executes."""
    local = sites.local(session).id
    source, target = direction(group, change.verb)
    if change.verb in ENDS_HERE and target != local:
        source, target = target, source
    found: Json = {
        "args": args,
        "type": args.get("type"),
        "origin_site_id": change.origin_site_id or local,
        "executor_site_id": local,
        "source_site_id": source,
        "target_site_id": target,
        "recovery_point_id": _point(args),
        "user_id": change.user_id or call.context.user_id,
        "request_id": change.request_id or call.context.request_id,
    }
    if change.operation_id is not None:
        found["id"] = change.operation_id
    return found


def _point(args: Json) -> str | None:
    chosen = args.get("recovery_point_id")
    return None if chosen == c.PARKED_POINT else chosen


def executor(session: orm.Session, group: Group, verb: str, args: Json) -> str:
    """The site whose engine runs the verb; what removes a drill runs where
    that was made, what ends a split where the kept history is made.

    :raises InvalidReference: the group has no such site.
    """
    source, target = direction(group, verb)
    if verb == c.Verb.RESOLVE_SPLIT:
        # one that the peer forwards was not checked for its parts
        kept = str(args.get("keep_site_id"))
        return histories.executor(
            session, group, kept, sites.local(session).id
        )
    if verb == c.Verb.TEST_CLEANUP:
        drill = drills.find(session, group.id)
        return drill.site_id if drill else target
    moves = verb in c.PLACEMENT_VERBS or verb == c.Verb.TEST_FAILOVER
    return target if moves else source


def direction(group: Group, verb: str) -> tuple[str, str]:
    """Source and target site of a verb."""
    ends = (group.primary_site_id, group.secondary_site_id)
    if verb == c.Verb.FAILOVER:
        return ends
    if verb == c.Verb.FAILBACK:
        return ends[1], ends[0]
    if group.current_primary_site_id == ends[0]:
        return ends
    return ends[1], ends[0]


def _write(call: calls.Call, make: Callable[[orm.Session], Any]) -> Any:
    """One transaction, again when a deadlock undid it."""
    try:
        for attempt in call.runtime.db.retrying():
            with attempt, call.runtime.db.writer() as session:
                made = make(session)
    except db_exc.DBDuplicateEntry:
        raise exception.NameTaken(
            "Somebody else made the same at the same moment.",
            remedy="Look at the list and try again.",
        ) from None
    return made
