# SPDX-License-Identifier: Apache-2.0
"""Steps that end drills which are in the way: of a real move that is short
of quota, and of the group's deletion.

A drill is ended by its own cleanup, an operation of its own, and waited for.
"""

from typing import Any
import uuid

from protector import constants as c
from protector import exception
from protector.db.api import drills, operations
from protector.engine import drill_leases, preflight
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]
SHORT = frozenset({c.Finding.QUOTA_SHORT, c.Finding.CAPACITY_SHORT})
# seconds between two looks: the move waits for it
PAUSE = 1.0


def make_room(ctx: StepContext) -> Json:
    """Drills of the project give way, the group's own first, as long as the
    move lacks what they take."""
    with ctx.runtime.db.reader() as session:
        known = drills.live_in(
            session,
            ctx.work.local_site_id,
            ctx.scene.group.project_id,
            ctx.scene.group.id,
        )
    ended = []
    for group_id in known:
        if not _short(ctx):
            break
        if _end_here(ctx, group_id):
            ended.append(group_id)
    return {"ended": ended, "message": f"{len(ended)} drills ended"}


def _short(ctx: StepContext) -> bool:
    found = preflight.check(ctx, ctx.source, ctx.target, preflight.ROOM)
    return any(f.code in SHORT for f in found)


def _end_here(ctx: StepContext, group_id: str) -> bool:
    """Remove a drill of this site, or cancel its making; whether it is
    over."""
    asked = False
    while True:
        with ctx.write() as session:
            row = drills.find(session, group_id)
            if row is None or not drills.is_live(row):
                return True
            busy = drills.at_work(session, group_id)
            if busy == row.operation_id:
                operations.request_cancel(
                    session, operations.get(session, busy)
                )
        if busy is None:
            if asked:
                # its own operation tells why
                return False
            asked = _clean(ctx, group_id)
        ctx.pause(PAUSE)


def _clean(ctx: StepContext, group_id: str) -> bool:
    ctx.guard()
    try:
        drill_leases.clean(ctx.runtime, group_id)
    except exception.InvalidStatus:
        # somebody came first: it is looked at again
        return False
    return True


def clear(ctx: StepContext) -> Json:
    """The group has no drill any more, wherever it was.

    :raises UnexpectedState: it could not be removed.
    """
    drill = ctx.scene.drill
    if drill is None or not drills.is_live(drill):
        return {"message": "no drill"}
    if drill.site_id not in ctx.scene.site_ids:
        return {"message": "it was at the lost site"}
    group_id = ctx.scene.group.id
    if drill.site_id == ctx.work.local_site_id:
        over = _end_here(ctx, group_id)
    else:
        over = _end_there(ctx, group_id, drill.operation_id)
    if not over:
        raise exception.UnexpectedState(
            f"The drill of protection group {ctx.scene.group.name} could not "
            "be removed.",
            remedy="See its test_cleanup operation, remove the cause and "
            "retry.",
        )
    return {"message": "the drill was removed"}


def _end_there(ctx: StepContext, group_id: str, drill_id: str) -> bool:
    """The other site ends it and tells how that came out."""
    run = f"{drill_id} {ctx.work.lease.token.generation}"
    cleanup_id = str(uuid.uuid5(uuid.UUID(ctx.operation.id), run))
    while True:
        ctx.guard()
        if not _asked(ctx, group_id, cleanup_id, drill_id):
            ctx.pause(PAUSE)
            continue
        with ctx.runtime.db.reader() as session:
            if not drills.is_live(drills.find(session, group_id)):
                return True
            told = operations.find(session, cleanup_id)
        if told is not None and told.status == c.OperationStatus.FAILED:
            return False
        ctx.pause(PAUSE)


def _asked(
    ctx: StepContext, group_id: str, cleanup_id: str, drill_id: str
) -> bool:
    """Whether the other site has the cleanup; the same id again is the same
    request.  A drill that is still being made is cancelled."""
    peer = ctx.site(ctx.scene.peer_site_id).peer
    try:
        peer.action(
            group_id,
            {"operation_id": cleanup_id, "verb": c.Verb.TEST_CLEANUP},
        )
    except exception.InvalidStatus as e:
        busy = e.details.get("operation_id")
        if busy is None:
            # there is none: the news of its end are on their way
            return True
        if busy == drill_id:
            _cancel(ctx, group_id, drill_id)
        return False
    return True


def _cancel(ctx: StepContext, group_id: str, drill_id: str) -> None:
    peer = ctx.site(ctx.scene.peer_site_id).peer
    try:
        peer.action(group_id, {"operation_id": drill_id, "verb": "cancel"})
    except exception.InvalidStatus:
        # it has ended
        return


STEPS = (
    # a move does not fail for it: what is lacking is then told by the move
    Step("drills.make_room", make_room, optional=True),
    Step("drills.clear", clear),
)
