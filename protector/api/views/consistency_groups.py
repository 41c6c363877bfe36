# SPDX-License-Identifier: Apache-2.0
"""What a consistency group looks like: both sides, named as at creation."""

from typing import Any

from protector.db import models

Json = dict[str, Any]


def show(
    row: models.ConsistencyGroup,
    group: models.ProtectionGroup,
    volume_count: int,
) -> Json:
    """``volume_type_*`` and ``backend_name`` are those of the primary."""
    primary = row.side(group.primary_site_id)
    secondary = row.side(group.secondary_site_id)
    return {
        "id": row.id,
        "protection_group_id": row.protection_group_id,
        "name": row.name,
        "volume_type_id": primary.volume_type_id,
        "volume_type_name": primary.volume_type_name,
        "backend_name": primary.backend_name,
        "primary_cg_id": primary.cinder_group_id,
        "secondary_cg_id": secondary.cinder_group_id,
        "status": row.status,
        "volume_count": volume_count,
        "secondary_volume_type_id": secondary.volume_type_id,
        "secondary_volume_type_name": secondary.volume_type_name,
        "secondary_backend_name": secondary.backend_name,
    }
