# SPDX-License-Identifier: Apache-2.0
"""What an operation looks like."""

import datetime
from typing import Any

from protector import constants as c
from protector.api import times
from protector.db import models

Json = dict[str, Any]
Op = models.Operation
FAILED_STEPS = (c.StepStatus.FAILED, c.StepStatus.TIMED_OUT)


def show(operation: Op, local_site_id: str, now: datetime.datetime) -> Json:
    """:param operation: in a session, its steps are read."""
    here = operation.executor_site_id == local_site_id
    steps = (
        [_step(s) for s in operation.steps]
        if here
        else [mirrored(s) for s in operation.mirrored_steps or []]
    )
    return {
        **summary(operation, steps),
        "remaining_seconds": remaining(operation, steps, now),
        "steps": steps,
        "allowed_actions": allowed_actions(operation, steps),
    }


def summary(operation: Op, steps: list[Json]) -> Json:
    done = [s for s in steps if s["status"] in c.STEP_SETTLED]
    failed = [s for s in steps if s["status"] in FAILED_STEPS]
    return {
        "id": operation.id,
        "protection_group_id": operation.protection_group_id,
        "project_id": operation.project_id,
        "kind": operation.kind,
        "type": operation.type,
        "status": operation.status,
        "outcome": operation.outcome,
        "progress": operation.progress,
        "steps_completed": len(done),
        "steps_failed": len(failed),
        "error": error(operation.error),
        "source_site_id": operation.source_site_id,
        "target_site_id": operation.target_site_id,
        "origin_site_id": operation.origin_site_id,
        "executor_site_id": operation.executor_site_id,
        "recovery_point_id": operation.recovery_point_id,
        "user_id": operation.user_id,
        "request_id": operation.request_id,
        "created_at": times.iso(operation.created_at),
        "started_at": times.iso(operation.started_at),
        "finished_at": times.iso(operation.finished_at),
        "result": operation.result,
    }


def error(stored: Json | None) -> Json | None:
    if stored is None:
        return None
    return {
        "reason": stored.get("reason"),
        "message": stored.get("message"),
        "remedy": stored.get("remedy"),
        "details": stored.get("details", {}),
    }


def _step(step: models.OperationStep) -> Json:
    return {
        "id": step.id,
        "name": step.name,
        "member_id": step.member_id,
        "member": step.member_name,
        "status": step.status,
        "attempt": step.attempt,
        "weight": step.weight,
        "optional": step.optional,
        "message": step.message,
        "error": error(step.error),
        "result": step.result,
        "started_at": times.iso(step.started_at),
        "finished_at": times.iso(step.finished_at),
    }


def mirrored(stored: Json) -> Json:
    """A step as its executor told it, in the same form."""
    member = stored.get("member", stored.get("member_name"))
    return {
        "id": stored.get("id"),
        "name": stored.get("name"),
        "member_id": stored.get("member_id"),
        "member": member,
        "status": stored.get("status"),
        "attempt": stored.get("attempt", 0),
        "weight": stored.get("weight", 1),
        "optional": stored.get("optional", False),
        "message": stored.get("message"),
        "error": error(stored.get("error")),
        "result": stored.get("result"),
        "started_at": _short(stored.get("started_at")),
        "finished_at": _short(stored.get("finished_at")),
    }


def _short(text: str | None) -> str | None:
    return times.iso(datetime.datetime.fromisoformat(text)) if text else None


def remaining(
    operation: Op, steps: list[Json], now: datetime.datetime
) -> int | None:
    """Seconds to go, by the weight done in the time spent; None as long
    as nothing is done."""
    if operation.status not in c.UNFINISHED:
        return 0
    total = sum(s["weight"] for s in steps)
    done = sum(s["weight"] for s in steps if s["status"] in c.STEP_SETTLED)
    if operation.started_at is None or not done:
        return None
    elapsed = (now - operation.started_at).total_seconds()
    return max(0, round(elapsed * (total - done) / done))


def allowed_actions(operation: Op, steps: list[Json]) -> list[str]:
    """Which of retry, skip and cancel make sense now."""
    allowed = []
    if operation.status == c.OperationStatus.FAILED:
        allowed.append("retry")
    if skippable(operation, steps):
        allowed.append("skip")
    if (
        operation.status in c.UNFINISHED
        and not operation.no_return
        and not operation.cancelling
    ):
        allowed.append("cancel")
    return allowed


def skippable(operation: Op, steps: list[Json]) -> list[str]:
    """Ids of the failed steps that the operation can do without."""
    if operation.status != c.OperationStatus.FAILED:
        return []
    return [
        s["id"] for s in steps if s["optional"] and s["status"] in FAILED_STEPS
    ]
