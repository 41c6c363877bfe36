# SPDX-License-Identifier: Apache-2.0
"""The one step that settles a change of the group's own rows."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector.db import models
from protector.db.api import protection_groups, replication_policies
from protector.engine import settling
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def settle(ctx: StepContext) -> Json:
    """Change the rows and make the next version, in one transaction."""
    operation = ctx.operation
    if "name" in operation.args and not ctx.scene.alone:
        # the peer must not refuse it once it is made
        _reserve(ctx, operation.args["name"])
    with settling.change(ctx) as (session, group):
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
    replication_policies.set_shared(
        session,
        ctx.clock.now(),
        group.id,
        replication_policies.defaults(ctx.conf.replication),
        args,
    )


def _policy_delete(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
    args: Json,
) -> None:
    row = replication_policies.find(session, group.id)
    if row is not None:
        session.delete(row)


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
