# SPDX-License-Identifier: Apache-2.0
"""Schemas of protection groups and their recovery points."""

from protector import constants as c
from protector.api.schemas import consistency_groups, types

SORT_KEYS = ("created_at", "name", "status", "id")
FILTERS = (
    "name",
    "status",
    "replication_type",
    "primary_site_id",
    "secondary_site_id",
    "current_primary_site_id",
    "volume_type_id",
)

LIST_QUERY = types.across_projects(types.listing(SORT_KEYS, *FILTERS))
DELETE_QUERY = types.record(discard_undo=types.FLAG)

_IMMUTABLE: types.Json = {
    "replication_type": types.enum(c.ReplicationType),
    "primary_site_id": types.UUID,
    "secondary_site_id": types.UUID,
    # Cinder's type names are accepted where its ids are
    "volume_type_id": types.SHORT,
}
CREATE = types.envelope(
    "protection_group",
    types.record(
        ("name", *_IMMUTABLE),
        name=types.NAME,
        description=types.DESCRIPTION,
        secondary_volume_type_id=types.SHORT,
        **_IMMUTABLE,
    ),
)
UPDATE = types.envelope(
    "protection_group",
    {
        **types.record(
            name=types.NAME,
            description=types.DESCRIPTION,
            **_IMMUTABLE,
        ),
        "minProperties": 1,
    },
)

_REPLICATION = types.answer(
    state=types.enum(
        ("replicating", "error", "not_configured", "unknown"),
    ),
    last_replication_at=types.nullable(types.TIME),
    lag_seconds=types.nullable(types.INTEGER),
    rpo_compliant=types.nullable(types.BOOLEAN),
)
CONDITION = types.answer(
    type=types.enum(c.Condition),
    status=types.nullable(types.BOOLEAN),
    reason=types.STRING,
    message=types.STRING,
    at=types.TIME,
    version=types.INTEGER,
)
_BASE: types.Json = {
    "id": types.UUID,
    "name": types.STRING,
    "description": types.STRING,
    "status": types.enum(c.GroupStatus),
    "replication_type": types.enum(c.ReplicationType),
    "primary_site_id": types.UUID,
    "secondary_site_id": types.UUID,
    "current_primary_site_id": types.UUID,
    "consistency_group_id": types.nullable(types.UUID),
    "failover_count": types.INTEGER,
    "created_at": types.TIME,
    "project_id": types.STRING,
    "volume_type_id": types.STRING,
    "last_failover_at": types.nullable(types.TIME),
    "updated_at": types.nullable(types.TIME),
    "member_count": types.INTEGER,
    "replication": _REPLICATION,
    "last_operation_id": types.nullable(types.UUID),
}
_DRILL = types.answer(
    operation_id=types.UUID,
    site_id=types.UUID,
    status=types.enum(c.DrillStatus),
    verdict=types.nullable(types.enum(c.Verdict)),
    residue=types.array(types.OBJECT),
    started_at=types.TIME,
    expires_at=types.nullable(types.TIME),
    ended_at=types.nullable(types.TIME),
)
_DETAILS: types.Json = {
    "allowed_actions": types.array(types.STRING),
    "refused_actions": types.REFUSALS,
    "conditions": types.array(CONDITION),
    "epoch": types.INTEGER,
    "metadata_version": types.INTEGER,
    "drill": types.nullable(_DRILL),
}
_WHOLE: types.Json = {
    "consistency_group": types.nullable(consistency_groups.CONSISTENCY_GROUP)
}

LIST = types.page("protection_groups", types.answer(**_BASE))
LIST_DETAILED = types.page(
    "protection_groups", types.answer(**_BASE, **_DETAILS)
)
SHOW = types.envelope("protection_group", types.answer(**_BASE, **_WHOLE))
SHOW_DETAILED = types.envelope(
    "protection_group", types.answer(**_BASE, **_DETAILS, **_WHOLE)
)

POINT = types.answer(
    id=types.UUID,
    name=types.STRING,
    created_at=types.TIME,
    completed_at=types.nullable(types.TIME),
    complete=types.BOOLEAN,
    progress=types.NUMBER,
    bytes=types.INTEGER,
    direction=types.STRING,
    source_site_id=types.UUID,
    target_site_id=types.UUID,
    epoch=types.INTEGER,
    members=types.array(types.STRING),
    eligible=types.BOOLEAN,
    ineligible_reason=types.nullable(types.STRING),
    # what was reached until it came
    rpo_seconds=types.nullable(types.INTEGER),
    rpo_compliant=types.nullable(types.BOOLEAN),
)
POINTS_QUERY = types.listing(
    ("created_at", "id"), "source_site_id", "target_site_id"
)
POINTS = types.page("recovery_points", POINT)
