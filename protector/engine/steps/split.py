# SPDX-License-Identifier: Apache-2.0
"""Steps that keep one of two histories of a group.

They run at the site that makes the documents of the kept one; the source of
the operation is the other site.
"""

from typing import Any

from protector import exception
from protector.db.api import (
    histories,
    operations,
    protection_groups,
)
from protector.db.api import metadata_sync as syncs
from protector.engine import conditions, fencing, power, quarantine
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def keep(ctx: StepContext) -> Json:
    """Claim an epoch on top of the other history, with the kept one in it;
    the other site takes that like any move.

    :raises UnexpectedState: the other site's history is another by now.
    """
    if "kept" in ctx.data:
        # an earlier run of the step got to its end
        return dict(ctx.data["kept"])
    held = ctx.site(ctx.source).peer.group(ctx.scene.group.id)
    if not held.get("document"):
        raise exception.UnexpectedState(
            f"Site {ctx.scene.sites[ctx.source].name} holds no history of "
            f"protection group {ctx.scene.group.name}.",
            remedy="Give it the one of this site with sync-force.",
        )
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        operations.pass_no_return(session, ctx.work.lease.token)
        before = {
            "given_up": {key: held[key] for key in histories.TRIPLE},
            "before": syncs.triple(syncs.find(session, group.id)).as_dict(),
        }
        dropped = histories.keep(
            session,
            group,
            ctx.work.local_site_id,
            ctx.operation.args["keep_site_id"],
            held,
            ctx.clock.now(),
        )
        if group.current_primary_site_id != ctx.work.local_site_id:
            raise exception.UnexpectedState(
                f"Protection group {group.name} was moved meanwhile.",
                remedy="Look at both histories and choose again.",
            )
        made = syncs.settle(
            session, group, ctx.work.local_site_id, ctx.clock.now()
        )
        kept = {**before, **made.as_dict(), "dropped": dropped}
        operations.save_data(session, ctx.work.lease.token, kept=kept)
    return kept


def fence(ctx: StepContext) -> Json:
    """The servers of the history that is given up are locked and stopped,
    as observed."""
    while left := _unfenced(ctx):
        _tell(ctx, left)
        ctx.pause(ctx.conf.engine.poll_interval)
    _tell(ctx, [])
    return {"message": "every server is stopped and locked there"}


def _unfenced(ctx: StepContext) -> list[str]:
    return [
        member.instance_name
        for member, server_id in quarantine.stale(ctx.scene, ctx.source)
        if not quarantine.fence(ctx, ctx.source, server_id)
    ]


def _tell(ctx: StepContext, left: list[str]) -> None:
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        conditions.fenced(group, left, ctx.clock.now())


def start(ctx: StepContext) -> Json:
    """What was fenced here, while the other history was the newer one, runs
    as before."""
    started = []
    for member in ctx.scene.movable(ctx.target):
        copy = member.copy(ctx.target)
        server_id = str(copy.server_id) if copy else ""
        try:
            server = power.idle(ctx, ctx.target, server_id)
        except exception.CloudNotFound:
            continue
        ours = fencing.parse(server.locked_reason) if server.locked else None
        if ours is None:
            continue
        if ours[1] == power.RUNNING:
            power.run(ctx, ctx.target, server_id)
        fencing.lift(ctx, ctx.target, server_id)
        started.append(server_id)
    return {"started": started}


STEPS = (
    Step("split.keep", keep),
    Step("split.fence", fence, 3),
    Step("split.start", start, 3),
)
