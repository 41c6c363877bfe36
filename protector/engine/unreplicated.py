# SPDX-License-Identifier: Apache-2.0
"""New volumes at the target in the place of those whose pod takes no
overwrite while its other array is away.

They do not replicate until the group is protected again, and then
asynchronously.  What they stand for is left alone and listed.
"""

from protector import constants as c
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
    why: str,
) -> models.VolumeCopy:
    """A new volume stands for that of the same place at the target; its
    row.  What was made before a crash is found again.

    :param pattern: the row of the volume at the source.
    :param why: what the array said of the volumes that were there.
    """
    found = make(ctx, pattern)
    # nothing is given up before what takes its place is there
    targets.give_up(ctx)
    old = records.volume(ctx, ctx.target, pattern.ordinal)
    if old is not None and old.cinder_id != found.id:
        leave_alone(ctx, old, why)
    records.record_volume(ctx, ctx.target, pattern, found)
    ctx.refresh()
    return locate(ctx, pattern.ordinal)


def make(ctx: StepContext, pattern: models.VolumeCopy) -> types.Volume:
    """A new volume that may stand for that of the same place at the target,
    and does not yet; one that was made before is found again."""
    found = _marked(ctx, pattern.ordinal) or _make(ctx, pattern)
    disks.usable(ctx, ctx.target, found.id, ("available",))
    return found


def list_unused(ctx: StepContext) -> None:
    """What was made for the member and is not used is residue."""
    for pattern in ctx.member.volumes_at(ctx.source):
        found = _marked(ctx, pattern.ordinal)
        if found is not None:
            why = "made beside the pod, not used"
            residue.note(ctx, [residue.entry("volume", found.id, why)])


def locate(ctx: StepContext, ordinal: int) -> models.VolumeCopy:
    """The row of a place at the target, with what the array calls it."""
    row = _row(ctx, ordinal)
    if not row.array_volume:
        found = ctx.tenant(ctx.target).volume.get(str(row.cinder_id))
        records.locate_volume(ctx, ctx.target, ordinal, found)
        ctx.refresh()
        row = _row(ctx, ordinal)
    return row


def give_back(ctx: StepContext) -> None:
    """A later move arrives in the pods again: what was made outside of them
    is left alone, and copies that replicate are made in its place."""
    if ctx.scene.group.replication_type != c.ReplicationType.SYNC:
        return
    rows = [
        v for v in ctx.member.volumes_at(ctx.target) if _is_outside(ctx, v)
    ]
    if not rows:
        return
    targets.give_up(ctx)
    for row in rows:
        leave_alone(ctx, row, "another copy replicates in its place")
    with ctx.write() as session:
        for row in rows:
            key = (row.member_id, row.ordinal, row.site_id)
            session.delete(session.get(models.VolumeCopy, key))
    ctx.refresh()


def _is_outside(ctx: StepContext, row: models.VolumeCopy) -> bool:
    """Whether a volume at the target was made in the place of another, or
    was about to be left alone."""
    try:
        found = ctx.tenant(ctx.target).volume.get(str(row.cinder_id))
    except exception.CloudNotFound:
        return False
    marks = found.metadata.items()
    return any(
        wanted.items() <= marks
        for wanted in (_marks(ctx, row.ordinal), _left(row))
    )


def leave_alone(ctx: StepContext, row: models.VolumeCopy, why: str) -> None:
    """Let a volume at the target go: nothing of ours finds it any more."""
    volume_id = str(row.cinder_id)
    membership.leave(ctx, ctx.target, [volume_id])
    ctx.tenant(ctx.target).volume.set_metadata(volume_id, _left(row))
    residue.note(ctx, [residue.entry("volume", volume_id, why)])


def _row(ctx: StepContext, ordinal: int) -> models.VolumeCopy:
    rows = ctx.member.volumes_at(ctx.target)
    return next(row for row in rows if row.ordinal == ordinal)


def _marks(ctx: StepContext, ordinal: int) -> dict[str, str]:
    """Not those of a copy that replicates: that one is there, too."""
    marks = membership.volume_marks(ctx.member, ordinal)
    return marks | {"protector_volume": f"{ordinal}-unreplicated"}


def _left(row: models.VolumeCopy) -> dict[str, str]:
    """It stays on a volume of the tenant's, who may protect another server
    with that."""
    return {"protector_volume": f"{row.member_id}-{row.ordinal}-left"}


def _marked(ctx: StepContext, ordinal: int) -> types.Volume | None:
    found = ctx.tenant(ctx.target).volume.made(_marks(ctx, ordinal))
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
