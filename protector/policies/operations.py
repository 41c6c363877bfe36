# SPDX-License-Identifier: Apache-2.0
"""Rules of operations."""

from oslo_policy import policy

from protector.policies import base


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "operations:index",
            base.READER,
            "List operations.",
            "GET /v1/{tenant_id}/operations",
        ),
        base.documented(
            "operations:show",
            base.READER,
            "Show an operation.",
            "GET /v1/{tenant_id}/operations/{operation_id}",
        ),
        base.documented(
            "operations:retry",
            base.MEMBER,
            "Retry a failed operation. The rule of its verb is asked too.",
            "POST /v1/{tenant_id}/operations/{operation_id}/action (retry)",
        ),
        base.documented(
            "operations:skip",
            base.MEMBER,
            "Skip an optional step. The rule of the verb is asked too.",
            "POST /v1/{tenant_id}/operations/{operation_id}/action (skip)",
        ),
        base.documented(
            "operations:cancel",
            base.MEMBER,
            "Cancel an operation. The rule of its verb is asked too.",
            "POST /v1/{tenant_id}/operations/{operation_id}/action (cancel)",
        ),
    ]
