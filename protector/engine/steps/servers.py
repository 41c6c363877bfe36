# SPDX-License-Identifier: Apache-2.0
"""Steps on the members' servers: fence, stop, start, park."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import build, fencing
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]
STOPPED = "SHUTOFF"
RUNNING = "ACTIVE"
PARKED = "SHELVED_OFFLOADED"


def fence(ctx: StepContext) -> Json:
    """Lock the source server as the service, before it is stopped, so that
    the tenant cannot start it behind our back."""
    copy = _copy(ctx, ctx.source)
    server = ctx.tenant(ctx.source).compute.get_server(str(copy.server_id))
    power = fencing.lock(ctx, ctx.source, server)
    with ctx.write() as session:
        key = (copy.member_id, copy.site_id)
        session.get(models.MemberCopy, key).power_state = power
    return {"power_state": power}


def unfence(ctx: StepContext) -> None:
    """Bring the source server back to how the fence found it."""
    copy = _copy(ctx, ctx.source)
    fencing.undo(ctx, ctx.source, str(copy.server_id))


def stop(ctx: StepContext) -> None:
    """Shut the guest down and observe it."""
    server_id = str(_copy(ctx, ctx.source).server_id)
    compute = ctx.tenant(ctx.source).compute
    if compute.get_server(server_id).status not in (STOPPED, PARKED):
        compute.stop(server_id)
    ctx.servers(ctx.source).wait(server_id, _stopped, ctx.remaining)


def _stopped(server: types.Server | None) -> bool | None:
    _not_gone_wrong(server, "was stopped")
    return True if server.status in (STOPPED, PARKED) else None


def _not_gone_wrong(server: types.Server | None, doing: str) -> None:
    if server is None:
        raise exception.UnexpectedState(
            f"The server vanished while it {doing}."
        )
    if server.status in ("ERROR", "DELETED", "SOFT_DELETED"):
        raise exception.UnexpectedState(
            f"Server {server.name} ({server.id}) went into status "
            f"{server.status} while it {doing}: {server.fault}",
            remedy="Mend or reset the server in Nova, then retry the "
            "operation.",
        )


def start(ctx: StepContext) -> Json:
    """The member runs at the target: its parked server again, or a new one
    from the recipe; in the power state it had at the source."""
    server_id = _present(ctx)
    _observe_running(ctx, server_id)
    power = _copy(ctx, ctx.source).power_state
    compute = ctx.tenant(ctx.target).compute
    if power == STOPPED:
        compute.stop(server_id)
        ctx.servers(ctx.target).wait(server_id, _stopped, ctx.remaining)
    fencing.lift(ctx, ctx.target, server_id)
    return {"server_id": server_id, "message": f"server {server_id}"}


def _present(ctx: StepContext) -> str:
    """Unshelve the parked server or create one; its id, recorded."""
    copy = ctx.member.copy(ctx.target)
    if copy is not None and copy.server_id:
        _unshelve(ctx, copy.server_id)
        return copy.server_id
    server_id = build.create_server(ctx, ctx.member)
    with ctx.write() as session:
        key = (ctx.member.id, ctx.target)
        session.get(models.MemberCopy, key).server_id = server_id
    return server_id


def _unshelve(ctx: StepContext, server_id: str) -> None:
    compute = ctx.tenant(ctx.target).compute
    server = compute.get_server(server_id)
    if server.status == PARKED and not server.task_state:
        compute.unshelve(server_id)
    elif server.status == STOPPED and not server.task_state:
        compute.start(server_id)


def _observe_running(ctx: StepContext, server_id: str) -> None:
    """ACTIVE, seen.  An unshelve that fails leaves no fault: the server is
    just parked again, and only the instance action tells."""

    def done(server: types.Server | None) -> bool | None:
        _not_gone_wrong(server, "was started")
        if server.status == RUNNING and not server.task_state:
            return True
        if server.status == PARKED and not server.task_state:
            _check_unshelve(ctx, server)
        return None

    ctx.servers(ctx.target).wait(server_id, done, ctx.remaining)


def _check_unshelve(ctx: StepContext, server: types.Server) -> None:
    actions = ctx.tenant(ctx.target).compute.instance_actions(server.id)
    last = actions[0] if actions else None
    if last and last.action == "unshelve" and last.message:
        raise exception.UnexpectedState(
            f"Server {server.name} ({server.id}) could not be unshelved: "
            f"{last.message}",
            remedy="See the server's events in Nova, mend the cause and "
            "retry the operation.",
        )


def park(ctx: StepContext) -> Json:
    """Shelve the source server: frees its host, disconnects its volumes and
    keeps its identity."""
    server_id = str(_copy(ctx, ctx.source).server_id)
    compute = ctx.tenant(ctx.source).compute
    if compute.get_server(server_id).status != PARKED:
        compute.shelve(server_id)

    def done(server: types.Server | None) -> bool | None:
        _not_gone_wrong(server, "was shelved")
        parked = server.status == PARKED and not server.task_state
        return True if parked else None

    ctx.servers(ctx.source).wait(server_id, done, ctx.remaining)
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (ctx.member.id, ctx.source))
        row.role = c.CopyRole.PARKED
        row.parked_at = ctx.clock.now()
        row.content_unique = False
    return {"server_id": server_id}


def _copy(ctx: StepContext, site_id: str) -> models.MemberCopy:
    copy = ctx.member.copy(site_id)
    if copy is None or not copy.server_id:
        raise exception.UnexpectedState(
            f"Member {ctx.member.instance_name} has no server at site "
            f"{ctx.scene.sites[site_id].name}."
        )
    return copy


STEPS = (
    Step("servers.fence", fence, undo=unfence),
    Step("servers.stop", stop, 3),
    Step("servers.start", start, 10),
    Step("servers.park", park, 3, optional=True),
)
