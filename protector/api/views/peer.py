# SPDX-License-Identifier: Apache-2.0
"""What a peer site is told: who this is, and what is held of each group."""

from typing import Any

from protector import constants as c
from protector import metadata, times
from protector.api import microversion
from protector.db import models

Json = dict[str, Any]


def identity(site: models.Site, user: str | None) -> Json:
    return {
        "site": {
            "id": site.id,
            "name": site.name,
            "region_name": site.region_name,
            "description": site.description,
        },
        "versions": {
            "api": str(microversion.MAXIMUM),
            "min_api": str(microversion.MINIMUM),
            "document": metadata.SCHEMA,
        },
        "user": user,
    }


def held(
    group: models.ProtectionGroup, sync: models.MetadataSync | None
) -> Json:
    """The triple; without a document yet, the row's own numbers."""
    return {
        "epoch": sync.epoch if sync else group.epoch,
        "version": sync.version if sync else group.metadata_version,
        "checksum": sync.checksum if sync else None,
    }


def group(
    row: models.ProtectionGroup,
    sync: models.MetadataSync | None,
    drill_id: str | None,
) -> Json:
    """:param drill_id: of the drill that was started here and is not over."""
    return {
        "id": row.id,
        **held(row, sync),
        # it may have been claimed since the document was made
        "claimed_epoch": row.epoch,
        "status": row.status,
        "deleted": bool(row.deleted),
        "source_fenced": _fenced(row),
        "drill_id": drill_id,
    }


def whole(
    row: models.ProtectionGroup,
    sync: models.MetadataSync | None,
    drill_id: str | None,
) -> Json:
    """With the document."""
    return {
        **group(row, sync, drill_id),
        "made_at": times.iso(sync.made_at) if sync else None,
        "document": sync.document if sync else None,
    }


def _fenced(row: models.ProtectionGroup) -> bool | None:
    """Whether the servers that the group left here are down; None when
    nothing had to be fenced."""
    found = row.conditions.get(c.Condition.SOURCE_FENCED)
    return bool(found["status"]) if found else None
