# SPDX-License-Identifier: Apache-2.0
"""Schemas of consistency groups."""

from protector.api.schemas import types

_ID = types.nullable(types.STRING)

CONSISTENCY_GROUP = types.answer(
    id=types.UUID,
    protection_group_id=types.UUID,
    name=types.STRING,
    volume_type_id=types.STRING,
    volume_type_name=types.STRING,
    backend_name=_ID,
    primary_cg_id=_ID,
    secondary_cg_id=_ID,
    status=types.STRING,
    volume_count=types.INTEGER,
    secondary_volume_type_id=types.STRING,
    secondary_volume_type_name=types.STRING,
    secondary_backend_name=_ID,
)
SHOW = types.envelope("consistency_group", CONSISTENCY_GROUP)
