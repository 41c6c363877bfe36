# SPDX-License-Identifier: Apache-2.0
"""What an operation looks like."""

import datetime
from typing import Any

from protector import constants as c
from protector import exception, times
from protector.api import errors
from protector.db import models
from protector.db.api import operations_actions

Json = dict[str, Any]
Op = models.Operation
FAILED_STEPS = (c.StepStatus.FAILED, c.StepStatus.TIMED_OUT)


def show(
    operation: Op,
    local_site_id: str,
    now: datetime.datetime,
    over: exception.ProtectorError | None,
) -> Json:
    """:param operation: in a session, its steps are read.
    :param over: why it cannot be retried, see ``operations_actions.over``.
    """
    here = operation.executor_site_id == local_site_id
    skippable = operations_actions.skippable(operation) if here else set()
    steps = (
        [_step(s, s.id in skippable) for s in operation.steps]
        if here
        else [mirrored(s) for s in operation.mirrored_steps or []]
    )
    if over is not None:
        steps = [{**step, "skippable": False} for step in steps]
    return {
        **summary(operation, steps),
        "remaining_seconds": remaining(operation, steps, now),
        "steps": steps,
        "allowed_actions": [
            name
            for name in allowed_actions(operation, steps)
            if name != "retry" or over is None
        ],
        "refused_actions": {"retry": errors.refusal(over)} if over else {},
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


def planned(
    name: str | None,
    member_id: str | None,
    member: str | None,
    after: list[int],
    weight: int,
    optional: bool,
    delay_seconds: int | None,
) -> Json:
    """What a dry run tells of a step, and an operation as well."""
    return {
        "name": name,
        "member_id": member_id,
        "member": member,
        "after": after,
        "weight": weight,
        "optional": optional,
        "delay_seconds": delay_seconds,
        "point_of_no_return": name == c.POINT_OF_NO_RETURN,
    }


def dry_run(plan: Json) -> Json:
    """:param plan: as the engine made it, with rows as steps."""
    return {
        **plan,
        "steps": [
            planned(
                row["name"],
                row["member_id"],
                row["member_name"],
                row["after"],
                row["weight"],
                row["optional"],
                row.get("delay_seconds"),
            )
            for row in plan["steps"]
        ],
    }


def _step(step: models.OperationStep, skippable: bool) -> Json:
    return {
        "id": step.id,
        **planned(
            step.name,
            step.member_id,
            step.member_name,
            step.after,
            step.weight,
            step.optional,
            step.delay_seconds,
        ),
        "skippable": skippable,
        "status": step.status,
        "attempt": step.attempt,
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
        **planned(
            stored.get("name"),
            stored.get("member_id"),
            member,
            stored.get("after", []),
            stored.get("weight", 1),
            stored.get("optional", False),
            stored.get("delay_seconds"),
        ),
        "skippable": stored.get("skippable", False),
        "status": stored.get("status"),
        "attempt": stored.get("attempt", 0),
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
    """Seconds to go, by the weight done in the time spent at it, plus the
    delays that are still to pass; None as long as nothing is done."""
    if operation.status not in c.UNFINISHED:
        return 0
    total = sum(s["weight"] for s in steps)
    done = sum(s["weight"] for s in steps if s["status"] in c.STEP_SETTLED)
    if operation.started_at is None or not done:
        return None
    passed, ahead = _delays(steps, True), _delays(steps, False)
    elapsed = (now - operation.started_at).total_seconds() - passed
    return round(max(0.0, elapsed) * (total - done) / done + ahead)


def _delays(steps: list[Json], settled: bool) -> int:
    """Seconds of the steps that only wait, passed or ahead."""
    return sum(
        s["delay_seconds"] or 0
        for s in steps
        if (s["status"] in c.STEP_SETTLED) == settled
    )


def allowed_actions(operation: Op, steps: list[Json]) -> list[str]:
    """Which of retry, skip and cancel make sense now."""
    allowed = []
    if operation.status == c.OperationStatus.FAILED:
        allowed.append("retry")
    if any(s["skippable"] for s in steps):
        allowed.append("skip")
    if (
        operation.status in c.UNFINISHED
        and not operation.no_return
        and not operation.cancelling
    ):
        allowed.append("cancel")
    return allowed
