# SPDX-License-Identifier: Apache-2.0
"""Schemas of tenant mappings."""

from protector.api.schemas import types

LIST_QUERY = types.listing(
    ("created_at", "id"),
    "local_project_id",
    "remote_site_id",
    "remote_project_id",
)
CREATE = types.envelope(
    "tenant_mapping",
    types.record(
        ("local_project_id", "remote_site_id", "remote_project_id"),
        local_project_id=types.PROJECT,
        remote_site_id=types.UUID,
        remote_project_id=types.PROJECT,
    ),
)
TENANT_MAPPING = types.answer(
    id=types.UUID,
    local_project_id=types.STRING,
    remote_site_id=types.UUID,
    remote_project_id=types.STRING,
    created_at=types.TIME,
    updated_at=types.nullable(types.TIME),
)
SHOW = types.envelope("tenant_mapping", TENANT_MAPPING)
LIST = types.page("tenant_mappings", TENANT_MAPPING)
