# SPDX-License-Identifier: Apache-2.0
"""The member's server at the target of a move, before it arrives.

Looked at where it can still be refused: it may be gone, broken, or not
parked, because parking may fail at the move before.
"""

from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.clients import clouds, types
from protector.db import models
from protector.engine import (
    arrival,
    disks,
    fencing,
    membership,
    power,
    records,
    removal,
)
from protector.engine.context import StepContext

OUTGROWN = (
    "Remove the member and add it again: its parked server is then left "
    "alone, and a new copy is made."
)


def prepare(ctx: StepContext) -> None:
    """The target's server is parked, or there is none.

    :raises UnexpectedState: it is broken, or not ours to park.
    """
    server = usable(ctx)
    if server is None:
        return
    problem = obstacle(server)
    if problem is not None:
        raise exception.UnexpectedState(problem[0], remedy=problem[1])
    if server.status != power.PARKED:
        # the shelving hides from the next look that it was used
        _keep_in_mind(ctx)
        power.park(ctx, ctx.target, server.id)
    _make_room(ctx, server)


def _keep_in_mind(ctx: StepContext) -> None:
    """Note that the content is unique, while the server still tells."""
    if arrival.content_is_unique(ctx, ctx.member):
        with ctx.write() as session:
            _row(ctx, session).content_unique = True
        ctx.refresh()


def obstacle(server: types.Server) -> tuple[str, str] | None:
    """Why a server at the target cannot be arrived at, and what to do."""
    label = f"Server {server.name} ({server.id}) at the target"
    if server.status in power.GONE_WRONG:
        return (
            f"{label} is {server.status}: {server.fault}",
            "Mend or reset the server in Nova, or delete it: then it is "
            "built anew.",
        )
    if server.status != power.PARKED and not fencing.is_ours(server):
        return (
            f"{label} is {server.status} and not held by Protector.",
            "Shelve the server, if nobody uses it.",
        )
    return None


def usable(ctx: StepContext) -> types.Server | None:
    """The recorded server, idle; one that is gone is forgotten, one of ours
    that never came up is deleted."""
    copy = ctx.member.copy(ctx.target)
    if copy is None or not copy.server_id:
        return None
    try:
        server = power.idle(ctx, ctx.target, copy.server_id)
    except exception.CloudNotFound:
        _forget(ctx)
        return None
    if not never_ran(server, ctx.member):
        return server
    _discard(ctx, server)
    return None


def give_up(ctx: StepContext) -> None:
    """Delete the parked server: it is built anew on other volumes."""
    server = usable(ctx)
    if server is not None:
        _keep_in_mind(ctx)
        _discard(ctx, server)


def _make_room(ctx: StepContext, server: types.Server) -> None:
    """Cinder does not extend the volumes of a parked server: when those of
    the source grew, the server is built anew on its volumes."""
    if outgrown(ctx.tenant(ctx.target), ctx.member, ctx.source, ctx.target):
        _keep_in_mind(ctx)
        _discard(ctx, server)


def outgrown(
    project: clouds.ProjectClients,
    member: models.Member,
    source: str,
    target: str,
) -> list[types.Volume]:
    """Volumes at the target that are smaller than those they stand for.

    :param project: clients at the target.
    """
    rows = {v.cinder_id: v.ordinal for v in member.volumes_at(target)}
    sizes = {v.ordinal: v.size_gb for v in member.volumes_at(source)}
    return [
        volume
        for volume in project.volume.list(ids={str(i) for i in rows})
        if volume.size < sizes.get(rows[volume.id], 0)
    ]


def _discard(ctx: StepContext, server: types.Server) -> None:
    removal.drop_server(ctx, ctx.target, server.id)
    with ctx.write() as session:
        row = _row(ctx, session)
        row.server_id = row.stop_request_id = None
        # not parked any more, and nobody else's doing
        row.role = c.CopyRole.GONE
    ctx.refresh()
    for volume in ctx.member.volumes_at(ctx.target):
        disks.usable(ctx, ctx.target, str(volume.cinder_id), ("available",))


def never_ran(server: types.Server, member: models.Member) -> bool:
    """Whether we made the server and it found no host: nothing but its
    volumes is worth keeping."""
    return (
        server.status == "ERROR"
        and is_ours(server, member)
        and not server.raw.get("OS-SRV-USG:launched_at")
    )


def is_ours(server: types.Server, member: models.Member) -> bool:
    """Whether we made the server."""
    return server.metadata.get(membership.MEMBER_MARK) == member.id


def _forget(ctx: StepContext) -> None:
    with ctx.write() as session:
        _row(ctx, session).server_id = None
    ctx.refresh()


def _row(ctx: StepContext, session: orm.Session) -> models.MemberCopy:
    return records.member_copy(ctx, session, ctx.target)
