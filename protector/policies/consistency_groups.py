# SPDX-License-Identifier: Apache-2.0
"""Rules of consistency groups."""

from oslo_policy import policy

from protector.policies import base

GROUP = "/v1/{tenant_id}/protection-groups/{protection_group_id}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "consistency_groups:show",
            base.READER,
            "Show the consistency group of a protection group.",
            f"GET {GROUP}/consistency-group",
        ),
    ]
