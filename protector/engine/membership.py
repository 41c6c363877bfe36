# SPDX-License-Identifier: Apache-2.0
"""Volumes of a member in the Cinder group of a site: joined, seen, left."""

from collections.abc import Sequence

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import made
from protector.engine.context import StepContext

# metadata of what was made for a member
MEMBER_MARK = "protector_member"


def volume_marks(member: models.Member, ordinal: int) -> dict[str, str]:
    """Metadata by which a copy that was made, but not yet recorded, is
    found, if our user made it: what a tenant makes from a backup of it bears
    them, too.  Marks find, recorded ids decide: nothing is deleted on one.
    """
    return {
        MEMBER_MARK: member.id,
        "protector_volume": str(ordinal),
    }


def is_original(member: models.Member, site_id: str) -> bool:
    """Whether what is at the site is the tenant's own, not a copy of
    ours."""
    copy = member.copy(site_id)
    gone = copy is not None and copy.made.get(made.ORIGINAL_GONE)
    return member.home_site_id == site_id and not gone


def join(ctx: StepContext, site_id: str, volume_ids: Sequence[str]) -> None:
    """The volumes are in the site's Cinder group, observed.

    A group takes one update at a time, and members come side by side.
    """
    with ctx.work.turn:
        _join(ctx, site_id, volume_ids)


def _join(ctx: StepContext, site_id: str, volume_ids: Sequence[str]) -> None:
    client = ctx.tenant(site_id).volume
    group_id = str(ctx.scene.side(site_id).cinder_group_id)
    inside = set(client.get_group(group_id).volume_ids)
    missing = [v for v in volume_ids if v not in inside]
    if missing:
        _settled(ctx, site_id, group_id)
        client.update_group(group_id, add=missing)
    _settled(ctx, site_id, group_id)
    inside = set(client.get_group(group_id).volume_ids)
    left_out = set(volume_ids) - inside
    if left_out:
        raise exception.UnexpectedState(
            f"Cinder did not take volumes {', '.join(sorted(left_out))} into "
            f"volume group {group_id}."
        )


def leave(ctx: StepContext, site_id: str, volume_ids: Sequence[str]) -> None:
    """The volumes are in no Cinder group of ours, observed."""
    with ctx.work.turn:
        _leave(ctx, site_id, volume_ids)


def _leave(ctx: StepContext, site_id: str, volume_ids: Sequence[str]) -> None:
    client = ctx.tenant(site_id).volume
    group_id = ctx.scene.side(site_id).cinder_group_id
    if not group_id:
        return
    try:
        inside = set(client.get_group(group_id).volume_ids)
    except exception.CloudNotFound:
        return
    present = [v for v in volume_ids if v in inside]
    if present:
        _settled(ctx, site_id, group_id)
        client.update_group(group_id, remove=present)
        _settled(ctx, site_id, group_id)
    left = set(client.get_group(group_id).volume_ids) & set(volume_ids)
    if left:
        raise exception.UnexpectedState(
            f"Cinder did not let volumes {', '.join(sorted(left))} leave "
            f"volume group {group_id}."
        )


def _settled(ctx: StepContext, site_id: str, group_id: str) -> None:
    """An update is under way while the group is ``updating``."""

    def done(group: types.Group | None) -> bool | None:
        if group is None or group.status.startswith("error"):
            status = group.status if group else "gone"
            raise exception.UnexpectedState(
                f"Volume group {group_id} is {status}.",
                remedy="See the log of Cinder and reset the group's state.",
            )
        return True if group.status == "available" else None

    ctx.groups(site_id).wait(group_id, done, ctx.remaining)
