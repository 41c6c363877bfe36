# SPDX-License-Identifier: Apache-2.0
"""Sites: as tenants see them, as an admin keeps them, their volume types."""

from __future__ import annotations

from typing import Any

from keystoneauth1 import adapter
from openstack import resource

from protectorclient.v1 import _base


class Site(_base.Resource):
    """A site as tenants see it: read only."""

    noun = "site"
    resource_key = "site"
    resources_key = "sites"
    base_path = "/v1/%(tenant_id)s/sites"
    allow_fetch = True
    allow_list = True
    _query_mapping = resource.QueryParameters(
        "name",
        "status",
        "is_local",
        "region_name",
        *_base.PAGING,
        include_pagination_defaults=False,
    )

    #: Free text.
    description = resource.Body("description")
    #: ``active``, ``unreachable`` or ``error``.
    status = resource.Body("status")
    #: Whether this is the site that answers.
    is_local = resource.Body("is_local", type=bool)
    #: Region of its OpenStack.
    region_name = resource.Body("region_name")
    #: Its Keystone.
    auth_url = resource.Body("auth_url")


class AdminSite(Site):
    """A site with what is needed to work with it: admin only.

    ``username`` and ``password`` are the service user's *at that site*; the
    password is never answered.
    """

    base_path = "/v1/admin/sites"
    allow_create = True
    allow_commit = True
    allow_delete = True

    username = resource.Body("username")
    password = resource.Body("password")
    user_domain_name = resource.Body("user_domain_name")
    project_name = resource.Body("project_name")
    project_domain_name = resource.Body("project_domain_name")
    #: Its Protector API, if the catalogue is not to be asked.
    endpoint = resource.Body("endpoint")
    #: CA certificates as PEM text.
    cacert = resource.Body("cacert")
    #: Whether its TLS certificate is verified.
    verify = resource.Body("verify", type=bool)
    #: Whether, when and by whom it was declared lost.
    lost = resource.Body("lost", type=bool)
    lost_at = resource.Body("lost_at")
    lost_by = resource.Body("lost_by")
    #: When it was registered, and last changed: ISO 8601, UTC.
    created_at = resource.Body("created_at")
    updated_at = resource.Body("updated_at")

    def validate(self, session: adapter.Adapter) -> list[dict[str, Any]]:
        """Let the server check the site.

        Each check has ``name``, ``status`` (``passed``, ``warning`` or
        ``failed``), ``ok``, ``message`` and ``fix`` (or None).
        """
        report = self.act(session, "validate").json()["report"]
        return list(report["checks"])

    def declare_lost(self, session: adapter.Adapter) -> Any:
        """Declare the site gone for good; returns the server's answer."""
        return _json(self.act(session, "declare_lost"))

    def replace(self, session: adapter.Adapter, **attrs: Any) -> Any:
        """Put another site in its place; returns the server's answer."""
        return _json(self.act(session, "replace", attrs))


class VolumeType(_base.Resource):
    """A Cinder volume type at a site, and its partner at the peer."""

    noun = "volume type"
    resources_key = "volume_types"
    base_path = "/v1/%(tenant_id)s/sites/%(site_id)s/volume-types"
    allow_list = True

    #: The site in the path.
    site_id = resource.URI("site_id")
    #: ``async``, ``sync`` or None.
    replication_type = resource.Body("replication_type")
    #: The type at the peer that it is paired with, if that is decided.
    peer_volume_type_id = resource.Body("peer_volume_type_id")


def _json(response: Any) -> Any:
    return response.json() if response.content else {}
