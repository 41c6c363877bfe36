# SPDX-License-Identifier: Apache-2.0
"""Steps on the volumes' content at the target of a move."""

import datetime
from typing import Any

from protector import constants as c
from protector import exception, states, times
from protector.clients import types
from protector.db import models
from protector.engine import (
    arrival,
    records,
    undo_copies,
    unreplicated,
    volume_set,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.engine.steps import networks, replication

Json = dict[str, Any]
# in the data of an unplanned move whose copies take no content: why
OUTSIDE = "outside_pods"


def disconnect(ctx: StepContext) -> None:
    """Observe that nothing uses the member's volumes at the target: each is
    available, or reserved by its own parked server, and no host is
    connected to it on the array."""
    copy = ctx.member.copy(ctx.target)
    server_id = copy.server_id if copy else None
    for volume in ctx.member.volumes_at(ctx.target):
        ctx.volumes(ctx.target).wait(
            str(volume.cinder_id), _unused_by(server_id), ctx.remaining
        )
        hosts = ctx.driver.connected_hosts(
            ctx.array(ctx.target), str(volume.array_volume)
        )
        if hosts:
            raise exception.UnexpectedState(
                f"Volume {volume.name} ({volume.cinder_id}) is connected to "
                f"{', '.join(hosts)} on the array.",
                remedy="Disconnect it and retry the operation.",
            )


def _unused_by(server_id: str | None) -> Any:
    def done(volume: types.Volume | None) -> bool | None:
        if volume is None:
            raise exception.UnexpectedState("A volume at the target is gone.")
        if set(volume.server_ids) - {server_id}:
            raise exception.UnexpectedState(
                f"Volume {volume.name} ({volume.id}) is attached to server "
                f"{', '.join(volume.server_ids)}.",
                remedy="Detach it and retry the operation.",
            )
        if volume.status in ("error", "error_extending"):
            raise exception.UnexpectedState(
                f"Volume {volume.name} ({volume.id}) is {volume.status}."
            )
        return True if volume.status in ("available", "reserved") else None

    return done


def undo_copy(ctx: StepContext) -> Json:
    """A local snapshot of the target's array group, when some of what is
    about to be overwritten exists nowhere else."""
    found = [
        m
        for m in ctx.scene.settled_members
        if arrival.content_is_unique(ctx, m)
    ]
    unique = [m.instance_name for m in found]
    if not unique:
        return {"message": "no unique content"}
    replication.follow_copies(ctx)
    group = str(ctx.scene.side(ctx.target).array_group)
    name = ctx.driver.snapshot(
        ctx.array(ctx.target), group, f"undo-{ctx.run_name}"
    )
    days = ctx.scene.settings.undo_retention_days
    until = ctx.clock.now() + datetime.timedelta(days=days)
    ctx.save(
        undo={
            "name": name,
            "members": unique,
            "member_ids": [m.id for m in found],
            "kept_until": times.iso(until),
        }
    )
    return {"undo": name, "message": f"{name} keeps {', '.join(unique)}"}


def overwrite(ctx: StepContext) -> Json:
    """Replace the content of the member's volumes at the target by that of
    the recovery point, through staging volumes of this run."""
    ctx.save(staged=True)
    refused = ctx.data.get(OUTSIDE)
    try:
        found = _arrive_all(ctx, refused)
    except exception.PodRefuses as e:
        if not states.is_unplanned(ctx.operation.args):
            raise
        # a survivor alone: then all of the move goes elsewhere
        refused = e.message
        ctx.save(**{OUTSIDE: refused})
        found = _arrive_all(ctx, refused)
    if refused:
        ctx.save(**{_beside(ctx): True})
    return found


def make_beside(ctx: StepContext) -> None:
    """Volumes for a member that arrived in its pod before that refused
    another's content; where there can be none, it stays as it is."""
    if not ctx.data.get(OUTSIDE) or _beside(ctx) in ctx.data:
        return
    for source in ctx.member.volumes_at(ctx.source):
        unreplicated.make(ctx, source)
    ctx.save(**{_beside(ctx): False})


def gather(ctx: StepContext) -> Json | None:
    """Such a member follows the others: a group that lies in two places
    replicates to none.  From here on its volumes may be empty."""
    refused = ctx.data.get(OUTSIDE)
    if not refused or ctx.data.get(_beside(ctx)):
        return None
    if _beside(ctx) not in ctx.data:
        unreplicated.list_unused(ctx)
        return {"message": "It stays in its pod, and others are beside it."}
    found = _arrive_all(ctx, refused)
    # its server may have been given up
    networks.ensure_ports(ctx, ctx.target)
    ctx.save(**{_beside(ctx): True})
    return found


def _beside(ctx: StepContext) -> str:
    """In the data: whether all of the member's content arrived beside its
    pod.  Not there: it is in the pod."""
    return f"beside:{ctx.member_id}"


def _arrive_all(ctx: StepContext, refused: str | None) -> Json:
    """:param refused: why its pod takes no content; None: it is to."""
    sources = ctx.member.volumes_at(ctx.source)
    for source in sources:
        _arrive(ctx, source, refused)
    _bootable(ctx)
    return {"volumes": len(sources)}


def _arrive(
    ctx: StepContext, source: models.VolumeCopy, refused: str | None
) -> None:
    """The content of one volume."""
    if refused:
        target = unreplicated.replace(ctx, source, refused)
    else:
        target = unreplicated.locate(ctx, source.ordinal)
    ctx.driver.overwrite(
        ctx.direction(ctx.source),
        ctx.data["point"],
        str(source.array_volume),
        str(target.array_volume),
        arrival.staging_name(ctx, ctx.member, source.ordinal),
    )


def _bootable(ctx: StepContext) -> None:
    """As the image says, which the root of a copy may not know yet."""
    client = ctx.tenant(ctx.target).volume
    row = records.volume(ctx, ctx.target, 0)
    root_id = str(row and row.cinder_id)
    root = client.get(root_id)
    image = ctx.member.recipe["volumes"][0]["image_metadata"]
    if image and not root.bootable and not root.image_metadata:
        client.set_image_metadata(root_id, image)
    if not root.bootable:
        client.set_bootable(root_id, True)


def unstage(ctx: StepContext) -> None:
    """Destroy all staging, so that a late copy of a stopped engine fails
    for want of its source before the first server starts."""
    ctx.driver.destroy_volumes(
        ctx.array(ctx.target), arrival.staging_prefix(ctx.operation.id)
    )
    if ctx.operation.kind in c.PLACEMENT_VERBS:
        replication.follow_copies(ctx)


def discard_undo(ctx: StepContext) -> Json:
    """Give up the undo copies at both sites, if that was asked for: the
    array groups take them along, also those whose move nobody knows.

    :raises InvalidStatus: there are some, and it was not.
    """
    scene = ctx.scene
    sites = scene.site_ids
    found = {s: sorted(undo_copies.live(ctx, s).items()) for s in sites}
    names = [name for site_id in sites for name, _ in found[site_id]]
    if names and not ctx.operation.args.get("discard_undo"):
        raise undo_copies.refusal(scene.group.name, names)
    for site_id in sites:
        for name in (name for name, copy in found[site_id] if copy.known):
            ctx.driver.destroy_snapshot(ctx.array(site_id), name)
    return {"discarded": names}


STEPS = (
    Step("volumes.follow", volume_set.follow, undo=volume_set.forget),
    Step("volumes.disconnect", disconnect),
    Step("volumes.undo_copy", undo_copy),
    Step("volumes.overwrite", overwrite, 5, undo=unstage),
    Step("volumes.make_beside", make_beside, optional=True),
    Step("volumes.gather", gather),
    Step("volumes.unstage", unstage),
    Step("volumes.discard_undo", discard_undo),
)
