# SPDX-License-Identifier: Apache-2.0
"""The step that gives a group another secondary site, in the rows; what it
needs there is made by the steps of a new group and of new members."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import models
from protector.db.api import (
    metadata_sync,
    operations,
    protection_groups,
    tombstones,
)
from protector.engine import settling
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def turn(ctx: StepContext) -> Json:
    """The lost site is no part of the group any more; it will be told when
    it returns.  Only its rows go: nothing there is asked for."""
    if ctx.data.get("rehomed"):
        # an earlier run of the step got to its end
        return {"message": "done before"}
    args, here, lost = (
        ctx.operation.args,
        ctx.work.local_site_id,
        ctx.scene.peer_site_id,
    )
    with ctx.write() as session:
        group = settling.begin(ctx, session)
        sync = metadata_sync.find(session, group.id)
        parent = metadata_sync.triple(sync)
        tombstones.add(session, group, here, lost, ctx.clock.now())
        protection_groups.rehome(
            group,
            here,
            args["secondary_site_id"],
            args["secondary_project_id"],
            ctx.operation.id,
            parent.as_dict() if parent else {},
        )
        _drop_rows(session, group, here, lost)
        _turn_group(session, group, here, lost, args)
        _forget_peer(sync)
        operations.save_data(session, ctx.work.lease.token, rehomed=True)
        return {"epoch": group.epoch}


def _drop_rows(
    session: orm.Session,
    group: models.ProtectionGroup,
    here: str,
    lost: str,
) -> None:
    """What was known of the lost site, and what names things there."""
    members = session.scalars(
        sa.select(models.Member).where(
            models.Member.protection_group_id == group.id
        )
    )
    for member in members:
        member.copies = [x for x in member.copies if x.site_id != lost]
        member.volumes = [x for x in member.volumes if x.site_id != lost]
        # what runs here is the user's from now on
        member.home_site_id = here
        member.recoverable_at = None
    for model in (
        models.RecoveryPoint,
        models.ResourceMapping,
        models.Drill,
        models.SourceLock,
    ):
        session.execute(
            sa.delete(model).where(model.protection_group_id == group.id)
        )


def _turn_group(
    session: orm.Session,
    group: models.ProtectionGroup,
    here: str,
    lost: str,
    args: Json,
) -> None:
    row = session.scalars(
        sa.select(models.ConsistencyGroup).where(
            models.ConsistencyGroup.protection_group_id == group.id
        )
    ).one()
    group.volume_type_id = row.side(here).volume_type_id
    row.sides = [side for side in row.sides if side.site_id != lost]
    row.sides.append(
        models.ConsistencyGroupSide(
            site_id=args["secondary_site_id"],
            volume_type_id=args["secondary_volume_type_id"],
            volume_type_name=args["secondary_volume_type_name"],
            backend_name=args["secondary_backend_name"],
            schedule_enabled=False,
        )
    )


def _forget_peer(sync: models.MetadataSync | None) -> None:
    """The new site has acknowledged nothing."""
    if sync is None:
        return
    sync.remote_epoch = sync.remote_version = sync.remote_checksum = None
    sync.last_sync_at = sync.next_attempt_at = sync.other = None


STEPS = (Step("rehome.turn", turn),)
