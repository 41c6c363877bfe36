# SPDX-License-Identifier: Apache-2.0
"""Rules of protection groups and their actions."""

from oslo_policy import policy

from protector.policies import base

GROUPS = "/v1/{tenant_id}/protection-groups"
GROUP = f"{GROUPS}/{{protection_group_id}}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "protection_groups:index",
            base.READER,
            "List protection groups.",
            f"GET {GROUPS}",
        ),
        base.documented(
            "protection_groups:show",
            base.READER,
            "Show a protection group, its recovery points and its health.",
            f"GET {GROUP}",
            f"GET {GROUP}/recovery-points",
            f"GET {GROUP}/health",
        ),
        base.documented(
            "protection_groups:create",
            base.MEMBER,
            "Create a protection group.",
            f"POST {GROUPS}",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:update",
            base.MEMBER,
            "Change name and description of a protection group.",
            f"PUT {GROUP}",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:delete",
            base.MEMBER,
            "Delete a protection group.",
            f"DELETE {GROUP}",
            base.OF_OPERATION,
        ),
        *_verbs(),
        *_drills(),
    ]


def _verbs() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "protection_groups:failover",
            base.MEMBER,
            "Move a protection group to its secondary site.",
            f"POST {GROUP}/action (failover)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:failback",
            base.MEMBER,
            "Move a protection group back to its primary site.",
            f"POST {GROUP}/action (failback)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:replicate",
            base.MEMBER,
            "Make a recovery point now.",
            f"POST {GROUP}/action (replicate)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:reprotect",
            base.MEMBER,
            "Replicate from where the group runs now.",
            f"POST {GROUP}/action (reprotect)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:source_cleanup",
            base.MEMBER,
            "Remove what is parked at the site that the group has left.",
            f"POST {GROUP}/action (source_cleanup)",
            base.OF_OPERATION,
        ),
        *_ways_out(),
    ]


def _ways_out() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "protection_groups:resolve_split",
            base.MEMBER,
            "Choose which of two histories of a protection group is kept.",
            f"POST {GROUP}/action (resolve_split)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:rehome",
            base.MEMBER,
            "Protect a group at another site, after its own was declared "
            "lost.",
            f"POST {GROUP}/action (rehome)",
            base.OF_OPERATION,
        ),
    ]


def _drills() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "protection_groups:test_failover",
            base.MEMBER,
            "Try a failover with clones of a recovery point.",
            f"POST {GROUP}/action (test_failover)",
            base.OF_OPERATION,
        ),
        base.documented(
            "protection_groups:test_cleanup",
            base.MEMBER,
            "Remove what a test failover made.",
            f"POST {GROUP}/action (test_cleanup)",
            base.OF_OPERATION,
        ),
    ]
