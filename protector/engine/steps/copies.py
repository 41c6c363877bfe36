# SPDX-License-Identifier: Apache-2.0
"""Steps and helpers that make a member's volumes at the other site.

They are ordinary volumes in that site's Cinder group, made by the tenant's
own project there, thin and empty: the capacity guarantee of the move.
"""

from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import membership
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def build(ctx: StepContext) -> Json:
    """Every volume of the member has its copy at the target, in the
    target's Cinder group and big enough."""
    ids = ensure_volumes(ctx, ctx.target, ctx.source)
    return {"volumes": ids}


def ensure_volumes(
    ctx: StepContext, site_id: str, origin_site_id: str
) -> list[str]:
    """Make what is missing of the member's volumes at ``site_id``, after
    the pattern of those at ``origin_site_id``; the ids in boot order."""
    for pattern in ctx.member.volumes_at(origin_site_id):
        volume = _present(ctx, site_id, pattern)
        _available(ctx, site_id, volume.id)
        _record(ctx, site_id, pattern, volume)
    ctx.refresh()
    copies = ctx.member.volumes_at(site_id)
    ids = [str(v.cinder_id) for v in copies]
    membership.join(ctx, site_id, ids)
    return ids


def _present(
    ctx: StepContext, site_id: str, pattern: models.VolumeCopy
) -> types.Volume:
    volume = ctx.tenant(site_id).volume
    known = next(
        (
            v
            for v in ctx.member.volumes_at(site_id)
            if v.ordinal == pattern.ordinal and v.cinder_id
        ),
        None,
    )
    if known is not None:
        return _grown(ctx, site_id, known, pattern.size_gb)
    marks = membership.volume_marks(ctx.member, pattern.ordinal)
    found = volume.list(metadata=marks)
    return found[0] if found else _make(ctx, site_id, pattern, marks)


def _make(
    ctx: StepContext,
    site_id: str,
    pattern: models.VolumeCopy,
    marks: dict[str, str],
) -> types.Volume:
    recipe = ctx.member.recipe["volumes"][pattern.ordinal]
    volume = ctx.tenant(site_id).volume
    made = volume.create(
        name=recipe["name"],
        size=pattern.size_gb,
        volume_type=ctx.scene.side(site_id).volume_type_id,
        metadata=recipe["metadata"] | marks,
        description=recipe["description"],
    )
    _available(ctx, site_id, made.id)
    if pattern.boot_index == 0:
        # Nova takes all image properties of the guest from here
        if recipe["image_metadata"]:
            volume.set_image_metadata(made.id, recipe["image_metadata"])
        volume.set_bootable(made.id, True)
    return made


def _grown(
    ctx: StepContext, site_id: str, known: models.VolumeCopy, size: int
) -> types.Volume:
    """The recorded volume; extended when the source's grew meanwhile."""
    client = ctx.tenant(site_id).volume
    found = client.get(str(known.cinder_id))
    if found.size < size:
        if found.status != "available":
            raise exception.UnexpectedState(
                f"Volume {found.name} ({found.id}) has {found.size} GiB, its "
                f"source {size} GiB, and Cinder does not extend a volume "
                f"that is {found.status}.",
            )
        client.extend(found.id, size)
    return found


def _available(ctx: StepContext, site_id: str, volume_id: str) -> None:
    def done(volume: types.Volume | None) -> bool | None:
        if volume is not None and volume.status.startswith("error"):
            raise exception.UnexpectedState(
                f"Volume {volume.name} ({volume.id}) went into status "
                f"{volume.status}.",
                remedy="See the log of Cinder, delete the volume and retry "
                "the operation.",
            )
        settled = volume and volume.status in ("available", "reserved")
        return True if settled else None

    ctx.volumes(site_id).wait(volume_id, done, ctx.remaining)


def _record(
    ctx: StepContext,
    site_id: str,
    pattern: models.VolumeCopy,
    volume: types.Volume,
) -> None:
    """Remember the copy by its id, with what the array calls it."""
    array = ctx.array(site_id)
    name = volume.provider_id or ctx.driver.array_volume_name(volume.id)
    serial = ctx.driver.get_volume(array, name).serial
    key = (pattern.member_id, pattern.ordinal, site_id)
    with ctx.write() as session:
        _own_copy(session, pattern.member_id, site_id)
        row = session.get(models.VolumeCopy, key)
        if row is None:
            row = models.VolumeCopy(
                member_id=pattern.member_id,
                ordinal=pattern.ordinal,
                site_id=site_id,
            )
            session.add(row)
        row.cinder_id = volume.id
        row.name = volume.name
        row.size_gb = max(volume.size, pattern.size_gb)
        row.device = pattern.device
        row.boot_index = pattern.boot_index
        row.array_name = array.name
        row.array_volume = name
        row.serial = serial


def _own_copy(session: Any, member_id: str, site_id: str) -> None:
    if session.get(models.MemberCopy, (member_id, site_id)) is None:
        session.add(
            models.MemberCopy(
                member_id=member_id,
                site_id=site_id,
                role=c.CopyRole.GONE,
                content_unique=False,
                ports=[],
                floating_ips=[],
                made={},
            )
        )
        session.flush()


STEPS = (Step("copies.build", build, 3),)
