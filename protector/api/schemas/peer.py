# SPDX-License-Identifier: Apache-2.0
"""Schemas of what two Protectors tell each other.

Requests of the peer may have more keys than this release knows: the sites
are upgraded one after the other.
"""

from protector import constants as c
from protector.api.schemas import types

Json = types.Json


def _open(schema: Json) -> Json:
    return {**schema, "additionalProperties": True}


CHECKSUM: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
SHORT_ID: Json = {"type": "string", "maxLength": 64}
EPOCH = types.integer(1, 2**31 - 1)

TRIPLE = types.answer(
    epoch=types.INTEGER,
    version=types.INTEGER,
    checksum=types.nullable(types.STRING),
)
SITE = types.answer(
    id=types.UUID,
    name=types.STRING,
    region_name=types.nullable(types.STRING),
    description=types.STRING,
)
IDENTITY = types.answer(
    site=SITE,
    versions=types.answer(
        api=types.STRING, min_api=types.STRING, document=types.STRING
    ),
    user=types.nullable(types.STRING),
)
GROUPS_QUERY = types.listing(("created_at", "id"))
HELD: Json = {
    "id": types.UUID,
    "epoch": types.INTEGER,
    "version": types.INTEGER,
    "checksum": types.nullable(types.STRING),
    "claimed_epoch": types.INTEGER,
    "status": types.STRING,
    "deleted": types.BOOLEAN,
    "source_fenced": types.nullable(types.BOOLEAN),
    "drill_id": types.nullable(types.UUID),
}
GROUPS = types.page("groups", types.answer(**HELD))
GROUP = types.envelope(
    "group",
    types.answer(
        **HELD,
        made_at=types.nullable(types.TIME),
        document=types.nullable(types.STRING),
    ),
)
RESERVE = _open(
    types.record(
        ("id", "name", "project_id"),
        id=types.UUID,
        name=types.NAME,
        project_id=types.PROJECT,
        description=types.DESCRIPTION,
        replication_type=types.enum(c.ReplicationType),
        primary_site_id=types.UUID,
        secondary_site_id=types.UUID,
        primary_project_id=types.PROJECT,
        secondary_project_id=types.PROJECT,
        volume_type_id=SHORT_ID,
        consistency_group_id=types.UUID,
    )
)
RESERVED = types.answer(id=types.UUID, name=types.STRING)
DOCUMENT: Json = {"type": "object"}
# of a group that went on without the receiver: the epoch above all that it
# may hold, and the members that run elsewhere
TOMBSTONE: Json = {
    "anyOf": [
        types.NOTHING,
        _open(
            types.record(epoch=EPOCH, running=types.array(types.UUID)),
        ),
    ]
}
ACTION = _open(
    types.record(
        ("operation_id", "verb"),
        operation_id=types.UUID,
        verb=types.enum(
            (
                c.Verb.FAILOVER,
                c.Verb.FAILBACK,
                c.Verb.TEST_FAILOVER,
                c.Verb.TEST_CLEANUP,
                c.Verb.RESOLVE_SPLIT,
                "retry",
                "skip",
                "cancel",
            )
        ),
        args=types.OBJECT,
        user_id=types.nullable(SHORT_ID),
        request_id=types.nullable(SHORT_ID),
    )
)
LOCK = _open(
    types.record(
        ("operation_id", "epoch_held", "span_seconds"),
        operation_id=types.UUID,
        epoch_held=EPOCH,
        span_seconds=types.integer(1, 3600),
    )
)
LOCKED = types.answer(
    operation_id=types.UUID,
    epoch=types.INTEGER,
    version=types.INTEGER,
    checksum=types.nullable(types.STRING),
)
UNLOCK = _open(types.record(("operation_id",), operation_id=types.UUID))
RELEASE = _open(
    types.record(
        ("operation_id", "epoch"), operation_id=types.UUID, epoch=EPOCH
    )
)
MIRROR = _open(
    types.record(
        ("id", "protection_group_id", "kind", "status", "executor_site_id"),
        id=types.UUID,
        protection_group_id=types.UUID,
        kind=types.enum(c.Verb),
        status=types.enum(c.OperationStatus),
        executor_site_id=types.UUID,
        progress=types.integer(0, 100),
        steps=types.array(types.OBJECT),
    )
)
OPERATION = types.envelope("operation", MIRROR)
