# SPDX-License-Identifier: Apache-2.0
"""Steps that make and unmake the Cinder groups and the group's rows."""

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.clients import volume as volume_client
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, tombstones
from protector.engine import settling
from protector.engine.context import StepContext
from protector.engine.step import Step

SPECS = {
    "consistent_group_snapshot_enabled": "<is> True",
    "consistent_group_replication_enabled": "<is> True",
}
GROUP_TYPE = "protector-replicated"
# in these Cinder lets a volume leave its group (cinder/group/api.py,
# VALID_REMOVE_VOL_FROM_GROUP_STATUS)
REMOVABLE = frozenset({"available", "in-use", "error", "error_deleting"})


def mark(group_id: str) -> str:
    """What a Cinder group of ours is found by: groups have no metadata, and
    names may be given twice."""
    return f"protector:{group_id}"


def create_source(ctx: StepContext) -> dict[str, str]:
    return _create(ctx, ctx.scene.local_site_id)


def create_target(ctx: StepContext) -> dict[str, str]:
    return _create(ctx, ctx.scene.peer_site_id)


def _create(ctx: StepContext, site_id: str) -> dict[str, str]:
    """The Cinder group of a site is there and available.

    One that settled in error is deleted and made again: Cinder's Pure driver
    can lose a race with its own target (storage facts C.8).
    """
    volume = ctx.tenant(site_id).volume
    side = ctx.scene.side(site_id)
    while True:
        group = _find(ctx, volume, site_id) or _make(ctx, volume, side)
        _record(ctx, side, group)
        settled = ctx.groups(site_id).wait(group.id, _settled, ctx.remaining)
        if settled == "available":
            return {"cinder_group_id": group.id}
        _delete(ctx, site_id, group.id)


def _find(
    ctx: StepContext, volume: volume_client.VolumeClient, site_id: str
) -> types.Group | None:
    scene = ctx.scene
    found = volume.find_groups(scene.consistency_group.name)
    ours = [g for g in found if g.description == mark(scene.group.id)]
    known = scene.side(site_id).cinder_group_id
    return next((g for g in ours if g.id == known), ours[0] if ours else None)


def _make(
    ctx: StepContext,
    volume: volume_client.VolumeClient,
    side: models.ConsistencyGroupSide,
) -> types.Group:
    return volume.create_group(
        name=ctx.scene.consistency_group.name,
        description=mark(ctx.scene.group.id),
        group_type_id=_group_type(volume).id,
        volume_type_ids=[side.volume_type_id],
    )


def _group_type(volume: volume_client.VolumeClient) -> types.GroupType:
    """A group type whose groups are consistent and replicated."""
    for found in volume.group_types():
        if all(found.group_specs.get(k) == v for k, v in SPECS.items()):
            return found
    return volume.create_group_type(GROUP_TYPE, SPECS)


def _settled(group: types.Group | None) -> str | None:
    if group is None or group.status == "error":
        return "error"
    return "available" if group.status == "available" else None


def _record(
    ctx: StepContext,
    side: models.ConsistencyGroupSide,
    group: types.Group,
) -> None:
    with ctx.write() as session:
        key = (side.consistency_group_id, side.site_id)
        row = session.get(models.ConsistencyGroupSide, key)
        row.cinder_group_id = group.id
        row.group_type_id = group.group_type


def delete_source(ctx: StepContext) -> None:
    _unmake(ctx, ctx.scene.local_site_id)


def delete_target(ctx: StepContext) -> None:
    _unmake(ctx, ctx.scene.peer_site_id)


def _unmake(ctx: StepContext, site_id: str) -> None:
    known = ctx.scene.side(site_id).cinder_group_id
    volume = ctx.tenant(site_id).volume
    found = _find(ctx, volume, site_id)
    for group_id in {known, found.id if found else None} - {None}:
        _empty(ctx, site_id, str(group_id))
        _delete(ctx, site_id, str(group_id))


def _empty(ctx: StepContext, site_id: str, group_id: str) -> None:
    """No volume is in the group any more: what is in it was put there by
    somebody else, or is a copy that had to be kept; it stays as a volume.

    :raises UnexpectedState: Cinder does not let a volume go.
    """
    volume = ctx.tenant(site_id).volume
    try:
        inside = volume.get_group(group_id).volume_ids
    except exception.CloudNotFound:
        return
    if not inside:
        return
    stuck = [
        f"{v.name} ({v.id}, {v.status})"
        for v in volume.list(ids=list(inside))
        if v.status not in REMOVABLE
    ]
    if stuck:
        raise exception.UnexpectedState(
            f"Volumes cannot leave volume group {group_id}: "
            f"{', '.join(stuck)}.",
            remedy="Bring them to status available or in-use, or delete "
            "them, then retry the operation.",
        )
    volume.update_group(group_id, remove=list(inside))
    ctx.groups(site_id).wait(group_id, _emptied, ctx.remaining)


def _emptied(group: types.Group | None) -> bool | None:
    if group is not None and group.status.startswith("error"):
        raise exception.UnexpectedState(
            f"Volume group {group.id} went into status {group.status} while "
            "its volumes were taken out.",
            remedy="Reset its state with 'openstack volume group set', then "
            "retry the operation.",
        )
    return True if group is None or group.status == "available" else None


def _delete(ctx: StepContext, site_id: str, group_id: str) -> None:
    """Delete a Cinder group that is empty, and see it gone."""
    volume = ctx.tenant(site_id).volume
    try:
        volume.delete_group(group_id)
    except exception.CloudNotFound:
        return
    ctx.groups(site_id).wait(group_id, _gone, ctx.remaining)


def _gone(group: types.Group | None) -> bool | None:
    if group is None or group.status == "deleted":
        return True
    if group.status in ("error", "error_deleting"):
        raise exception.UnexpectedState(
            f"Volume group {group.id} went into status {group.status} while "
            "it was deleted.",
            remedy="Reset its state with 'openstack volume group set', then "
            "retry the operation.",
        )
    return None


def settle_create(ctx: StepContext) -> dict[str, int]:
    """Make the first version; the group becomes active once the peer has
    it."""
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        if not settling.done(ctx, session):
            row = session.get(
                models.ConsistencyGroup, ctx.scene.consistency_group.id
            )
            row.status = c.GroupStatus.ACTIVE
            protection_groups.set_status(group, c.GroupStatus.ACTIVE)
            settling.end(ctx, session, group)
            protection_groups.set_status(group, c.GroupStatus.CREATING)
        return {"version": group.metadata_version}


def unsettle_create(ctx: StepContext) -> None:
    """The document of a group that was not made is nobody's to send.

    Its number is not given again: the peer may hold it already.
    """
    with ctx.write() as session:
        sync = metadata_sync.find(session, ctx.scene.group.id)
        if sync is not None:
            session.delete(sync)


def activate(ctx: StepContext) -> None:
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        protection_groups.set_status(group, c.GroupStatus.ACTIVE)


def bury(ctx: StepContext) -> None:
    """From here the group is a tombstone."""
    with ctx.write() as session:
        group = session.get(models.ProtectionGroup, ctx.scene.group.id)
        if group is not None and not group.deleted:
            protection_groups.bury(session, group)


def leave_lost(ctx: StepContext) -> None:
    """The group is gone here, and its lost site will be told so."""
    with ctx.write() as session:
        group = session.get(
            models.ProtectionGroup, ctx.operation.protection_group_id
        )
        if group is None:
            # a run before this one did it
            return
        tombstones.add(
            session,
            group,
            ctx.work.local_site_id,
            ctx.scene.peer_site_id,
            ctx.clock.now(),
        )
        protection_groups.forget(session, group.id)


STEPS = (
    Step("groups.create_source", create_source, 3, undo=delete_source),
    Step("groups.create_target", create_target, 3, undo=delete_target),
    Step("groups.settle_create", settle_create, undo=unsettle_create),
    Step("groups.activate", activate),
    Step("groups.delete_source", delete_source, 3),
    Step("groups.delete_target", delete_target, 3),
    Step("groups.bury", bury),
    Step("groups.leave_lost", leave_lost),
)
