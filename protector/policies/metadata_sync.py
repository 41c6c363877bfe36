# SPDX-License-Identifier: Apache-2.0
"""Rules of the synchronisation of metadata."""

from oslo_policy import policy

from protector.policies import base

GROUP = "/v1/{tenant_id}/protection-groups/{protection_group_id}"


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "metadata_sync:show",
            base.READER,
            "Show whether both sites hold the same metadata.",
            f"GET {GROUP}/sync-status",
        ),
        base.documented(
            "metadata_sync:force",
            base.MEMBER,
            "Push the metadata to the peer site now.",
            f"POST {GROUP}/sync-force",
            base.OF_OPERATION,
        ),
        base.documented(
            "metadata_sync:peer",
            base.SERVICE,
            "Speak for the peer site. The user must also be the one "
            "that [peer] names.",
            "GET /v1/peer/identity",
            "GET /v1/peer/groups",
            "POST /v1/peer/groups",
            "GET /v1/peer/groups/{protection_group_id}",
            "PUT /v1/peer/groups/{protection_group_id}",
            "DELETE /v1/peer/groups/{protection_group_id}",
            "POST /v1/peer/groups/{protection_group_id}/action",
            "POST /v1/peer/groups/{protection_group_id}/lock",
            "POST /v1/peer/groups/{protection_group_id}/unlock",
            "POST /v1/peer/groups/{protection_group_id}/release",
            "PUT /v1/peer/operations/{operation_id}",
        ),
    ]
