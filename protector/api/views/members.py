# SPDX-License-Identifier: Apache-2.0
"""What a member looks like, with its volumes where it runs now."""

from typing import Any

from protector import times
from protector.db import models

Json = dict[str, Any]


def show(
    member: models.Member,
    current_site_id: str,
    last_operation_id: str | None = None,
) -> Json:
    """:param last_operation_id: of the change that is just accepted."""
    volumes = [_volume(v) for v in member.volumes_at(current_site_id)]
    copy = member.copy(current_site_id)
    shown = {
        "id": member.id,
        "protection_group_id": member.protection_group_id,
        "instance_id": member.instance_id,
        "instance_name": member.instance_name,
        "status": member.status,
        "volumes_added": len(volumes),
        "current_instance_id": copy.server_id if copy else None,
        "volumes": volumes,
        "recoverable_at": times.iso(member.recoverable_at),
        "warnings": member.warnings,
        "created_at": times.iso(member.created_at),
        "updated_at": times.iso(member.updated_at),
    }
    if last_operation_id is not None:
        shown["last_operation_id"] = last_operation_id
    return shown


def _volume(volume: models.VolumeCopy) -> Json:
    return {
        "id": volume.cinder_id,
        "name": volume.name,
        "device": volume.device,
        "boot_index": volume.boot_index,
        "size_gb": volume.size_gb,
    }
