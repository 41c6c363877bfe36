# SPDX-License-Identifier: Apache-2.0
"""Schemas of members."""

from protector import constants as c
from protector.api.schemas import types

LIST_QUERY = types.listing(
    ("created_at", "instance_name", "status", "id"),
    "instance_id",
    "instance_name",
    "status",
)
DELETE_QUERY = types.record(discard_undo=types.FLAG)
CREATE = types.envelope(
    "member",
    types.record(
        ("instance_id",),
        instance_id=types.UUID,
        volume_ids={
            "type": "array",
            "items": types.UUID,
            "minItems": 1,
            "maxItems": 256,
            "uniqueItems": True,
        },
    ),
)

_VOLUME = types.answer(
    id=types.nullable(types.STRING),
    name=types.STRING,
    device=types.nullable(types.STRING),
    boot_index=types.INTEGER,
    size_gb=types.INTEGER,
)
_FIELDS: types.Json = {
    "id": types.UUID,
    "protection_group_id": types.UUID,
    "instance_id": types.UUID,
    "instance_name": types.STRING,
    "status": types.enum(c.MemberStatus),
    "volumes_added": types.INTEGER,
    "current_instance_id": types.nullable(types.STRING),
    "volumes": types.array(_VOLUME),
    "recoverable_at": types.nullable(types.TIME),
    "warnings": types.ARRAY,
    "created_at": types.TIME,
    "updated_at": types.nullable(types.TIME),
}
MEMBER = types.answer(**_FIELDS)
SHOW = types.envelope("member", MEMBER)
ACCEPTED = types.envelope(
    "member", types.answer(**_FIELDS, last_operation_id=types.UUID)
)
LIST = types.page("members", MEMBER)
