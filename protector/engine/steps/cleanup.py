# SPDX-License-Identifier: Apache-2.0
"""Steps that remove what is parked at the site that a group has left.

The tenant asked for it.  What runs, what is unique and what was not made or
parked by Protector is never touched.
"""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations_leases
from protector.engine import (
    cleanup,
    made,
    power,
    removal,
    residue,
    settling,
    undo_held,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.engine.steps import members

Json = dict[str, Any]


def discard_undo(ctx: StepContext) -> Json:
    """Give up the undo copies that are snapshots of what is parked, if that
    was asked for.

    :raises InvalidStatus: there are some, and it was not.
    """
    held = undo_held.of_parked(ctx, ctx.target)
    undo_held.require_none(held, ctx.operation.args, undo_held.CLEAN)
    ids = [m.id for m in cleanup.parked(ctx.scene)]
    return {"discarded": undo_held.give_up(ctx, held, ids)}


def remove(ctx: StepContext) -> Json:
    """Delete the member's parked server and its volumes, and what nobody
    needs of its ports; what must stay is listed.

    Once the first of it is asked to go, the rest goes too: a repetition
    does not look again whether it may.
    """
    copy = ctx.member.copy(ctx.target)
    if copy is None or not copy.server_id:
        return {"message": "nothing is parked"}
    if not ctx.data.get(_begun(ctx)):
        why = _why_not(ctx, copy)
        if why is not None:
            kept = [residue.entry("server", copy.server_id, why)]
            residue.note(ctx, kept)
            return {"kept": kept, "message": f"kept: {why}"}
        _begin(ctx)
    return _remove(ctx, copy)


def _why_not(ctx: StepContext, copy: models.MemberCopy) -> str | None:
    if ctx.member.id not in cleanup.covered(ctx, ctx.source):
        return "no complete recovery point holds it"
    try:
        power.idle(ctx, ctx.target, str(copy.server_id))
    except exception.CloudNotFound:
        # what that means is told below
        pass
    return cleanup.obstacle(ctx, ctx.member)


def _begun(ctx: StepContext) -> str:
    # one key for each member: they are removed side by side
    return f"cleanup:{ctx.member_id}"


def _begin(ctx: StepContext) -> None:
    with settling.change(ctx) as (session, _):
        row = operations_leases.owned(session, ctx.work.lease.token)
        row.data = {**row.data, _begun(ctx): True}


def _remove(ctx: StepContext, copy: models.MemberCopy) -> Json:
    site_id, server_id = ctx.target, str(copy.server_id)
    volumes = ctx.member.volumes_at(site_id)
    removal.drop_server(ctx, site_id, server_id)
    if not ctx.scene.settings.prestage:
        # else they stand for the new copies, with their addresses
        _drop_addresses(ctx, copy)
    kept = removal.drop_volumes(ctx, site_id, volumes, server_id)
    residue.note(ctx, kept)
    gone = {str(v.cinder_id) for v in volumes} - {e["id"] for e in kept}
    _forget(ctx, gone)
    return {
        "server_id": server_id,
        "volumes": sorted(gone),
        "kept": kept,
        "message": f"server {server_id} and {len(gone)} volumes deleted",
    }


def _drop_addresses(ctx: StepContext, copy: models.MemberCopy) -> None:
    """Those that Protector made; the tenant's own are used again."""
    floating = [f["id"] for f in copy.floating_ips if f.get("made")]
    removal.drop_floating_ips(ctx, ctx.target, floating)
    removal.forget(ctx, ctx.target, made.FLOATING_IPS, floating)
    removal.drop_ports(
        ctx, ctx.target, [p["id"] for p in copy.ports if p["made"]]
    )


def _forget(ctx: StepContext, volume_ids: set[str]) -> None:
    """The rows tell of what is left; what comes in its place is ours, also
    where the original was."""
    removal.forget(ctx, ctx.target, made.VOLUMES, volume_ids)
    ports = _left(ctx)
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (ctx.member.id, ctx.target))
        row.role = c.CopyRole.GONE
        row.server_id = row.stop_request_id = row.power_state = None
        row.ports = ports
        row.made = {**row.made, made.ORIGINAL_GONE: True}
    ctx.refresh()


def _left(ctx: StepContext) -> list[Json]:
    """The recorded ports, if any outlived the server: their places tell the
    NIC, so that those that are gone are made anew."""
    network = ctx.tenant(ctx.target).network
    copy = ctx.member.copy(ctx.target)
    recorded = list(copy.ports) if copy is not None else []
    for port in recorded:
        try:
            network.get_port(port["id"])
        except exception.CloudNotFound:
            continue
        return recorded
    return []


def prestage(ctx: StepContext) -> Json:
    """In place of what was removed come empty copies, as for a new member:
    they are the capacity guarantee of the way back."""
    copy = ctx.member.copy(ctx.target)
    if copy is None or copy.server_id:
        return {"message": "kept"}
    return members.prestage(ctx)


def settle(ctx: StepContext) -> Json:
    """A version tells what is left."""
    with settling.change(ctx) as (session, group):
        return {"version": settling.end(ctx, session, group)}


STEPS = (
    Step("cleanup.discard_undo", discard_undo),
    Step("cleanup.remove", remove, 3),
    # without them the way back makes them on arrival
    Step("cleanup.prestage", prestage, 5, optional=True),
    Step("cleanup.settle", settle),
)
