# SPDX-License-Identifier: Apache-2.0
"""The dry run of a verb: the same planner, the same preflight, no change."""

from typing import Any

from protector import constants as c
from protector import states
from protector.context import RequestContext
from protector.engine import (
    precheck,
    prediction,
    preflight,
    reading,
    unplanned,
    workflows,
)

Json = dict[str, Any]


def plan(
    runtime: Any,
    context: RequestContext,
    verb: str,
    group_id: str,
    args: Json,
) -> Json:
    """``{"steps", "preflight", "predicted_seconds"}`` of a verb.

    What is in the way of a move is a finding of its preflight, all at once;
    the move itself is refused for it.

    :raises ProtectorError: a move is not legal in the status of the group;
        what another verb would be refused with.
    """
    reader = reading.Reader.of(runtime, group_id, context)
    scene = reader.scene
    known: Json = {}
    if states.is_unplanned(args):
        unplanned.check_legal(scene, verb)
        known = unplanned.outlook(reader, verb, args)
    elif verb in c.PLACEMENT_VERBS:
        precheck.require_legal(reader, verb)
    else:
        precheck.check(runtime, context, verb, group_id, args)
    limit = runtime.conf.engine.boot_delay_limit
    rows = workflows.rows_for(verb, args, scene, limit, known)
    source = scene.group.current_primary_site_id
    wanted = preflight.intent(verb, args, known.get("point"))
    found = preflight.check(reader, source, scene.other(source), wanted)
    with runtime.db.reader() as session:
        predicted = prediction.seconds(session, rows)
    return {
        "steps": rows,
        "preflight": [f.as_dict() for f in found],
        "predicted_seconds": predicted,
    }
