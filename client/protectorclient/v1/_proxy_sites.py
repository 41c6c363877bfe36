# SPDX-License-Identifier: Apache-2.0
"""The part of the proxy for sites, tenant mappings and health."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openstack import proxy

from protectorclient.v1 import _base, health, sites, tenant_mappings


class TenantScoped(proxy.Proxy):
    """Knows the tenant of the paths: the project of the token."""

    def _tenant(self) -> dict[str, str]:
        return {"tenant_id": self.get_project_id()}


class SitesMixin(TenantScoped):
    """Sites, tenant mappings and the health of the service."""

    def sites(self, **query: Any) -> Iterator[sites.Site]:
        """The sites, as tenants see them.

        :param query: ``name``, ``status``, ``is_local``, paging
        """
        return self._list(sites.Site, **self._tenant(), **query)

    def get_site(self, site: str | sites.Site) -> sites.Site:
        """One site by its id.

        :raises errors.NotFound: there is none
        """
        return self._get(
            sites.Site, _base.Resource._get_id(site), **self._tenant()
        )

    def find_site(
        self, name_or_id: str, ignore_missing: bool = False
    ) -> sites.Site | None:
        """One site by name or id.

        :raises errors.AmbiguousName: several have the name
        :raises errors.NoSuchResource: none has, unless ``ignore_missing``
        """
        return sites.Site.find(
            self, name_or_id, ignore_missing, **self._tenant()
        )

    def local_site(self) -> sites.Site | None:
        """The site that answers."""
        rows = (site for site in self.sites() if site.is_local)
        return next(rows, None)

    def site_volume_types(
        self, site: str | sites.Site
    ) -> Iterator[sites.VolumeType]:
        """The volume types of a site, with their replication type."""
        site_id = _base.Resource._get_id(site)
        return self._list(sites.VolumeType, site_id=site_id, **self._tenant())

    def registered_sites(self, **query: Any) -> Iterator[sites.AdminSite]:
        """The sites with all their fields: admin only."""
        return self._list(sites.AdminSite, **query)

    def find_registered_site(
        self, name_or_id: str, ignore_missing: bool = False
    ) -> sites.AdminSite | None:
        """One site with all its fields, by name or id: admin only."""
        return sites.AdminSite.find(self, name_or_id, ignore_missing)

    def register_site(self, **attrs: Any) -> sites.AdminSite:
        """Register a site; the server contacts it and takes its own id.

        :param attrs: fields of :class:`~protectorclient.v1.sites.AdminSite`
        """
        return self._create(sites.AdminSite, **attrs)

    def update_site(
        self, site: str | sites.Site, **attrs: Any
    ) -> sites.AdminSite:
        """Change fields of a registered site."""
        site_id = _base.Resource._get_id(site)
        return self._update(sites.AdminSite, site_id, **attrs)

    def delete_site(
        self, site: str | sites.Site, ignore_missing: bool = True
    ) -> None:
        """Forget a site; 409 while a group uses it."""
        site_id = _base.Resource._get_id(site)
        self._delete(sites.AdminSite, site_id, ignore_missing)

    def validate_site(self, site: str | sites.Site) -> list[dict[str, Any]]:
        """Check a site; returns its checks."""
        return self._admin_site(site).validate(self)

    def declare_site_lost(self, site: str | sites.Site) -> Any:
        """Declare a site gone for good."""
        return self._admin_site(site).declare_lost(self)

    def replace_site(self, site: str | sites.Site, **attrs: Any) -> Any:
        """Put another site in the place of a lost one."""
        return self._admin_site(site).replace(self, **attrs)

    def _admin_site(self, site: str | sites.Site) -> sites.AdminSite:
        site_id = _base.Resource._get_id(site)
        return self._get_resource(sites.AdminSite, site_id)

    def tenant_mappings(
        self, **query: Any
    ) -> Iterator[tenant_mappings.TenantMapping]:
        """The pairs of projects: admin only."""
        return self._list(tenant_mappings.TenantMapping, **query)

    def get_tenant_mapping(
        self, mapping: str
    ) -> tenant_mappings.TenantMapping:
        """One pair of projects by its id."""
        return self._get(tenant_mappings.TenantMapping, mapping)

    def create_tenant_mapping(
        self, **attrs: Any
    ) -> tenant_mappings.TenantMapping:
        """Pair two projects.

        :param attrs: ``local_project_id``, ``remote_site_id``,
            ``remote_project_id``
        """
        return self._create(tenant_mappings.TenantMapping, **attrs)

    def delete_tenant_mapping(
        self, mapping: str, ignore_missing: bool = True
    ) -> None:
        """Forget a pair of projects."""
        self._delete(tenant_mappings.TenantMapping, mapping, ignore_missing)

    def health(self) -> health.ServiceHealth:
        """Health of the service: admin only."""
        return self._get(health.ServiceHealth, requires_id=False)
