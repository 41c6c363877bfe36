# SPDX-License-Identifier: Apache-2.0
"""The consistency group of a protection group: read only."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base


class ConsistencyGroup(_base.Singleton):
    """The pair of Cinder groups that replicate together."""

    noun = "consistency group"
    resource_key = "consistency_group"
    base_path = (
        "/v1/%(tenant_id)s/protection-groups/%(group_id)s/consistency-group"
    )

    protection_group_id = resource.Body("protection_group_id")
    volume_type_id = resource.Body("volume_type_id")
    volume_type_name = resource.Body("volume_type_name")
    backend_name = resource.Body("backend_name")
    #: Cinder group at each site.
    primary_cg_id = resource.Body("primary_cg_id")
    secondary_cg_id = resource.Body("secondary_cg_id")
    status = resource.Body("status")
    volume_count = resource.Body("volume_count", type=int)
