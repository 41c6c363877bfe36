# SPDX-License-Identifier: Apache-2.0
"""The result that every finished operation carries."""

import datetime
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector.db import models

Json = dict[str, Any]
# after them a server runs
STARTS = ("servers.start", "drills.start")


def build(
    session: orm.Session,
    operation: models.Operation,
    now: datetime.datetime,
    status: str,
) -> Json:
    """Verdict, times, recovery point, members and residue of a run.

    :param status: what the operation ends as.

    ``rto_seconds``: from the start to the last server observed running.
    ``rpo_seconds``: age of the recovery point when the move began; 0 when
    the source stood still for it.
    """
    data = operation.data
    started = operation.started_at or now
    result: Json = {
        "verdict": _verdict(operation, status),
        "duration_seconds": (now - started).total_seconds(),
        "members": _members(session, operation),
        "residue": data.get("residue", []),
        "warnings": [
            {"step": s.name, "member": s.member_name, "message": s.message}
            for s in operation.steps
            if s.status in c.STEP_LEFT_OUT
        ],
    }
    if operation.kind in (c.Verb.MEMBER_REMOVE, c.Verb.SOURCE_CLEANUP):
        result["discarded_undo"] = data.get("discarded_undo", [])
    if operation.kind in c.PLACEMENT_VERBS:
        result |= _placement(operation, started)
        result["epoch"] = data.get("epoch")
        result["undo"] = data.get("undo")
        result |= _unplanned(operation)
    if operation.kind == c.Verb.RESOLVE_SPLIT:
        result |= data.get("kept", {})
    if operation.kind == c.Verb.TEST_FAILOVER:
        result |= _placement(operation, started)
        result["verdict"] = data.get("verdict", c.Verdict.FAILED)
        result["drill"] = {"expires_at": data.get("expires_at")}
    return result


def _verdict(operation: models.Operation, status: str) -> str:
    bad = status != c.OperationStatus.COMPLETED
    left = operation.kind == c.Verb.TEST_CLEANUP and operation.data.get(
        "residue"
    )
    return c.Verdict.FAILED if bad or left else c.Verdict.PASSED


def _placement(operation: models.Operation, started: Any) -> Json:
    data = operation.data
    ends = [
        s.finished_at
        for s in operation.steps
        if s.name in STARTS and s.finished_at
    ]
    rto = (max(ends) - started).total_seconds() if ends else None
    return {
        "rto_seconds": rto,
        "rpo_seconds": data.get("rpo_seconds"),
        "recovery_point": data.get("point"),
        "recovery_point_created_at": data.get("point_created_at"),
    }


def _unplanned(operation: models.Operation) -> Json:
    """What became of the source, and who was not in the point."""
    fences = [s for s in operation.steps if s.name == "servers.fence_lost"]
    if not fences:
        return {}
    return {
        "source_fenced": fences[0].status == c.StepStatus.DONE,
        "left_out": operation.data.get("left_out", []),
    }


def _members(session: orm.Session, operation: models.Operation) -> list[Json]:
    found: dict[str, Json] = {}
    for step in operation.steps:
        if step.member_id is None:
            continue
        entry = found.setdefault(
            step.member_id,
            {
                "id": step.member_id,
                "name": step.member_name,
                "status": "done",
            },
        )
        if step.status not in c.STEP_SETTLED:
            entry["status"] = "failed"
        told = step.result or {}
        if step.name in STARTS and "server_id" in told:
            entry["server_id"] = told["server_id"]
        if "checks" in told:
            entry["checks"] = told["checks"]
    for member_id in operation.data.get("left_out", []):
        member = session.get(models.Member, member_id)
        entry = found.setdefault(
            member_id,
            {"id": member_id, "name": member and member.instance_name},
        )
        entry["status"] = "left_out"
    return list(found.values())
