# SPDX-License-Identifier: Apache-2.0
"""Rules of sites."""

from oslo_policy import policy

from protector.policies import base


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "sites:index",
            base.READER,
            "List the sites.",
            "GET /v1/{tenant_id}/sites",
        ),
        base.documented(
            "sites:show",
            base.READER,
            "Show a site and its volume types.",
            "GET /v1/{tenant_id}/sites/{site_id}",
            "GET /v1/{tenant_id}/sites/{site_id}/volume-types",
        ),
        *_registrations(),
    ]


def _registrations() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "sites:show_registration",
            base.ADMIN,
            "See how sites are registered.",
            "GET /v1/admin/sites",
            "GET /v1/admin/sites/{site_id}",
        ),
        base.documented(
            "sites:create",
            base.ADMIN,
            "Register a site.",
            "POST /v1/admin/sites",
        ),
        base.documented(
            "sites:update",
            base.ADMIN,
            "Change the registration of a site.",
            "PUT /v1/admin/sites/{site_id}",
        ),
        base.documented(
            "sites:delete",
            base.ADMIN,
            "Remove the registration of a site.",
            "DELETE /v1/admin/sites/{site_id}",
        ),
        base.documented(
            "sites:validate",
            base.ADMIN,
            "Check the registration of a site.",
            "POST /v1/admin/sites/{site_id}/action (validate)",
        ),
        base.documented(
            "sites:declare_lost",
            base.ADMIN,
            "Declare a site lost for good.",
            "POST /v1/admin/sites/{site_id}/action (declare_lost)",
        ),
        base.documented(
            "sites:replace",
            base.ADMIN,
            "Protect all groups of a lost site at another one.",
            "POST /v1/admin/sites/{site_id}/action (replace)",
        ),
    ]
