# SPDX-License-Identifier: Apache-2.0
"""What a tenant mapping looks like."""

from typing import Any

from protector import times
from protector.db import models


def show(mapping: models.TenantMapping) -> dict[str, Any]:
    return {
        "id": mapping.id,
        "local_project_id": mapping.local_project_id,
        "remote_site_id": mapping.remote_site_id,
        "remote_project_id": mapping.remote_project_id,
        "created_at": times.iso(mapping.created_at),
        "updated_at": times.iso(mapping.updated_at),
    }
