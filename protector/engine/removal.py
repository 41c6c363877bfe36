# SPDX-License-Identifier: Apache-2.0
"""Deletes a member's copies at the site where it does not run.

By recorded id only, never on a mark alone, and in the order that works:
server, addresses and ports, then volumes, which leave their Cinder group
first.  What is not ours to delete is kept and listed.
"""

from collections.abc import Collection, Sequence
from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import (
    disks,
    fencing,
    made,
    membership,
    records,
    residue,
)
from protector.engine.context import StepContext

Json = dict[str, Any]


def deletes(member: models.Member, site_id: str) -> bool:
    """Whether ``drop_copies`` deletes volumes that the member has there."""
    copy = member.copy(site_id)
    is_kept = copy is not None and (
        copy.role == c.CopyRole.LIVE or copy.content_unique
    )
    return bool(member.volumes_at(site_id)) and not (
        is_kept or membership.is_original(member, site_id)
    )


def drop_copies(ctx: StepContext, site_id: str) -> list[Json]:
    """Delete the member's copies at a site; what was kept, and why."""
    member = ctx.member
    copy = member.copy(site_id)
    volumes = member.volumes_at(site_id)
    if membership.is_original(member, site_id):
        return _leave_original(ctx, site_id, copy, volumes)
    if copy is not None and copy.role == c.CopyRole.LIVE:
        return [residue.entry("server", copy.server_id, "it runs")]
    if copy is not None and copy.content_unique:
        why = "its content exists nowhere else"
        return [residue.entry("volume", v.cinder_id, why) for v in volumes]
    records.adopt(ctx, site_id)
    copy = ctx.member.copy(site_id)
    if copy is not None:
        _drop_machine(ctx, site_id, copy)
    volumes = ctx.member.volumes_at(site_id)
    server_id = copy and copy.server_id
    return drop_volumes(ctx, site_id, volumes, server_id, made_only=True)


def _leave_original(
    ctx: StepContext,
    site_id: str,
    copy: models.MemberCopy | None,
    volumes: list[models.VolumeCopy],
) -> list[Json]:
    """A parked original is the tenant's: it leaves the group, when it can
    (Cinder does not let ``reserved`` volumes go), and is locked no more."""
    if copy is not None and copy.server_id:
        try:
            fencing.lift(ctx, site_id, copy.server_id)
        except exception.CloudNotFound:
            pass
    ids = [str(v.cinder_id) for v in volumes]
    try:
        membership.leave(ctx, site_id, ids)
    except exception.CloudUnavailable:
        raise
    except exception.CloudError as e:
        return [residue.entry("volume", i, e.message) for i in ids]
    return []


# -- the server, and what hangs on it


def _drop_machine(
    ctx: StepContext, site_id: str, copy: models.MemberCopy
) -> None:
    if copy.server_id:
        drop_server(ctx, site_id, copy.server_id)
    drop_floating_ips(
        ctx, site_id, [f["id"] for f in copy.floating_ips if f.get("made")]
    )
    drop_ports(ctx, site_id, [p["id"] for p in copy.ports if p["made"]])
    drop_security_groups(
        ctx, site_id, _only_its(ctx, site_id, copy, made.SECURITY_GROUPS)
    )
    _drop_server_groups(
        ctx, site_id, _only_its(ctx, site_id, copy, made.SERVER_GROUPS)
    )


def drop_server(ctx: StepContext, site_id: str, server_id: str) -> None:
    """Delete a server of ours; its volumes stay, as read back before."""
    compute = ctx.tenant(site_id).compute
    try:
        for attachment in compute.attachments(server_id):
            if attachment.delete_on_termination:
                compute.set_delete_on_termination(
                    server_id, attachment.volume_id, False
                )
        if any(
            a.delete_on_termination for a in compute.attachments(server_id)
        ):
            raise exception.UnexpectedState(
                f"Server {server_id} would take volumes along: "
                "delete_on_termination could not be cleared."
            )
        compute.delete_server(server_id)
    except exception.CloudNotFound:
        return
    ctx.servers(site_id).wait(
        server_id, lambda s: True if s is None else None, ctx.remaining
    )


def drop_floating_ips(
    ctx: StepContext, site_id: str, ids: Sequence[str]
) -> None:
    network = ctx.tenant(site_id).network
    for floating_ip_id in ids:
        try:
            network.delete_floating_ip(floating_ip_id)
        except exception.CloudNotFound:
            continue


def drop_ports(ctx: StepContext, site_id: str, ids: Sequence[str]) -> None:
    network = ctx.tenant(site_id).network
    for port_id in ids:
        try:
            network.delete_port(port_id)
        except exception.CloudNotFound:
            continue


def drop_security_groups(
    ctx: StepContext, site_id: str, ids: Sequence[str]
) -> None:
    network = ctx.tenant(site_id).network
    for group_id in ids:
        try:
            network.delete_security_group(group_id)
        except (exception.CloudNotFound, exception.CloudConflict):
            # gone, or a port of the tenant's or of another member uses it
            continue


def _drop_server_groups(
    ctx: StepContext, site_id: str, ids: Sequence[str]
) -> None:
    compute = ctx.tenant(site_id).compute
    for group_id in ids:
        try:
            if not compute.server_group(group_id).get("members"):
                compute.delete_server_group(group_id)
        except exception.CloudNotFound:
            continue


def _only_its(
    ctx: StepContext, site_id: str, copy: models.MemberCopy, kind: str
) -> list[str]:
    """What was made for the member and no other member uses."""
    others = {
        object_id
        for m in ctx.scene.members
        if m.id != ctx.member.id
        for other in [m.copy(site_id)]
        if other is not None
        for object_id in other.made.get(kind, [])
    }
    return [i for i in copy.made.get(kind, []) if i not in others]


# -- volumes


def drop_volumes(
    ctx: StepContext,
    site_id: str,
    volumes: Sequence[models.VolumeCopy],
    server_id: str | None = None,
    made_only: bool = False,
) -> list[Json]:
    """Delete volumes of ours; what was kept, and why.

    :param server_id: the server that had them and was just deleted.
    :param made_only: those stay that the tenant attached while the member
        ran there.
    """
    ids = [str(v.cinder_id) for v in volumes]
    for volume_id in ids:
        disks.let_go(ctx, site_id, volume_id, server_id)
    client = ctx.tenant(site_id).volume
    found = client.list(ids=set(ids))
    membership.leave(
        ctx, site_id, [v.id for v in found if v.status in disks.MOVABLE]
    )
    tenants = {str(v.cinder_id) for v in volumes if v.made is False}
    foreign = [
        v
        for v in found
        if made_only and (v.id in tenants or not _is_marked(ctx, v))
    ]
    kept = [
        drop_volume(ctx, site_id, volume)
        for volume in found
        if volume not in foreign
    ]
    why = "Protector did not make it"
    return [
        *(residue.entry("volume", volume.id, why) for volume in foreign),
        *(entry for entry in kept if entry),
    ]


def _is_marked(ctx: StepContext, volume: types.Volume) -> bool:
    """Whether a volume says that it was made for the member; so does what
    its tenant made from a backup of it."""
    return volume.metadata.get(membership.MEMBER_MARK) == ctx.member.id


def drop_volume(
    ctx: StepContext, site_id: str, volume: types.Volume
) -> Json | None:
    """Delete a volume of ours and see it gone; what was kept, and why."""
    if volume.server_ids:
        return residue.entry("volume", volume.id, "attached to a server")
    try:
        ctx.tenant(site_id).volume.delete(volume.id)
    except exception.CloudNotFound:
        return None
    except exception.CloudUnavailable:
        raise
    except exception.CloudError as e:
        # a snapshot of the user's, say
        return residue.entry("volume", volume.id, e.message)
    ctx.volumes(site_id).wait(volume.id, _gone, ctx.remaining)
    return None


def _gone(volume: types.Volume | None) -> bool | None:
    if volume is not None and volume.status == "error_deleting":
        raise exception.UnexpectedState(
            f"Volume {volume.name} ({volume.id}) could not be deleted.",
            remedy="See the log of Cinder, reset its state and retry.",
        )
    return True if volume is None else None


# -- the rows


def forget(
    ctx: StepContext,
    site_id: str,
    kind: str,
    ids: Collection[str],
) -> None:
    """Take what was deleted out of the member's rows."""
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (ctx.member.id, site_id))
        if kind == made.VOLUMES:
            for volume in ctx.member.volumes_at(site_id):
                if volume.cinder_id in ids:
                    key = (volume.member_id, volume.ordinal, site_id)
                    session.delete(session.get(models.VolumeCopy, key))
        elif row is None:
            return
        elif kind == made.PORTS:
            row.ports = [p for p in row.ports if p["id"] not in ids]
        elif kind == made.FLOATING_IPS:
            row.floating_ips = [
                f for f in row.floating_ips if f["id"] not in ids
            ]
        else:
            left = [i for i in row.made.get(kind, []) if i not in ids]
            row.made = {**row.made, kind: left}
