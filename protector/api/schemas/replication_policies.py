# SPDX-License-Identifier: Apache-2.0
"""Schemas of replication policies."""

from protector import constants as c
from protector.api.schemas import types

ARRAY_FIELDS = (
    "primary_fa_url",
    "primary_fa_api_token",
    "secondary_fa_url",
    "secondary_fa_api_token",
)

_TOKEN: types.Json = types.nullable(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": r"^[^\x00-\x20\x7f]+$",
    }
)
_URL = types.nullable(types.URL)
_RETENTION: types.Json = {
    "all_for_hours": types.integer(1, 24 * 400),
    "per_day": types.integer(0, 1440),
    "days": types.integer(0, 4000),
}
UPDATE = types.envelope(
    "policy",
    {
        **types.record(
            primary_fa_url=_URL,
            primary_fa_api_token=_TOKEN,
            secondary_fa_url=_URL,
            secondary_fa_api_token=_TOKEN,
            # the array's own rule for names of protection groups
            pure_pg_name={
                "type": "string",
                "pattern": "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
            },
            # the array takes 5 minutes to 24 days
            replication_interval_minutes=types.integer(5, 34560),
            rpo_minutes=types.integer(5, 345600),
            retention={**types.record(**_RETENTION), "minProperties": 1},
            prestage=types.BOOLEAN,
            undo_retention_days=types.integer(0, c.MAX_UNDO_RETENTION_DAYS),
        ),
        "minProperties": 1,
    },
)
SHOW = types.envelope(
    "policy",
    types.answer(
        primary_fa_url=types.nullable(types.STRING),
        secondary_fa_url=types.nullable(types.STRING),
        pure_pg_name=types.nullable(types.STRING),
        replication_interval_minutes=types.INTEGER,
        rpo_minutes=types.INTEGER,
        retention=types.record(tuple(_RETENTION), **_RETENTION),
        prestage=types.BOOLEAN,
        undo_retention_days=types.INTEGER,
        created_at=types.TIME,
        updated_at=types.nullable(types.TIME),
    ),
)
