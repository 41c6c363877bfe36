# SPDX-License-Identifier: Apache-2.0
"""The service user and the catalogue entry of Protector at one cloud.

Does by API what the installation guide does by ``openstack`` commands, and
undoes it.
"""

import secrets
from typing import Any

import fixtures
from openstack import connection

USERNAME = "protector"
PROJECT = "service"
SERVICE = "protector"
INTERFACES = ("public", "internal", "admin")


class Account(fixtures.Fixture):
    """``password`` of the user ``protector``, who is made if missing.

    :param admin: an admin's connection.
    :param tenant: a member's; its domain is the tenants'.
    :param endpoint: the unversioned root of protector-api.
    """

    def __init__(
        self,
        admin: connection.Connection,
        tenant: connection.Connection,
        endpoint: str,
    ) -> None:
        super().__init__()
        self._admin = admin
        self._identity = admin.identity
        self._tenant = tenant
        self._endpoint = endpoint
        self.password = secrets.token_urlsafe(24)

    def _setUp(self) -> None:
        self._remove_service()
        project = self._identity.find_project(PROJECT, ignore_missing=False)
        user = self._user(project.domain_id)
        self.addCleanup(self._identity.delete_user, user)
        for name in ("admin", "service"):
            role = self._role(name)
            self._identity.assign_project_role_to_user(project, user, role)
        self._inherit(user.id)
        self._register()
        self.addCleanup(self._remove_service)

    def _user(self, domain_id: str) -> Any:
        found = self._identity.find_user(USERNAME, domain_id=domain_id)
        if found is not None:
            return self._identity.update_user(found, password=self.password)
        return self._identity.create_user(
            name=USERNAME, password=self.password, domain_id=domain_id
        )

    def _role(self, name: str) -> Any:
        return self._identity.find_role(name) or self._identity.create_role(
            name=name
        )

    def _inherit(self, user_id: str) -> None:
        """openstack role add --domain ... --inherited admin"""
        project_id = self._tenant.current_project_id
        domain_id = self._identity.get_project(project_id).domain_id
        role = self._role("admin")
        answer = self._identity.put(
            f"/OS-INHERIT/domains/{domain_id}/users/{user_id}"
            f"/roles/{role.id}/inherited_to_projects"
        )
        answer.raise_for_status()

    def _register(self) -> None:
        service = self._identity.create_service(
            name=SERVICE, type=SERVICE, description="Disaster recovery"
        )
        for interface in INTERFACES:
            self._identity.create_endpoint(
                service_id=service.id,
                interface=interface,
                region_id=self._admin.config.get_region_name(),
                url=self._endpoint,
            )
        for cloud in (self._admin, self._tenant):
            # their tokens hold the catalogue as it was
            cloud.session.invalidate()

    def _remove_service(self) -> None:
        for service in self._identity.services(type=SERVICE):
            for row in self._identity.endpoints(service_id=service.id):
                self._identity.delete_endpoint(row)
            self._identity.delete_service(service)
