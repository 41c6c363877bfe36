# SPDX-License-Identifier: Apache-2.0
"""The volumes of a member's server as they are now, against its rows: taken
in where the member runs, attached and detached where it arrives.

Of their content it knows nothing, and it deletes none.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

from protector import exception
from protector.clients import clouds, types
from protector.db import models
from protector.engine import made, membership, recipe, records, residue
from protector.engine.context import StepContext

Json = dict[str, Any]
# in a recipe: places of the volumes that are protected, but not attached
DETACHED = "detached"


@dataclasses.dataclass(frozen=True)
class Added:
    """:ivar volume: None: it is not in the member's project."""

    attachment: types.Attachment
    volume: types.Volume | None

    def check(self, rules: recipe.Rules) -> None:
        """Whether it may join the group; raises as ``recipe.capture``."""
        if self.volume is None:
            raise exception.MemberNotProtectable(
                f"Volume {self.attachment.volume_id} is not in the project "
                "of its server.",
                remedy="Detach it, or transfer it.",
            )
        recipe.check_volume(self.volume, rules)

    def obstacle(self, rules: recipe.Rules) -> exception.ProtectorError | None:
        """Why it may not."""
        try:
            self.check(rules)
        except exception.ProtectorError as e:
            return e
        return None


@dataclasses.dataclass(frozen=True)
class Change:
    """What happened to a member's volumes since its rows were written.

    :ivar added: attached and not known, by device.
    :ivar detached: known ones that are attached no more.
    :ivar gone: known ones that were deleted.
    :ivar sizes: GiB of the known ones, by their place.
    """

    added: Sequence[Added]
    detached: Sequence[models.VolumeCopy]
    gone: Sequence[models.VolumeCopy]
    sizes: dict[int, int]


def compare(
    project: clouds.ProjectClients, member: models.Member, site_id: str
) -> Change:
    """:param project: clients at the site, where the member's server is.

    :raises CloudNotFound: there is no such server.
    """
    copy = member.copy(site_id)
    server_id = str(copy and copy.server_id)
    attached = {a.volume_id: a for a in project.compute.attachments(server_id)}
    rows = {str(v.cinder_id): v for v in member.volumes_at(site_id)}
    left_out = set((member.recipe or {}).get("left_out", []))
    new = set(attached) - set(rows) - left_out
    found = {v.id: v for v in project.volume.list(ids=new | set(rows))}
    seen = {row.ordinal: found[i] for i, row in rows.items() if i in found}
    loose = [row for i, row in rows.items() if i not in attached]
    return Change(
        added=[
            Added(a, found.get(a.volume_id))
            for a in sorted((attached[i] for i in new), key=_by_device)
        ],
        detached=[v for v in loose if v.ordinal in seen],
        gone=[
            v
            for v in loose
            if v.ordinal not in seen and is_gone(project, str(v.cinder_id))
        ],
        sizes={place: volume.size for place, volume in seen.items()},
    )


def _by_device(attachment: types.Attachment) -> tuple[int, str, str]:
    device = attachment.device or ""
    return len(device), device, attachment.volume_id


def is_gone(project: clouds.ProjectClients, volume_id: str) -> bool:
    """Whether a volume was deleted: a list that lacks it does not suffice."""
    try:
        project.volume.get(volume_id)
    except exception.CloudNotFound:
        return True
    return False


def deleted(ctx: StepContext, site_id: str) -> set[str]:
    """Array names of the members' volumes at a site that their users deleted
    in Cinder, and that the rows still tell of."""
    project = ctx.tenant(site_id)
    members = ctx.scene.settled_members
    rows = [v for m in members for v in m.volumes_at(site_id)]
    found = project.volume.list(ids={str(v.cinder_id) for v in rows})
    present = {volume.id for volume in found}
    return {
        str(row.array_volume)
        for row in rows
        if row.cinder_id not in present
        and is_gone(project, str(row.cinder_id))
    }


# -- where the member runs


def follow(ctx: StepContext) -> Json:
    """The member's rows tell of the volumes that its server has at the
    source: new ones are in the group, detached ones stay in it, and deleted
    ones are no longer expected.

    :raises MemberNotProtectable: a new one cannot be replicated, and why;
        likewise ``VolumeTypeMismatch`` and ``VolumeInAnotherGroup``.
    """
    change = compare(ctx.tenant(ctx.source), ctx.member, ctx.source)
    rules = recipe.rules(ctx.scene)
    for added in change.added:
        added.check(rules)
    ids = [added.attachment.volume_id for added in change.added]
    if ids:
        with ctx.write() as session:
            for volume_id in ids:
                made.note(ctx, session, made.JOINED, volume_id)
        membership.join(ctx, ctx.source, ids)
    _record(ctx, change)
    ctx.refresh()
    return {"added": ids}


def _record(ctx: StepContext, change: Change) -> None:
    known = ctx.member.recipe
    first = len(known["volumes"])
    rows, entries = [], []
    for number, added in enumerate(change.added, first):
        found = (added.volume, added.attachment)
        rows.append(records.volume_row(ctx, ctx.source, number, *found))
        entries.append(recipe.volume_entry(*found, number))
    detached = [v.ordinal for v in change.detached]
    with ctx.write() as session:
        member = session.get(models.Member, ctx.member.id)
        member.volumes.extend(rows)
        for row in member.volumes_at(ctx.source):
            row.size_gb = change.sizes.get(row.ordinal, row.size_gb)
        for gone in change.gone:
            key = (gone.member_id, gone.ordinal, gone.site_id)
            session.delete(session.get(models.VolumeCopy, key))
        if entries or detached != known.get(DETACHED, []):
            member.recipe = {
                **known,
                "volumes": [*known["volumes"], *entries],
                DETACHED: detached,
            }


def forget(ctx: StepContext) -> None:
    """Let go of what this operation took into the group."""
    ids = made.ids(ctx, made.JOINED)
    if not ids:
        return
    membership.leave(ctx, ctx.source, ids)
    rows = [v for v in ctx.member.volumes_at(ctx.source) if v.cinder_id in ids]
    names = [str(v.array_volume) for v in rows]
    if names and ctx.scene.side(ctx.source).array_group:
        ctx.driver.remove_volumes(ctx.direction(ctx.source), names)
    places = {v.ordinal for v in rows}
    with ctx.write() as session:
        member = session.get(models.Member, ctx.member.id)
        member.volumes = [v for v in member.volumes if v.ordinal not in places]
        entries = enumerate(member.recipe["volumes"])
        member.recipe = {
            **member.recipe,
            "volumes": [e for n, e in entries if n not in places],
        }


# -- where it arrives


def attached(
    member: models.Member, source: str, site_id: str
) -> list[models.VolumeCopy]:
    """Those at the site that the server is to have: what was detached or
    deleted at the source is not among them."""
    expected = {v.ordinal for v in member.volumes_at(source)}
    expected -= set(member.recipe.get(DETACHED, []))
    return [v for v in member.volumes_at(site_id) if v.ordinal in expected]


def hang(ctx: StepContext, server_id: str) -> None:
    """The member's server at the target has those volumes of the member
    that it is to have; others that hang on it are the user's."""
    compute = ctx.tenant(ctx.target).compute
    present = {a.volume_id for a in compute.attachments(server_id)}
    known = {str(v.cinder_id) for v in ctx.member.volumes_at(ctx.target)}
    wanted = [
        str(v.cinder_id) for v in attached(ctx.member, ctx.source, ctx.target)
    ]
    for volume_id in sorted((present & known) - set(wanted)):
        compute.detach_volume(server_id, volume_id)
        ctx.volumes(ctx.target).wait(volume_id, _free, ctx.remaining)
    for volume_id in wanted:
        if volume_id not in present:
            compute.attach_volume(server_id, volume_id)


def _free(volume: types.Volume | None) -> bool | None:
    return True if volume is None or volume.status == "available" else None


def let_go(ctx: StepContext) -> None:
    """What stands at the target for a volume that was deleted at the source
    leaves the group, and stays: it holds the last of that content."""
    expected = {v.ordinal for v in ctx.member.volumes_at(ctx.source)}
    for row in ctx.member.volumes_at(ctx.target):
        if row.ordinal not in expected:
            _release(ctx, row)


def _release(ctx: StepContext, row: models.VolumeCopy) -> None:
    volume_id = str(row.cinder_id)
    why = "it stood for a volume that was deleted"
    try:
        membership.leave(ctx, ctx.target, [volume_id])
    except exception.CloudUnavailable:
        raise
    except exception.CloudError as e:
        why = f"{why}, and is in the group: {e.message}"
    residue.note(ctx, [residue.entry("volume", volume_id, why)])
    with ctx.write() as session:
        key = (row.member_id, row.ordinal, row.site_id)
        session.delete(session.get(models.VolumeCopy, key))
