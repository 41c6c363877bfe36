# SPDX-License-Identifier: Apache-2.0
"""The one step that settles a change of the group's own rows."""

from collections.abc import Callable
from typing import Any
import uuid

from sqlalchemy import orm

from protector import constants as c
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import settling
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def settle(ctx: StepContext) -> Json:
    """Change the rows and make the next version, in one transaction."""
    operation = ctx.operation
    if "name" in operation.args:
        # the peer must not refuse it once it is made
        _reserve(ctx, operation.args["name"])
    with ctx.write() as session:
        group = settling.begin(ctx, session)
        if not settling.done(ctx, session):
            change = CHANGES[c.Verb(operation.kind)]
            change(ctx, session, group, operation.args)
        return {"version": settling.end(ctx, session, group)}


def _reserve(ctx: StepContext, name: str) -> None:
    """:raises NameTaken: another group has the name at the peer."""
    scene = ctx.scene
    ctx.site(scene.peer_site_id).peer.reserve(
        {
            "id": scene.group.id,
            "name": name,
            "project_id": scene.project(scene.peer_site_id),
        }
    )


def _update(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
    args: Json,
) -> None:
    if "name" in args:
        protection_groups.check_name(
            session, group.project_id, args["name"], except_id=group.id
        )
        group.name = args["name"]
    group.description = args.get("description", group.description)


def _policy_set(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
    args: Json,
) -> None:
    defaults = ctx.conf.replication
    values = {
        "replication_interval_minutes": defaults.interval_minutes,
        "rpo_minutes": defaults.rpo_minutes,
        "retention": {
            "all_for_hours": defaults.retention_all_for_hours,
            "per_day": defaults.retention_per_day,
            "days": defaults.retention_days,
        },
        "prestage": True,
        "undo_retention_days": defaults.undo_retention_days,
        "pure_pg_name": None,
    }
    row = _policy(session, group.id)
    if row is None:
        row = models.ReplicationPolicy(
            id=str(uuid.uuid4()),
            protection_group_id=group.id,
            created_at=ctx.clock.now(),
        )
        session.add(row)
        for key, value in values.items():
            setattr(row, key, value)
    for key in values.keys() & args.keys():
        setattr(row, key, args[key])
    row.updated_at = ctx.clock.now()


def _policy_delete(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
    args: Json,
) -> None:
    row = _policy(session, group.id)
    if row is not None:
        session.delete(row)


def _policy(
    session: orm.Session, group_id: str
) -> models.ReplicationPolicy | None:
    return (
        session.query(models.ReplicationPolicy)
        .filter_by(protection_group_id=group_id)
        .one_or_none()
    )


def _mappings_set(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
    args: Json,
) -> None:
    row = session.get(models.ResourceMapping, group.id)
    if row is None:
        row = models.ResourceMapping(
            protection_group_id=group.id, created_at=ctx.clock.now()
        )
        session.add(row)
    row.mappings = args["mappings"]
    row.updated_at = ctx.clock.now()


Change = Callable[
    [StepContext, orm.Session, models.ProtectionGroup, Json], None
]
CHANGES: dict[c.Verb, Change] = {
    c.Verb.UPDATE: _update,
    c.Verb.POLICY_SET: _policy_set,
    c.Verb.POLICY_DELETE: _policy_delete,
    c.Verb.MAPPINGS_SET: _mappings_set,
}

STEPS = (Step("changes.settle", settle),)
