# SPDX-License-Identifier: Apache-2.0
"""The servers of a protection group."""

from __future__ import annotations

from keystoneauth1 import adapter
from openstack import resource

from protectorclient.v1 import _base


class Member(_base.Resource):
    """A protected server."""

    noun = "member"
    resource_key = "member"
    resources_key = "members"
    base_path = "/v1/%(tenant_id)s/protection-groups/%(group_id)s/members"
    allow_create = True
    allow_fetch = True
    allow_delete = True
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "instance_id",
        "instance_name",
        "status",
        *_base.PAGING,
        include_pagination_defaults=False,
    )

    group_id = resource.URI("group_id")
    protection_group_id = resource.Body("protection_group_id")
    #: The server as it was added.
    instance_id = resource.Body("instance_id")
    #: The server that runs now.
    current_instance_id = resource.Body("current_instance_id")
    instance_name = resource.Body("instance_name")
    #: protecting protected removing missing error.
    status = resource.Body("status")
    volumes_added = resource.Body("volumes_added", type=int)
    #: ``[{id, name, device, boot_index, size_gb}]``, sizes in GiB.
    volumes = resource.Body("volumes", type=list)
    #: Only in a create: the volumes to take.
    volume_ids = resource.Body("volume_ids", type=list)
    #: The first complete point with all its volumes, if there is one.
    recoverable_at = resource.Body("recoverable_at")
    warnings = resource.Body("warnings", type=list)
    created_at = resource.Body("created_at")
    updated_at = resource.Body("updated_at")
    last_operation_id = resource.Body("last_operation_id")

    @classmethod
    def _by_name(
        cls, session: adapter.Adapter, name: str, params: dict
    ) -> Member | None:
        """By the server's name or one of its ids."""
        known = ("instance_id", "current_instance_id", "instance_name")
        rows = [
            row
            for row in cls.list(session, **params)
            if name in [row[key] for key in known]
        ]
        return cls.only(name, rows)
