# SPDX-License-Identifier: Apache-2.0
"""Rules of members."""

from oslo_policy import policy

from protector.policies import base

GROUP = "/v1/{tenant_id}/protection-groups/{protection_group_id}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "members:index",
            base.READER,
            "List the members of a protection group.",
            f"GET {GROUP}/members",
        ),
        base.documented(
            "members:show",
            base.READER,
            "Show a member.",
            f"GET {GROUP}/members/{{member_id}}",
        ),
        base.documented(
            "members:create",
            base.MEMBER,
            "Add a server to a protection group.",
            f"POST {GROUP}/members",
            base.OF_OPERATION,
        ),
        base.documented(
            "members:delete",
            base.MEMBER,
            "Remove a server from a protection group.",
            f"DELETE {GROUP}/members/{{member_id}}",
            base.OF_OPERATION,
        ),
    ]
