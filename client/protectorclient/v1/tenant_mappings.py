# SPDX-License-Identifier: Apache-2.0
"""Which project here is which project at the other site: admin only."""

from __future__ import annotations

from openstack import resource

from protectorclient.v1 import _base


class TenantMapping(_base.Resource):
    """A pair of projects."""

    noun = "tenant mapping"
    resource_key = "tenant_mapping"
    resources_key = "tenant_mappings"
    base_path = "/v1/admin/tenant-mappings"
    allow_create = True
    allow_fetch = True
    allow_delete = True
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "local_project_id",
        "remote_site_id",
        "remote_project_id",
        *_base.PAGING,
        include_pagination_defaults=False,
    )

    #: Project at the site that answers.
    local_project_id = resource.Body("local_project_id")
    #: The other site.
    remote_site_id = resource.Body("remote_site_id")
    #: Project at the other site.
    remote_project_id = resource.Body("remote_project_id")
    created_at = resource.Body("created_at")
