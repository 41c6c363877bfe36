# SPDX-License-Identifier: Apache-2.0
"""Rules of replication policies."""

from oslo_policy import policy

from protector.policies import base

GROUP = "/v1/{tenant_id}/protection-groups/{protection_group_id}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "replication_policies:show",
            base.READER,
            "Show the replication policy of a protection group.",
            f"GET {GROUP}/policy",
        ),
        base.documented(
            "replication_policies:update",
            base.MEMBER,
            "Set the replication policy of a protection group.",
            f"PUT {GROUP}/policy",
            base.OF_OPERATION,
        ),
        base.documented(
            "replication_policies:set_arrays",
            base.ADMIN,
            "Override the arrays that this site uses for a protection group.",
            f"PUT {GROUP}/policy (array fields)",
        ),
        base.documented(
            "replication_policies:delete",
            base.MEMBER,
            "Return a protection group to the default policy.",
            f"DELETE {GROUP}/policy",
            base.OF_OPERATION,
        ),
    ]
