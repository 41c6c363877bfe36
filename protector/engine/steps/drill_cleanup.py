# SPDX-License-Identifier: Apache-2.0
"""Steps that remove a drill, and list what is left of it."""

from typing import Any

from protector import times
from protector.db.api import drills, operations
from protector.engine import arrival, build, drill, drill_removal, residue
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def drop(ctx: StepContext) -> None:
    """What was made for one member."""
    drill_removal.drop_server(ctx)
    drill_removal.drop_ports(ctx)
    drill_removal.drop_volumes(ctx)


def drop_shared(ctx: StepContext) -> None:
    """What was made for several, or for none."""
    drill_removal.drop_security_groups(ctx)
    build.forget_keys(ctx, drill.id_of(ctx))
    ctx.driver.destroy_volumes(
        ctx.array(ctx.target), arrival.staging_prefix(drill.id_of(ctx))
    )


def audit(ctx: StepContext) -> Json:
    """What is left all the same."""
    residue.note(ctx, drill_removal.leftovers(ctx))
    found = ctx.data.get("residue", [])
    return {"residue": found, "message": f"{len(found)} left"}


def end(ctx: StepContext) -> None:
    """The drill is over, also in the report of what made it."""
    left = ctx.data.get("residue", [])
    now = ctx.clock.now()
    with ctx.write() as session:
        row = drills.find(session, ctx.scene.group.id)
        if row is not None and row.operation_id == drill.id_of(ctx):
            drills.end(row, now, left)
        operations.amend_result(
            session,
            drill.id_of(ctx),
            residue=left,
            cleaned_at=times.iso(now),
        )


STEPS = (
    Step("drills.drop", drop, 5),
    Step("drills.drop_shared", drop_shared),
    Step("drills.audit", audit),
    Step("drills.end", end),
)
