# SPDX-License-Identifier: Apache-2.0
"""Schemas of sync-status and sync-force."""

from protector import constants as c
from protector.api.schemas import types

STATUS = types.envelope(
    "sync_status",
    types.answer(
        in_sync=types.BOOLEAN,
        local=types.answer(
            version=types.INTEGER,
            epoch=types.INTEGER,
            current_site=types.STRING,
            last_modified=types.TIME,
        ),
        remote=types.answer(
            status=types.enum(c.SyncStatus),
            version=types.nullable(types.INTEGER),
            epoch=types.nullable(types.INTEGER),
            last_sync=types.nullable(types.TIME),
            error=types.nullable(types.STRING),
        ),
        validation=types.array(
            types.answer(
                check=types.STRING, ok=types.BOOLEAN, message=types.STRING
            )
        ),
        actions_required=types.array(types.STRING),
        histories=types.array(
            types.answer(
                site_id=types.UUID,
                site=types.STRING,
                epoch=types.nullable(types.INTEGER),
                version=types.nullable(types.INTEGER),
                checksum=types.nullable(types.STRING),
                origin_site_id=types.nullable(types.UUID),
                last_modified=types.nullable(types.TIME),
            )
        ),
    ),
)
FORCE = types.envelope(
    "sync_force",
    types.answer(
        status=types.enum(("success", "pending")),
        version=types.INTEGER,
        duration_ms=types.nullable(types.INTEGER),
        operation_id=types.UUID,
    ),
)
