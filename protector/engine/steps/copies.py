# SPDX-License-Identifier: Apache-2.0
"""Steps and helpers that make a member's volumes at the other site.

They are ordinary volumes in that site's Cinder group, made by the tenant's
own project there, thin and empty: the capacity guarantee of the move.
"""

from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import (
    disks,
    made,
    membership,
    records,
    removal,
    residue,
    targets,
    unreplicated,
)
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def build(ctx: StepContext) -> Json:
    """The target's server is parked or not there yet, and every volume of
    the member has its copy there, in the Cinder group and big enough."""
    targets.prepare(ctx)
    unreplicated.give_back(ctx)
    ids = ensure_volumes(ctx, ctx.target, ctx.source)
    return {"volumes": ids}


def unbuild(ctx: StepContext) -> None:
    """Delete the volumes that this operation made."""
    records.adopt_volumes(ctx, ctx.target)
    ids = made.ids(ctx, made.VOLUMES)
    rows = [v for v in ctx.member.volumes_at(ctx.target) if v.cinder_id in ids]
    residue.note(ctx, removal.drop_volumes(ctx, ctx.target, rows))
    removal.forget(ctx, ctx.target, made.VOLUMES, ids)


def ensure_volumes(
    ctx: StepContext, site_id: str, origin_site_id: str
) -> list[str]:
    """Make what is missing of the member's volumes at ``site_id``, after
    the pattern of those at ``origin_site_id``; the ids in boot order."""
    copy = ctx.member.copy(site_id)
    own = copy.server_id if copy else None
    for pattern in ctx.member.volumes_at(origin_site_id):
        volume_id = _present(ctx, site_id, pattern)
        disks.usable(ctx, site_id, volume_id, server_id=own)
        volume = ctx.tenant(site_id).volume.get(volume_id)
        ours = not membership.is_original(ctx.member, site_id)
        if pattern.boot_index == 0 and ours:
            _complete(ctx, site_id, volume)
        records.locate_volume(ctx, site_id, pattern.ordinal, volume)
    ctx.refresh()
    copies = ctx.member.volumes_at(site_id)
    ids = [str(v.cinder_id) for v in copies]
    membership.join(ctx, site_id, ids)
    return ids


def _present(
    ctx: StepContext, site_id: str, pattern: models.VolumeCopy
) -> str:
    """The id of the copy: the recorded one, unless it was deleted, else one
    that bears the mark, else a new one."""
    known = records.volume(ctx, site_id, pattern.ordinal)
    if known is not None:
        try:
            return _grown(ctx, site_id, known, pattern.size_gb).id
        except exception.CloudNotFound:
            pass
    found = records.marked_volume(ctx, site_id, pattern.ordinal) or _make(
        ctx, site_id, pattern
    )
    records.record_volume(ctx, site_id, pattern, found)
    return found.id


def _make(
    ctx: StepContext, site_id: str, pattern: models.VolumeCopy
) -> types.Volume:
    recipe = ctx.member.recipe["volumes"][pattern.ordinal]
    marks = membership.volume_marks(ctx.member, pattern.ordinal)
    return ctx.tenant(site_id).volume.create(
        name=recipe["name"],
        size=pattern.size_gb,
        volume_type=ctx.scene.side(site_id).volume_type_id,
        metadata=recipe["metadata"] | marks,
        description=recipe["description"],
    )


def _complete(ctx: StepContext, site_id: str, volume: types.Volume) -> None:
    """Nova takes all image properties of the guest from its boot volume."""
    client = ctx.tenant(site_id).volume
    wanted = ctx.member.recipe["volumes"][0]["image_metadata"]
    differs = {
        key: value
        for key, value in wanted.items()
        if volume.image_metadata.get(key) != value
    }
    if differs:
        client.set_image_metadata(volume.id, differs)
    if not volume.bootable:
        client.set_bootable(volume.id, True)


def _grown(
    ctx: StepContext, site_id: str, known: models.VolumeCopy, size: int
) -> types.Volume:
    """The recorded volume; extended when the source's grew meanwhile.

    :raises CloudNotFound: it was deleted.
    """
    client = ctx.tenant(site_id).volume
    found = client.get(str(known.cinder_id))
    if found.size < size and found.status != "extending":
        if found.status != "available":
            raise exception.UnexpectedState(
                f"Volume {found.name} ({found.id}) has {found.size} GiB, its "
                f"source {size} GiB, and Cinder does not extend a volume "
                f"that is {found.status}.",
                remedy=targets.OUTGROWN,
            )
        client.extend(found.id, size)
    return found


STEPS = (Step("copies.build", build, 3, undo=unbuild),)
