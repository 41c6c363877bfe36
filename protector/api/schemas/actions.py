# SPDX-License-Identifier: Apache-2.0
"""Schemas of a group's actions.

``VERBS`` is the table that a later verb extends.
"""

from protector.api.schemas import operations, types

_POINT: types.Json = {
    "anyOf": [types.UUID, {"type": "string", "enum": ["parked"]}]
}
_MOVE = types.record(
    ("type",),
    type=types.enum(("planned", "unplanned")),
    recovery_point=_POINT,
    confirm=types.BOOLEAN,
    dry_run=types.BOOLEAN,
)
# what each clone must show, beside being ACTIVE
_CHECK: types.Json = {
    "type": "string",
    "maxLength": 255,
    "pattern": "^(active|ports|console:.+)$",
}
VERBS: dict[str, types.Json] = {
    "failover": _MOVE,
    "failback": _MOVE,
    "replicate": types.record(dry_run=types.BOOLEAN),
    "reprotect": types.record(dry_run=types.BOOLEAN),
    "source_cleanup": types.record(
        discard_undo=types.BOOLEAN, dry_run=types.BOOLEAN
    ),
    "resolve_split": types.record(
        ("keep_site_id",), keep_site_id=types.UUID, dry_run=types.BOOLEAN
    ),
    "rehome": types.record(
        ("secondary_site_id",),
        secondary_site_id=types.UUID,
        dry_run=types.BOOLEAN,
    ),
    "test_failover": types.record(
        recovery_point=types.UUID,
        lease_minutes=types.integer(1, 30 * 24 * 60),
        checks={**types.array(_CHECK), "maxItems": 20},
        dry_run=types.BOOLEAN,
    ),
    "test_cleanup": types.record(dry_run=types.BOOLEAN),
}

# the verb itself is looked up by hand, so that an unknown one is answered
# with those that there are
ACTION: types.Json = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 2,
    "properties": {"dry_run": types.BOOLEAN},
}
# what that comes to
SHOWN: types.Json = {
    "oneOf": [
        types.record((verb,), **{verb: args}, dry_run=types.BOOLEAN)
        for verb, args in VERBS.items()
    ]
}

DRY_RUN = types.envelope(
    "dry_run",
    types.answer(
        steps=types.array(types.answer(**operations.PLANNED)),
        preflight=types.array(types.FINDING),
        predicted_seconds=types.nullable(types.NUMBER),
    ),
)
