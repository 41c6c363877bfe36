# SPDX-License-Identifier: Apache-2.0
"""New volumes at the target in the place of those whose pod takes no
overwrite while its other array is away.

They do not replicate until the group is protected again, and then
asynchronously.  What they stand for is left alone and listed.
"""

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import (
    disks,
    drill,
    membership,
    records,
    residue,
    targets,
)
from protector.engine.context import StepContext


def replace(
    ctx: StepContext,
    pattern: models.VolumeCopy,
    refused: exception.PodRefuses,
) -> models.VolumeCopy:
    """A new volume stands for that of the same place at the target; its
    row.  What was made before a crash is found again.

    :param pattern: the row of the volume at the source.
    :param refused: what the array said.
    """
    targets.give_up(ctx)
    old = records.volume(ctx, ctx.target, pattern.ordinal)
    found = _marked(ctx, pattern.ordinal) or _make(ctx, pattern)
    disks.usable(ctx, ctx.target, found.id, ("available",))
    if old is not None:
        old_id = str(old.cinder_id)
        membership.leave(ctx, ctx.target, [old_id])
        residue.note(ctx, [residue.entry("volume", old_id, refused.message)])
    records.record_volume(ctx, ctx.target, pattern, found)
    volume = ctx.tenant(ctx.target).volume.get(found.id)
    records.locate_volume(ctx, ctx.target, pattern.ordinal, volume)
    ctx.refresh()
    return next(
        v
        for v in ctx.member.volumes_at(ctx.target)
        if v.ordinal == pattern.ordinal
    )


def _marks(ctx: StepContext, ordinal: int) -> dict[str, str]:
    """Not those of a copy that replicates: that one is there, too."""
    marks = membership.volume_marks(ctx.member, ordinal)
    return marks | {"protector_volume": f"{ordinal}-unreplicated"}


def _marked(ctx: StepContext, ordinal: int) -> types.Volume | None:
    found = ctx.tenant(ctx.target).volume.list(metadata=_marks(ctx, ordinal))
    return residue.oldest(ctx, "volume", found, "created_at")


def _make(ctx: StepContext, pattern: models.VolumeCopy) -> types.Volume:
    client = ctx.tenant(ctx.target).volume
    recipe = ctx.member.recipe["volumes"][pattern.ordinal]
    kind = drill.clone_type(client, ctx.scene.side(ctx.target))
    return client.create(
        name=recipe["name"],
        size=pattern.size_gb,
        volume_type=kind.id,
        metadata=recipe["metadata"] | _marks(ctx, pattern.ordinal),
        description=recipe["description"],
    )
