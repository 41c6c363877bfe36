# SPDX-License-Identifier: Apache-2.0
"""Deletes a member's copies at the site where it does not run.

By recorded id only, never on a mark alone, and in the order that works:
server, ports, then volumes, which leave their Cinder group first.  What is
not ours to delete is kept and listed.
"""

from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import membership
from protector.engine.context import StepContext

Json = dict[str, Any]


def drop_copies(ctx: StepContext, site_id: str) -> list[Json]:
    """Delete the member's copies at a site; what was kept, and why."""
    member = ctx.member
    copy = member.copy(site_id)
    volumes = member.volumes_at(site_id)
    if copy is None and not volumes:
        return []
    if member.home_site_id == site_id:
        return _leave_original(ctx, site_id, volumes)
    if copy is not None and copy.role == c.CopyRole.LIVE:
        return [_kept("server", copy.server_id, "it runs")]
    if copy is not None and copy.content_unique:
        return [
            _kept("volume", v.cinder_id, "its content exists nowhere else")
            for v in volumes
        ]
    if copy is not None:
        _drop_server(ctx, site_id, copy)
        _drop_ports(ctx, site_id, copy)
        _drop_security_groups(ctx, site_id, copy)
    return _drop_volumes(ctx, site_id, volumes)


def _kept(kind: str, object_id: str | None, why: str) -> Json:
    return {"kind": kind, "id": object_id, "why": why}


def _leave_original(
    ctx: StepContext, site_id: str, volumes: list[models.VolumeCopy]
) -> list[Json]:
    """A parked original is the tenant's: it only leaves the group, when it
    can (Cinder does not let ``reserved`` volumes go)."""
    ids = [str(v.cinder_id) for v in volumes]
    try:
        membership.leave(ctx, site_id, ids)
    except exception.CloudError as e:
        return [_kept("volume", i, e.message) for i in ids]
    return []


def _drop_server(
    ctx: StepContext, site_id: str, copy: models.MemberCopy
) -> None:
    if not copy.server_id:
        return
    compute = ctx.tenant(site_id).compute
    try:
        for attachment in compute.attachments(copy.server_id):
            if attachment.delete_on_termination:
                compute.set_delete_on_termination(
                    copy.server_id, attachment.volume_id, False
                )
        if any(
            a.delete_on_termination
            for a in compute.attachments(copy.server_id)
        ):
            raise exception.UnexpectedState(
                f"Server {copy.server_id} would take volumes along: "
                "delete_on_termination could not be cleared."
            )
        compute.delete_server(copy.server_id)
    except exception.CloudNotFound:
        return
    ctx.servers(site_id).wait(
        copy.server_id, lambda s: True if s is None else None, ctx.remaining
    )


def _drop_ports(
    ctx: StepContext, site_id: str, copy: models.MemberCopy
) -> None:
    network = ctx.tenant(site_id).network
    for port in copy.ports:
        if not port["made"]:
            continue
        try:
            network.delete_port(port["id"])
        except exception.CloudNotFound:
            continue


def _drop_security_groups(
    ctx: StepContext, site_id: str, copy: models.MemberCopy
) -> None:
    """Those that Protector made and no other member uses."""
    others = {
        group_id
        for m in ctx.scene.members
        if m.id != ctx.member.id
        for other in [m.copy(site_id)]
        if other is not None
        for group_id in other.made.get("security_groups", [])
    }
    network = ctx.tenant(site_id).network
    for group_id in copy.made.get("security_groups", []):
        if group_id in others:
            continue
        try:
            network.delete_security_group(group_id)
        except (exception.CloudNotFound, exception.CloudConflict):
            # gone, or the tenant uses it
            continue


def _drop_volumes(
    ctx: StepContext, site_id: str, volumes: list[models.VolumeCopy]
) -> list[Json]:
    client = ctx.tenant(site_id).volume
    membership.leave(ctx, site_id, [str(v.cinder_id) for v in volumes])
    kept = []
    for volume in volumes:
        try:
            found = client.get(str(volume.cinder_id))
        except exception.CloudNotFound:
            continue
        if found.server_ids:
            kept.append(_kept("volume", found.id, "attached to a server"))
            continue
        try:
            client.delete(found.id)
        except exception.CloudError as e:
            # a snapshot of the user's, say
            kept.append(_kept("volume", found.id, e.message))
            continue
        ctx.volumes(site_id).wait(found.id, _gone, ctx.remaining)
    return kept


def _gone(volume: types.Volume | None) -> bool | None:
    if volume is not None and volume.status == "error_deleting":
        raise exception.UnexpectedState(
            f"Volume {volume.name} ({volume.id}) could not be deleted.",
            remedy="See the log of Cinder, reset its state and retry.",
        )
    return True if volume is None else None
