# SPDX-License-Identifier: Apache-2.0
"""Two clouds with their Protectors and arrays, paired; shared by all tests.

The pairing goes through the REST API of both sites.
"""

import fixtures
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3
import openstack
from openstack import connection

from protector.tests.realcloud import (
    accounts,
    arrays,
    processes,
    protector_site,
    rest,
    settings,
)


class Pair(fixtures.Fixture):
    """``a`` and ``b`` are the sites, ``arrays`` theirs."""

    def __init__(self, given: settings.Settings) -> None:
        super().__init__()
        self._given = given
        self.processes = processes.Processes(given.state)

    def _setUp(self) -> None:
        given = self._given
        self.useFixture(self.processes)
        self.arrays = self.useFixture(arrays.Arrays(given.arrays))
        self.a = self._site(given.a, 11)
        self.b = self._site(given.b, 12)
        for site in (self.a, self.b):
            site.wait()
        self.register(self.a, self.b)
        self.register(self.b, self.a)

    def _site(self, given: settings.Site, number: int) -> protector_site.Site:
        known = {
            self._given.a.name: self.arrays.a.array,
            self._given.b.name: self.arrays.b.array,
        }
        return self.useFixture(
            protector_site.Site(
                given,
                f"{self.arrays.prefix}.{number}",
                known,
                self.processes,
                self._connect(given.name),
                self._connect(given.tenant),
            )
        )

    def _connect(self, cloud: str) -> connection.Connection:
        # as a user names it in clouds.yaml: the tests import no client
        found = openstack.connect(
            cloud=cloud, vendor_hook="protectorclient.sdk:load"
        )
        self.addCleanup(found.close)
        return found

    def admin(self, site: protector_site.Site) -> rest.Protector:
        """A site's API as its admin uses it."""
        return rest.Protector(site.admin, site.admin.current_project_id)

    def tenant(self, site: protector_site.Site) -> rest.Protector:
        """A site's API as the tenant uses it."""
        return rest.Protector(site.tenant, site.tenant.current_project_id)

    def register(
        self, here: protector_site.Site, there: protector_site.Site
    ) -> None:
        """Tell a site of the other one, and which project is whose."""
        api = self.admin(here)
        site = {
            "name": there.name,
            "description": "",
            "auth_url": there.auth_url,
            "region_name": there.admin.config.get_region_name(),
            "username": accounts.USERNAME,
            "password": there.account.password,
            "user_domain_name": "Default",
            "project_name": accounts.PROJECT,
            "project_domain_name": "Default",
        }
        made = api.call("POST", "/v1/admin/sites", {"site": site}).json()
        if made["site"]["id"] != there.id:
            raise AssertionError(f"{there.name} was registered as {made}")
        mapping = {
            "local_project_id": here.tenant.current_project_id,
            "remote_site_id": there.id,
            "remote_project_id": there.tenant.current_project_id,
        }
        api.call(
            "POST", "/v1/admin/tenant-mappings", {"tenant_mapping": mapping}
        )

    def service_user(self, site: protector_site.Site) -> connection.Connection:
        """A connection of Protector's own user."""
        auth = v3.Password(
            auth_url=site.auth_url,
            username=accounts.USERNAME,
            password=site.account.password,
            user_domain_name="Default",
            project_name=accounts.PROJECT,
            project_domain_name="Default",
        )
        found = connection.Connection(
            session=keystone_session.Session(auth=auth, timeout=60),
            region_name=site.admin.config.get_region_name(),
        )
        self.addCleanup(found.close)
        return found
