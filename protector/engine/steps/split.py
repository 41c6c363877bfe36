# SPDX-License-Identifier: Apache-2.0
"""Steps that keep one of two histories of a group.

They run at the site that makes the documents of the kept one; the source of
the operation is the other site.
"""

import contextlib
from typing import Any

from protector import exception
from protector.db.api import (
    histories,
    operations,
    protection_groups,
)
from protector.db.api import metadata_sync as syncs
from protector.engine import conditions, fencing, power, quarantine, residue
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
    _let_go(ctx)
    return {"message": "every server is stopped and locked there"}


def _unfenced(ctx: StepContext) -> list[str]:
    return [
        member.instance_name
        for member, server_id in quarantine.stale(ctx.scene, ctx.source)
        if not quarantine.fence(ctx, ctx.source, server_id)
    ] + [
        name
        for name, server_id in _second_copies(ctx)
        if not quarantine.fence(ctx, ctx.source, server_id)
    ]


def _second_copies(ctx: StepContext) -> list[tuple[str, str]]:
    """Servers at the other site, with their names, of members that left the
    group with its history, and have one here, too."""
    found = []
    for member in _dropped(ctx):
        here, there = (
            member["servers"].get(site) for site in (ctx.target, ctx.source)
        )
        if here and there and _is_there(ctx, here):
            found.append((member["name"], there))
    return found


def _dropped(ctx: StepContext) -> list[Json]:
    found = ctx.data["kept"]["dropped"]
    # an operation of the release before does not tell servers
    return [member for member in found if "servers" in member]


def _is_there(ctx: StepContext, server_id: str) -> bool:
    try:
        ctx.tenant(ctx.target).compute.get_server(server_id)
    except exception.CloudNotFound:
        return False
    return True


def _let_go(ctx: StepContext) -> None:
    """What belongs to no member any more is its owner's to start or delete."""
    why = "its member left the group with the history that was given up"
    for _, server_id in _second_copies(ctx):
        with contextlib.suppress(exception.CloudNotFound):
            fencing.lift(ctx, ctx.source, server_id)
            residue.note(ctx, _with_its_own(ctx, server_id, why))


def _with_its_own(ctx: StepContext, server_id: str, why: str) -> list[Json]:
    """A server at the other site, its ports and its volumes, as residue."""
    project = ctx.tenant(ctx.source)
    ports = project.network.ports(device_id=server_id)
    volumes = project.compute.attachments(server_id)
    return [
        residue.entry("server", server_id, why),
        *(residue.entry("port", port.id, why) for port in ports),
        *(residue.entry("volume", v.volume_id, why) for v in volumes),
    ]


def _tell(ctx: StepContext, left: list[str]) -> None:
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        conditions.fenced(group, left, ctx.clock.now())


def start(ctx: StepContext) -> Json:
    """What was fenced here, while the other history was the newer one, runs
    as before, be it of a member or of one that left the group with that
    history."""
    copies = [m.copy(ctx.target) for m in ctx.scene.movable(ctx.target)]
    found = [copy.server_id for copy in copies if copy]
    found += [m["servers"].get(ctx.target) for m in _dropped(ctx)]
    started = []
    for server_id in filter(None, found):
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
