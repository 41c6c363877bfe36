# SPDX-License-Identifier: Apache-2.0
"""Schemas of the health of the service and of a group; the versions."""

from protector.api.schemas import protection_groups, types

_PART: types.Json = {
    **types.record(
        ("ok",),
        ok=types.BOOLEAN,
        message=types.nullable(types.STRING),
    ),
    "additionalProperties": True,
}
SERVICE = types.envelope(
    "health",
    types.answer(
        ok=types.BOOLEAN,
        api=_PART,
        engines=types.array(_PART),
        database=_PART,
        bus=_PART,
        sites=types.array(_PART),
        arrays=types.array(_PART),
    ),
)
_DAY = types.answer(
    day=types.DATE,
    transfers=types.INTEGER,
    bytes=types.INTEGER,
    worst_seconds=types.nullable(types.INTEGER),
    slowest_seconds=types.nullable(types.INTEGER),
    breaches=types.INTEGER,
)
GROUP = types.envelope(
    "health",
    types.answer(
        failover_ready=types.BOOLEAN,
        link=types.enum(("connected", "disconnected", "unknown")),
        lag_seconds=types.nullable(types.INTEGER),
        last_replication_at=types.nullable(types.TIME),
        rpo_compliant=types.nullable(types.BOOLEAN),
        rpo_minutes=types.INTEGER,
        rpo_history=types.array(protection_groups.POINT),
        rpo_days=types.array(_DAY),
        conditions=types.array(protection_groups.CONDITION),
        findings=types.array(types.FINDING),
        findings_at=types.nullable(types.TIME),
        findings_age_seconds=types.nullable(types.INTEGER),
    ),
)
VERSION = types.answer(
    id=types.STRING,
    status=types.STRING,
    min_version=types.STRING,
    version=types.STRING,
    max_version=types.STRING,
    links=types.array(types.answer(rel=types.STRING, href=types.STRING)),
)
VERSIONS = types.envelope("versions", types.array(VERSION))
SHOW_VERSION = types.envelope("version", VERSION)
