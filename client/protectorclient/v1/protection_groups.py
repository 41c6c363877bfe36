# SPDX-License-Identifier: Apache-2.0
"""Protection groups, their placement verbs and their recovery points."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import adapter
from openstack import resource

from protectorclient.v1 import _base, operations


class ProtectionGroup(_base.Resource):
    """Servers that are protected, moved and tested together."""

    noun = "protection group"
    resource_key = "protection_group"
    resources_key = "protection_groups"
    base_path = "/v1/%(tenant_id)s/protection-groups"
    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "name",
        "status",
        "replication_type",
        "primary_site_id",
        "secondary_site_id",
        "current_primary_site_id",
        "volume_type_id",
        *_base.PAGING,
        include_pagination_defaults=False,
        all_projects="all_tenants",
    )

    description = resource.Body("description")
    #: creating active failing_over failed_over failing_back error deleting.
    status = resource.Body("status")
    #: ``async`` or ``sync``.
    replication_type = resource.Body("replication_type")
    #: Site where the servers ran when the group was made.
    primary_site_id = resource.Body("primary_site_id")
    secondary_site_id = resource.Body("secondary_site_id")
    #: Site where they run now.
    current_primary_site_id = resource.Body("current_primary_site_id")
    consistency_group_id = resource.Body("consistency_group_id")
    failover_count = resource.Body("failover_count", type=int)
    created_at = resource.Body("created_at")
    project_id = resource.Body("project_id")
    volume_type_id = resource.Body("volume_type_id")
    #: Only in a create: the type at the other site.
    secondary_volume_type_id = resource.Body("secondary_volume_type_id")
    last_failover_at = resource.Body("last_failover_at")
    updated_at = resource.Body("updated_at")
    #: Members that are settled.
    member_count = resource.Body("member_count", type=int)
    #: Of a show.
    consistency_group = resource.Body("consistency_group", type=dict)
    #: ``{state, last_replication_at, lag_seconds, rpo_compliant}``.
    replication = resource.Body("replication", type=dict)
    #: From 1.2: verbs legal now, and why the others are not.
    allowed_actions = resource.Body("allowed_actions", type=list)
    refused_actions = resource.Body("refused_actions", type=dict)
    conditions = resource.Body("conditions")
    epoch = resource.Body("epoch", type=int)
    metadata_version = resource.Body("metadata_version", type=int)
    last_operation_id = resource.Body("last_operation_id")
    #: The drill that is on, if one is.
    drill = resource.Body("drill", type=dict)

    def run(
        self,
        session: adapter.Adapter,
        verb: str,
        args: dict[str, Any] | None = None,
    ) -> operations.Operation:
        """Start a placement verb; returns the operation."""
        body = self.act(session, verb, args).json()
        return operations.Operation.existing(
            tenant_id=self.tenant_id,
            connection=session._get_connection(),
            **body["operation"],
        )

    def dry_run(
        self,
        session: adapter.Adapter,
        verb: str,
        args: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """``{steps, preflight, predicted_seconds}``; changes nothing."""
        response = self.act(session, verb, args, dry_run=True)
        return dict(response.json()["dry_run"])


class RecoveryPoint(_base.Resource):
    """A point in time that the group can be brought back to."""

    noun = "recovery point"
    resources_key = "recovery_points"
    base_path = (
        "/v1/%(tenant_id)s/protection-groups/%(group_id)s/recovery-points"
    )
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "source_site_id",
        "target_site_id",
        *_base.PAGING,
        include_pagination_defaults=False,
    )

    group_id = resource.URI("group_id")
    created_at = resource.Body("created_at")
    #: Whether all of it has arrived.
    complete = resource.Body("complete", type=bool)
    #: Bytes transferred.
    bytes = resource.Body("bytes", type=int)
    direction = resource.Body("direction")
    epoch = resource.Body("epoch", type=int)
    #: Whether a failover may use it, and if not why.
    eligible = resource.Body("eligible", type=bool)
    ineligible_reason = resource.Body("ineligible_reason")
    #: Age in seconds that the point before it had come to; None of the first.
    rpo_seconds = resource.Body("rpo_seconds", type=int)
    rpo_compliant = resource.Body("rpo_compliant", type=bool)
