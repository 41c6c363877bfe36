# SPDX-License-Identifier: Apache-2.0
"""What arriving at a site needs to know: staging names, unique content."""

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import claims
from protector.engine import power
from protector.engine.context import StepContext


def staging_prefix(operation_id: str) -> str:
    return f"protector-{operation_id}-"


def staging_name(ctx: StepContext, member: models.Member, ordinal: int) -> str:
    """``protector-<operation>-<generation>-<n>``, at most 63 characters.

    The generation makes the staging of a stopped engine tell itself apart
    from that of its successor.
    """
    members = sorted(m.id for m in ctx.scene.settled_members)
    number = members.index(member.id) * 100 + ordinal
    generation = ctx.work.lease.token.generation
    return f"{staging_prefix(ctx.operation.id)}{generation}-{number}"


def sweep(ctx: StepContext) -> None:
    """An adopter's first act: destroy the staging of older generations."""
    generation = ctx.work.lease.token.generation
    prefix = staging_prefix(ctx.operation.id)
    ctx.driver.destroy_volumes(
        ctx.array(ctx.target), prefix, keep=[f"{prefix}{generation}-"]
    )


def sweep_superseded(ctx: StepContext) -> list[str]:
    """Destroy what moves that did not come to their end staged at the
    target; the names."""
    with ctx.runtime.db.reader() as session:
        ids = claims.staged(session, ctx.scene.group.id, ctx.target)
    array = ctx.array(ctx.target)
    return [
        name
        for operation_id in ids
        for name in ctx.driver.destroy_volumes(
            array, staging_prefix(operation_id)
        )
    ]


def content_is_unique(ctx: StepContext, member: models.Member) -> bool:
    """Whether the member's copy at the target holds what exists nowhere
    else: all but what never had a server, and what has stood still since a
    planned move stopped it.  Of one whose server was deleted nobody can tell
    what its volumes were used for."""
    copy = member.copy(ctx.target)
    if copy is None:
        return False
    if copy.content_unique:
        return True
    if not copy.server_id:
        return copy.role != c.CopyRole.GONE
    if copy.role != c.CopyRole.PARKED:
        return True
    compute = ctx.tenant(ctx.target).compute
    try:
        actions = compute.instance_actions(copy.server_id)
    except exception.CloudNotFound:
        return True
    return not power.still_since(actions, copy.stop_request_id)
