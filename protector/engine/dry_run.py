# SPDX-License-Identifier: Apache-2.0
"""The dry run of a verb: the same planner, the same preflight, no change."""

from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector.context import RequestContext
from protector.db import models
from protector.engine import preflight, reading, workflows

Json = dict[str, Any]


def plan(
    runtime: Any,
    context: RequestContext,
    verb: str,
    group_id: str,
    args: Json,
) -> Json:
    """``{"steps", "preflight", "predicted_seconds"}`` of a verb.

    :raises NotFound: there is no such group.
    """
    reader = reading.Reader.of(runtime, group_id, context)
    scene = reader.scene
    rows = workflows.rows_for(verb, args, scene)
    findings: list[Json] = []
    if verb in c.PLACEMENT_VERBS:
        source = scene.group.current_primary_site_id
        findings = preflight.check(
            preflight.Look(reader), source, scene.other(source)
        )
    return {
        "steps": rows,
        "preflight": findings,
        "predicted_seconds": _predicted(runtime, verb, rows),
    }


def _predicted(runtime: Any, verb: str, rows: list[Json]) -> float | None:
    """By the last completed operation of the kind at this site, scaled by
    the weight of the steps; None when there was none."""
    with runtime.db.reader() as session:
        last = session.scalars(
            sa.select(models.Operation)
            .where(
                models.Operation.kind == verb,
                models.Operation.status == c.OperationStatus.COMPLETED,
            )
            .order_by(models.Operation.finished_at.desc())
            .limit(1)
        ).first()
        if last is None or not last.steps or not last.started_at:
            return None
        took = (last.finished_at - last.started_at).total_seconds()
        weight = sum(s.weight for s in last.steps)
    return round(took * sum(r["weight"] for r in rows) / weight, 1)
