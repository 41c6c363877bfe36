# SPDX-License-Identifier: Apache-2.0
"""Rules of resource mappings."""

from oslo_policy import policy

from protector.policies import base

GROUP = "/v1/{tenant_id}/protection-groups/{protection_group_id}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "resource_mappings:show",
            base.READER,
            "Show the mappings of a protection group and a proposal.",
            f"GET {GROUP}/mappings",
            f"GET {GROUP}/mappings/proposal",
        ),
        base.documented(
            "resource_mappings:update",
            base.MEMBER,
            "Replace the mappings of a protection group.",
            f"PUT {GROUP}/mappings",
            base.OF_OPERATION,
        ),
    ]
