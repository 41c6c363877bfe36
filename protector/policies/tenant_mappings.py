# SPDX-License-Identifier: Apache-2.0
"""Rules of tenant mappings."""

from oslo_policy import policy

from protector.policies import base


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "tenant_mappings:index",
            base.ADMIN,
            "List the tenant mappings.",
            "GET /v1/admin/tenant-mappings",
        ),
        base.documented(
            "tenant_mappings:show",
            base.ADMIN,
            "Show a tenant mapping.",
            "GET /v1/admin/tenant-mappings/{tenant_mapping_id}",
        ),
        base.documented(
            "tenant_mappings:create",
            base.ADMIN,
            "Map a project to one of a peer site.",
            "POST /v1/admin/tenant-mappings",
        ),
        base.documented(
            "tenant_mappings:delete",
            base.ADMIN,
            "Remove a tenant mapping.",
            "DELETE /v1/admin/tenant-mappings/{tenant_mapping_id}",
        ),
    ]
