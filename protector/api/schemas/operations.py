# SPDX-License-Identifier: Apache-2.0
"""Schemas of operations."""

from protector import constants as c
from protector.api.schemas import types

LIST_QUERY = types.across_projects(
    types.listing(
        ("created_at", "kind", "status", "id"),
        "protection_group_id",
        "kind",
        "type",
        "status",
        "source_site_id",
        "target_site_id",
    )
)
_ERROR = types.nullable(
    types.answer(
        reason=types.nullable(types.STRING),
        message=types.nullable(types.STRING),
        remedy=types.nullable(types.STRING),
        details=types.OBJECT,
    )
)
_TIME = types.nullable(types.TIME)
_TEXT = types.nullable(types.STRING)
# a step as it is planned; ``after`` are the places, from 0, of the steps
# that must have ended before it
PLANNED: types.Json = {
    "name": _TEXT,
    "member_id": _TEXT,
    "member": _TEXT,
    "after": types.array(types.INTEGER),
    "weight": types.INTEGER,
    "optional": types.BOOLEAN,
    "delay_seconds": types.nullable(types.INTEGER),
    "point_of_no_return": types.BOOLEAN,
}
STEP = types.answer(
    id=_TEXT,
    **PLANNED,
    skippable=types.BOOLEAN,
    status=_TEXT,
    attempt=types.INTEGER,
    message=_TEXT,
    error=_ERROR,
    result=types.nullable(types.OBJECT),
    started_at=_TIME,
    finished_at=_TIME,
)
OPERATION = types.answer(
    id=types.UUID,
    protection_group_id=types.UUID,
    project_id=types.STRING,
    kind=types.enum(c.Verb),
    type=_TEXT,
    status=types.enum(c.OperationStatus),
    outcome=types.nullable(types.enum(c.Outcome)),
    progress=types.integer(0, 100),
    remaining_seconds=types.nullable(types.INTEGER),
    steps=types.array(STEP),
    steps_completed=types.INTEGER,
    steps_failed=types.INTEGER,
    error=_ERROR,
    source_site_id=types.UUID,
    target_site_id=types.UUID,
    origin_site_id=types.UUID,
    executor_site_id=types.UUID,
    recovery_point_id=types.nullable(types.UUID),
    user_id=_TEXT,
    request_id=_TEXT,
    created_at=types.TIME,
    started_at=_TIME,
    finished_at=_TIME,
    allowed_actions=types.array(types.STRING),
    refused_actions=types.REFUSALS,
    result=types.nullable(types.OBJECT),
)
SHOW = types.envelope("operation", OPERATION)
LIST = types.page("operations", OPERATION)

ACTIONS = {
    "retry": types.EMPTY,
    "skip": types.record(("step_id",), step_id=types.UUID),
    "cancel": types.EMPTY,
}
ACTION = {**types.record(**ACTIONS), "minProperties": 1, "maxProperties": 1}
