# SPDX-License-Identifier: Apache-2.0
"""How often a group replicates and how long points are kept."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base


class ReplicationPolicy(_base.Singleton):
    """The replication policy of a group.

    The ``*_fa_*`` fields are overrides for the site that answers, for admins;
    the tokens are written, never read.
    """

    noun = "replication policy"
    resource_key = "policy"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/policy"
    allow_commit = True
    allow_delete = True

    replication_interval_minutes = resource.Body(
        "replication_interval_minutes", type=int
    )
    rpo_minutes = resource.Body("rpo_minutes", type=int)
    #: ``{all_for_hours, per_day, days}``.
    retention = resource.Body("retention", type=dict)
    #: Whether copies are made at the target before they are needed.
    prestage = resource.Body("prestage", type=bool)
    undo_retention_days = resource.Body("undo_retention_days", type=int)
    pure_pg_name = resource.Body("pure_pg_name")
    primary_fa_url = resource.Body("primary_fa_url")
    primary_fa_api_token = resource.Body("primary_fa_api_token")
    secondary_fa_url = resource.Body("secondary_fa_url")
    secondary_fa_api_token = resource.Body("secondary_fa_api_token")
