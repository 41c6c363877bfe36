# SPDX-License-Identifier: Apache-2.0
"""Steps that take a server into a group, and out of it."""

import contextlib
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import (
    conditions,
    fencing,
    membership,
    recipe,
    records,
    removal,
    replication,
    residue,
    settling,
    undo_held,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.engine.steps import copies, networks
from protector.engine.steps import replication as replication_steps

Json = dict[str, Any]


def capture(ctx: StepContext) -> Json:
    """Read the server's recipe and remember it and its volumes."""
    site_id = ctx.work.local_site_id
    found = recipe.capture(
        ctx.tenant(site_id),
        ctx.member.instance_id,
        ctx.operation.args.get("volume_ids"),
        recipe.rules(ctx.scene),
    )
    rows = [
        records.volume_row(ctx, site_id, number, volume, attachment)
        for number, (volume, attachment) in enumerate(found.volumes)
    ]
    with ctx.write() as session:
        member = session.get(models.Member, ctx.member.id)
        member.instance_name = found.server.name
        member.recipe = found.recipe
        member.warnings = found.warnings
        member.copies = [x for x in member.copies if x.site_id != site_id]
        member.volumes = [x for x in member.volumes if x.site_id != site_id]
        session.flush()
        member.copies.append(_copy_row(site_id, found))
        member.volumes.extend(rows)
    return {"volumes": len(rows), "warnings": found.warnings}


def _copy_row(site_id: str, found: recipe.Captured) -> models.MemberCopy:
    ports = found.recipe["ports"]
    return models.MemberCopy(
        site_id=site_id,
        server_id=found.server.id,
        role=c.CopyRole.LIVE,
        power_state=found.server.status,
        content_unique=True,
        ports=[
            {
                "id": p["id"],
                "network_id": p["network_id"],
                "mac_address": p["mac_address"],
                "fixed_ips": p["fixed_ips"],
                "made": False,
            }
            for p in ports
        ],
        floating_ips=[f for p in ports for f in p["floating_ips"]],
        made={},
    )


def _ids(member: models.Member, site_id: str) -> list[str]:
    return [str(v.cinder_id) for v in member.volumes_at(site_id)]


def join(ctx: StepContext) -> None:
    """The server's volumes are in the primary's Cinder group."""
    site_id = ctx.work.local_site_id
    membership.join(ctx, site_id, _ids(ctx.member, site_id))


def unjoin(ctx: StepContext) -> None:
    site_id = ctx.work.local_site_id
    membership.leave(ctx, site_id, _ids(ctx.member, site_id))


def prestage(ctx: StepContext) -> Json:
    """Make the member's volumes, security groups and ports at the other
    site beforehand, unless the policy turns it off."""
    if not ctx.scene.settings.prestage:
        return {"message": "turned off by the policy"}
    other = ctx.scene.peer_site_id
    ids = copies.ensure_volumes(ctx, other, ctx.work.local_site_id)
    return {"volumes": ids, "ports": networks.ensure_ports(ctx, other)}


def unprestage(ctx: StepContext) -> None:
    residue.note(ctx, removal.drop_copies(ctx, ctx.scene.peer_site_id))


def cover(ctx: StepContext) -> Json:
    """The array group holds the member's volumes, and the first point with
    them is on its way."""
    scene = ctx.scene
    primary = scene.group.current_primary_site_id
    replication_steps.name_groups(ctx, ctx.member)
    scene = ctx.scene
    direction = ctx.direction(primary)
    members = [*scene.settled_members, ctx.member]
    ctx.driver.ensure_protection(
        direction,
        replication.array_volumes(members, primary),
        scene.settings.schedule,
    )
    suffix = replication.epoch_suffix(scene.group.epoch, ctx.run_name)
    return {"point": ctx.driver.replicate_now(direction, suffix)}


def uncover(ctx: StepContext) -> None:
    """Cinder lets go first: of a group that its driver made on the array,
    only Cinder takes volumes out."""
    unjoin(ctx)
    scene = ctx.scene
    primary = scene.group.current_primary_site_id
    if scene.side(primary).array_group:
        ctx.driver.remove_volumes(
            ctx.direction(primary),
            replication.array_volumes([ctx.member], primary),
        )


def settle(ctx: StepContext) -> Json:
    """The member is protected from this version on."""
    with settling.change(ctx) as (session, group):
        member = session.get(models.Member, ctx.member.id)
        if member.status == c.MemberStatus.PROTECTING:
            # otherwise its removal was asked for meanwhile, and waits
            member.status = c.MemberStatus.PROTECTED
        member.updated_at = ctx.clock.now()
        return {"version": settling.end(ctx, session, group)}


def discard_undo(ctx: StepContext) -> Json:
    """Give up the undo copies that are snapshots of what the member loses
    where it does not run, if that was asked for.

    :raises InvalidStatus: there are some, and it was not.
    """
    held = undo_held.of_member(ctx, ctx.member)
    undo_held.require_none(held, ctx.operation.args, undo_held.REMOVE)
    return {"discarded": undo_held.give_up(ctx, held, [ctx.member.id])}


def leave(ctx: StepContext) -> None:
    """The member's volumes are replicated no more; from here on it only goes
    out."""
    with settling.change(ctx):
        pass
    uncover(ctx)


def unlock(ctx: StepContext) -> None:
    """No lock of ours stays on what the group leaves here: of a member, or
    of all.  Nothing is started."""
    here = ctx.work.local_site_id
    members = [ctx.member] if ctx.member_id else ctx.scene.members
    for member in members:
        copy = member.copy(here)
        if copy is not None and copy.server_id:
            with contextlib.suppress(exception.CloudNotFound):
                fencing.lift(ctx, here, copy.server_id)


def drop_copies(ctx: StepContext) -> Json:
    """Delete what Protector made for the member where it does not run: at
    the other site, or here, where a move that left it behind brought the
    others.

    :raises NotPrimarySite: they are what runs, since the other site took the
        group over.
    """
    settling.require_newest(ctx)
    here, site_ids = ctx.work.local_site_id, [ctx.scene.peer_site_id]
    copy = ctx.member.copy(here)
    if copy is not None and copy.role != c.CopyRole.LIVE:
        site_ids.append(here)
    kept = [e for i in site_ids for e in removal.drop_copies(ctx, i)]
    residue.note(ctx, kept)
    return {"kept": kept}


def forget(ctx: StepContext) -> Json:
    """The member's row is gone, and a version says so."""
    with settling.change(ctx) as (session, group):
        member = session.get(models.Member, str(ctx.member_id))
        if member is not None:
            session.delete(member)
            session.flush()
        _mend(ctx, session, group)
        return {"version": settling.end(ctx, session, group)}


def _mend(
    ctx: StepContext, session: orm.Session, group: models.ProtectionGroup
) -> None:
    """A group that lacked the member only is whole without it."""
    if not protection_groups.holds(group, c.Condition.PARTIAL):
        return
    here = ctx.work.local_site_id
    rows = session.query(models.Member).filter_by(protection_group_id=group.id)
    away = [
        row.instance_name
        for row in rows
        for copy in [row.copy(here)]
        if row.status not in c.MEMBER_UNSETTLED
        and (copy is None or copy.role != c.CopyRole.LIVE)
    ]
    conditions.partial(group, away, ctx.clock.now())


STEPS = (
    Step("members.capture", capture),
    Step("members.join", join, 2, undo=unjoin),
    Step("members.prestage", prestage, 5, undo=unprestage),
    Step("members.cover", cover, 2, undo=uncover),
    Step("members.settle", settle),
    Step("members.discard_undo", discard_undo),
    Step("members.leave", leave, 2),
    Step("members.unlock", unlock),
    Step("members.drop_copies", drop_copies, 3),
    Step("members.forget", forget),
)
