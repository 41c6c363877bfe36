# SPDX-License-Identifier: Apache-2.0
"""Operations of the other site, as this site shows them.

A mirror is a copy for the eye: nothing here acts on it.
"""

import datetime
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import drills, operations_actions

Json = dict[str, Any]
Op = models.Operation

FIELDS = (
    "kind",
    "type",
    "status",
    "outcome",
    "args",
    "result",
    "error",
    "progress",
    "no_return",
    "cancelling",
    "origin_site_id",
    "executor_site_id",
    "source_site_id",
    "target_site_id",
    "recovery_point_id",
    "user_id",
    "request_id",
)
TIMES = ("created_at", "started_at", "finished_at")
STEP_FIELDS = (
    "id",
    "name",
    "member_id",
    "member_name",
    "after",
    "status",
    "attempt",
    "weight",
    "optional",
    "delay_seconds",
    "message",
    "error",
    "result",
)
STEP_TIMES = ("started_at", "finished_at")
_EMPTY: Json = {
    "args": {},
    "data": {},
    "progress": 0,
    "generation": 0,
    "lease_until": 0.0,
    "cancelling": False,
    "no_return": False,
    "mirror_version": 0,
}


def describe(operation: Op) -> Json:
    """An operation as the other site is told of it: JSON primitives."""
    told: Json = {
        "id": operation.id,
        "protection_group_id": operation.protection_group_id,
    }
    told |= {k: getattr(operation, k) for k in FIELDS}
    told |= {k: _text(getattr(operation, k)) for k in TIMES}
    skippable = operations_actions.skippable(operation)
    told["steps"] = [
        {k: getattr(s, k) for k in STEP_FIELDS}
        | {k: _text(getattr(s, k)) for k in STEP_TIMES}
        | {"skippable": s.id in skippable}
        for s in operation.steps
    ]
    return told


def _text(value: datetime.datetime | None) -> str | None:
    return value.isoformat() if value else None


def upsert(
    session: orm.Session,
    now: datetime.datetime,
    told: Json,
    local_site_id: str,
) -> Op:
    """Store what ``describe`` made at the other site.

    An operation that this site executes is never overwritten.

    :raises NotFound: there is no such group here.
    :raises BadRequest: it is not the other site's, or malformed.
    """
    operation = session.get(Op, told["id"])
    if operation is not None and operation.executor_site_id == local_site_id:
        return operation
    if told["executor_site_id"] == local_site_id:
        raise exception.BadRequest(
            f"Operation {told['id']} is executed here, and unknown."
        )
    group = session.get(models.ProtectionGroup, told["protection_group_id"])
    if group is None:
        raise exception.NotFound(
            f"There is no protection group {told['protection_group_id']}."
        )
    if operation is None:
        operation = Op(
            id=told["id"],
            protection_group_id=group.id,
            project_id=group.project_id,
            created_at=now,
            **_EMPTY,
            **_ends(group, told),
        )
        session.add(operation)
    _fill(operation, told)
    operation.updated_at = now
    session.flush()
    if operation.kind in c.DRILL_VERBS:
        drills.observed(session, operation)
    return operation


def end(
    session: orm.Session,
    now: datetime.datetime,
    operation_id: str,
    error: exception.ProtectorError,
) -> None:
    """What the other site was last heard to run cannot go on, whether it
    tells that or has forgotten it; what it tells replaces this."""
    operation = session.get(Op, operation_id)
    if operation is None or operation.mirrored_steps is None:
        return
    if operation.status in c.UNFINISHED:
        operation.status = c.OperationStatus.CANCELLED
        operation.error = error.as_dict()
        operation.finished_at = operation.updated_at = now


def _ends(group: models.ProtectionGroup, told: Json) -> Json:
    forward = told["kind"] != c.Verb.FAILBACK
    ends = (group.primary_site_id, group.secondary_site_id)
    source, target = ends if forward else (ends[1], ends[0])
    executor = told["executor_site_id"]
    return {
        "origin_site_id": executor,
        "source_site_id": source,
        "target_site_id": target,
    }


def _fill(operation: Op, told: Json) -> None:
    for name in FIELDS:
        if told.get(name) is not None:
            setattr(operation, name, told[name])
    # these go back to nothing with a retry
    for name in ("outcome", "error", "result"):
        setattr(operation, name, told.get(name))
    for name in TIMES:
        if told.get(name):
            setattr(operation, name, _time(told[name]))
    if operation.status in c.UNFINISHED:
        operation.finished_at = None
    operation.mirrored_steps = told.get("steps") or []


def _time(text: str) -> datetime.datetime:
    """:raises BadRequest: no time with its zone."""
    try:
        value = datetime.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        value = None
    if value is None or value.tzinfo is None:
        raise exception.BadRequest(f"{text!r} is no time.")
    return value
