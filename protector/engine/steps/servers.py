# SPDX-License-Identifier: Apache-2.0
"""Steps on the members' servers: fence, stop, start, park."""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import (
    build,
    context,
    fencing,
    lost_site,
    power,
    targets,
    volume_set,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.engine.steps import networks

Json = dict[str, Any]


def fence(ctx: StepContext) -> Json:
    """Lock the source server as the service, before it is stopped, so that
    the tenant cannot start it behind our back."""
    copy = _copy(ctx, ctx.source)
    server = power.idle(ctx, ctx.source, str(copy.server_id))
    state = fencing.lock(ctx, ctx.source, server)
    with ctx.write() as session:
        key = (copy.member_id, copy.site_id)
        session.get(models.MemberCopy, key).power_state = state
    # from here on the tenant changes them no more
    volume_set.follow(ctx)
    return {"power_state": state}


def unfence(ctx: StepContext) -> None:
    """Bring the source server back to how the fence found it."""
    copy = _copy(ctx, ctx.source)
    fencing.undo(ctx, ctx.source, str(copy.server_id))


def stop(ctx: StepContext) -> None:
    """Shut the guest down and observe it; from here on it stands still, or
    what is done to it tells.

    An adopter comes late: the source may have taken itself back since the
    fence, and its servers run for the tenant again.
    """
    copy = _copy(ctx, ctx.source)
    server_id = str(copy.server_id)
    fencing.require(ctx, ctx.source, server_id)
    power.stop(ctx, ctx.source, server_id)
    actions = ctx.tenant(ctx.source).compute.instance_actions(server_id)
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (copy.member_id, copy.site_id))
        row.stop_request_id = actions[0].request_id if actions else None


def start(ctx: StepContext) -> Json:
    """The member runs at the target: its parked server again, or a new one
    from the recipe; in the power state it had at the source."""
    server_id = _present(ctx)
    power.run(ctx, ctx.target, server_id)
    if _copy(ctx, ctx.source).power_state == power.STOPPED:
        power.stop(ctx, ctx.target, server_id)
    fencing.lift(ctx, ctx.target, server_id)
    volume_set.let_go(ctx)
    return {"server_id": server_id, "message": f"server {server_id}"}


def _present(ctx: StepContext) -> str:
    """The parked server, or a new one; its id, recorded."""
    before = ctx.member.copy(ctx.target)
    found = targets.usable(ctx)
    if found is not None:
        volume_set.hang(ctx, found.id)
        return found.id
    if before is not None and before.server_id:
        # the server went, and its ports may have gone with it
        networks.ensure_ports(ctx, ctx.target)
        ctx.refresh()
    server_id = build.create_server(ctx, ctx.member)
    with ctx.write() as session:
        key = (ctx.member.id, ctx.target)
        session.get(models.MemberCopy, key).server_id = server_id
    return server_id


def park(ctx: StepContext) -> Json:
    """Shelve the source server: frees its host, disconnects its volumes and
    keeps its identity."""
    server_id = str(_copy(ctx, ctx.source).server_id)
    power.park(ctx, ctx.source, server_id)
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (ctx.member.id, ctx.source))
        row.role = c.CopyRole.PARKED
        row.content_unique = False
    return {"server_id": server_id}


def fence_lost(ctx: StepContext) -> Json:
    """Lock and stop what may still run at the site that was left; tried as
    long as the site answers, and never waited for."""
    try:
        lost_site.Fence(ctx).run()
    except exception.LeaseLost:
        raise
    except context.StepSkipped:
        lost_site.note(ctx, exception.UnexpectedState("It was skipped."))
        raise
    except exception.ProtectorError as e:
        lost_site.note(ctx, e)
        raise
    lost_site.note(ctx, None)
    return {"fenced": True}


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
    # the others run; the operation fails at its end and can be retried
    Step("servers.start", start, 10, partial=True),
    Step("servers.park", park, 3, optional=True),
    Step(
        "servers.fence_lost",
        fence_lost,
        optional=True,
        timeout="fence_timeout",
    ),
)
