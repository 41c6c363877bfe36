# SPDX-License-Identifier: Apache-2.0
"""The workflows as data, and the planner that turns one into step rows.

The dry run uses the same planner.
"""

from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import states
from protector.db import models
from protector.engine import cleanup as parking
from protector.engine import scene as scenes
from protector.engine import step, steps
from protector.engine.workflows import (
    alone,
    changes,
    cleanup,
    drills,
    groups,
    members,
    placement,
)

Json = dict[str, Any]
WORKFLOWS: dict[str, step.Workflow] = {
    c.Verb.CREATE: groups.CREATE,
    c.Verb.DELETE: groups.DELETE,
    c.Verb.UPDATE: changes.UPDATE,
    c.Verb.POLICY_SET: changes.POLICY,
    c.Verb.POLICY_DELETE: changes.POLICY,
    c.Verb.MAPPINGS_SET: changes.UPDATE,
    c.Verb.SYNC: changes.SYNC,
    c.Verb.REPLICATE: changes.REPLICATE,
    c.Verb.REPROTECT: changes.REPROTECT,
    c.Verb.SOURCE_CLEANUP: cleanup.SOURCE_CLEANUP,
    c.Verb.RESOLVE_SPLIT: changes.RESOLVE_SPLIT,
    c.Verb.REHOME: alone.REHOME,
    c.Verb.MEMBER_ADD: members.ADD,
    c.Verb.MEMBER_REMOVE: members.REMOVE,
    c.Verb.FAILOVER: placement.MOVE,
    c.Verb.FAILBACK: placement.MOVE,
    c.Verb.TEST_FAILOVER: drills.TEST,
    c.Verb.TEST_CLEANUP: drills.CLEANUP,
    "unplanned failover": placement.TAKE_OVER,
    "unplanned failback": placement.TAKE_OVER,
    "unplanned failover to parked content": placement.TAKE_BACK,
    "unplanned failback to parked content": placement.TAKE_BACK,
    "unplanned failover of what was released": placement.RECLAIM,
    "unplanned failback of what was released": placement.RECLAIM,
    **{
        f"{verb} alone": alone.CHANGE
        for verb in (
            c.Verb.UPDATE,
            c.Verb.POLICY_SET,
            c.Verb.POLICY_DELETE,
            c.Verb.MAPPINGS_SET,
        )
    },
    f"{c.Verb.MEMBER_ADD} alone": alone.ADD,
    f"{c.Verb.MEMBER_REMOVE} alone": alone.REMOVE,
    f"{c.Verb.DELETE} alone": alone.DELETE,
}


def plan_rows(
    session: orm.Session, runtime: Any, operation: models.Operation
) -> list[Json]:
    """The steps of an operation, from its group as it is now."""
    scene = scenes.load(session, runtime.conf, operation.protection_group_id)
    limit = runtime.conf.engine.boot_delay_limit
    return rows_for(
        operation.kind, operation.args, scene, limit, operation.data
    )


def rows_for(
    verb: str,
    args: Json,
    scene: scenes.Scene,
    delay_limit: float,
    data: Json | None = None,
) -> list[Json]:
    """The graph of a verb on a group; see ``step.plan``.

    :param delay_limit: seconds that a boot tier may hold up the next.
    :param data: what was found out so far: ``point``, ``left_out``.
    """
    known = data or {}
    subjects = _subjects(verb, args, scene, delay_limit, known)
    name = named(verb, args, known)
    if scene.alone and f"{name} alone" in WORKFLOWS:
        name = f"{name} alone"
    workflow = WORKFLOWS[name]
    if scene.group.replication_type != c.ReplicationType.SYNC:
        workflow = tuple(s for s in workflow if s != placement.GATHER)
    return step.plan(workflow, subjects, steps.STEPS)


def named(verb: str, args: Json, data: Json) -> str:
    """The workflow of an operation on a group with both its sites."""
    if not states.is_unplanned(args):
        return verb
    if data.get("reclaimed"):
        return f"unplanned {verb} of what was released"
    point = data.get("point") or args.get("recovery_point_id")
    where = " to parked content" if point == c.PARKED_POINT else ""
    return f"unplanned {verb}{where}"


def _subjects(
    verb: str,
    args: Json,
    scene: scenes.Scene,
    delay_limit: float,
    data: Json,
) -> list[step.Subject]:
    if verb == c.Verb.TEST_CLEANUP:
        # those of the drill, which may have left the group since
        rows = scene.drill.members if scene.drill else []
        return [step.Subject(m["id"], m["name"]) for m in rows]
    source = scene.group.current_primary_site_id
    left_out = data.get("left_out", [])
    if "member_id" in args:
        # one that is gone has nothing left to do
        chosen = [m for m in scene.members if m.id == args["member_id"]]
    elif verb in c.PLACEMENT_VERBS or verb == c.Verb.TEST_FAILOVER:
        chosen = [m for m in scene.movable(source) if m.id not in left_out]
    elif verb == c.Verb.REHOME:
        chosen = scene.settled_members
    elif verb == c.Verb.SOURCE_CLEANUP:
        chosen = parking.parked(scene)
    else:
        chosen = []
    tiers = _tiers(scene, delay_limit)
    # members of no tier start last
    last = (len(tiers), 0)
    return [
        step.Subject(m.id, m.instance_name, *tiers.get(m.id, last))
        for m in chosen
    ]


def _tiers(
    scene: scenes.Scene, delay_limit: float
) -> dict[str, tuple[int, int]]:
    """Boot tier, and the seconds that follow it, by member id."""
    return {
        member: (number, int(min(tier.get("delay_seconds", 0), delay_limit)))
        for number, tier in enumerate(scene.mappings.get("boot_tiers", []))
        for member in tier["members"]
    }
