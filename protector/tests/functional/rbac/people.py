# SPDX-License-Identifier: Apache-2.0
"""The people of the matrix, in an emulated Keystone: a token for each."""

from typing import Any

import fixtures
from keystoneauth1 import session as keystone_session
from keystoneauth1.identity import v3

from protector.tests.fixtures import emulated_cloud

Json = dict[str, Any]
DOMAIN = "Default"


def name_of(user: str) -> str:
    """The name in Keystone: nobody of the seed has it."""
    return f"matrix-{user}"


class People(fixtures.Fixture):
    """``tokens`` and ``projects`` (ids) by person; None where there is none.

    :param cloud: with Keystone at least.
    :param described: as in ``matrix.yaml``.
    """

    def __init__(
        self, cloud: emulated_cloud.EmulatedCloud, described: dict[str, Json]
    ) -> None:
        super().__init__()
        self._cloud = cloud
        self._described = described

    def _setUp(self) -> None:
        admin = self._cloud.connect("admin", "admin")
        self.addCleanup(admin.close)
        self._identity = admin.identity
        self._projects = {p.name: p.id for p in self._identity.projects()}
        self._roles = {r.name: r.id for r in self._identity.roles()}
        self._domains = {DOMAIN: "default"}
        self._users: dict[tuple[str, str], str] = {}
        self.tokens: dict[str, str | None] = {}
        self.projects: dict[str, str | None] = {}
        for name, told in self._described.items():
            self.tokens[name] = self.projects[name] = None
            if told:
                self._admit(name, told)

    @property
    def tenant(self) -> str:
        """Id of the project that owns what is asked about."""
        return self._project("tenant")

    def _admit(self, name: str, told: Json) -> None:
        user = self._user(told.get("user", name), told.get("domain", DOMAIN))
        role = self._role(told["role"])
        if told.get("domain_scope"):
            domain = self._domains[DOMAIN]
            self._identity.assign_domain_role_to_user(domain, user, role)
            self.tokens[name] = self._token(user, domain_id=domain)
            return
        project = self._project(told["project"])
        self._identity.assign_project_role_to_user(project, user, role)
        if told.get("scoped", True):
            self.tokens[name] = self._token(user, project_id=project)
            self.projects[name] = project
        else:
            self.tokens[name] = self._token(user)

    def _token(self, user: str, **scope: str) -> str | None:
        password = v3.Password(
            auth_url=self._cloud.auth_url,
            user_id=user,
            password=emulated_cloud.PASSWORD,
            **scope,
        )
        return keystone_session.Session(password, timeout=30).get_token()

    def _project(self, name: str) -> str:
        if name not in self._projects:
            made = self._identity.create_project(
                name=name, domain_id="default"
            )
            self._projects[name] = made.id
        return self._projects[name]

    def _role(self, name: str) -> str:
        if name not in self._roles:
            self._roles[name] = self._identity.create_role(name=name).id
        return self._roles[name]

    def _user(self, name: str, domain: str) -> str:
        if domain not in self._domains:
            made = self._identity.create_domain(name=domain)
            self._domains[domain] = made.id
        key = (name, domain)
        if key not in self._users:
            self._users[key] = self._identity.create_user(
                name=name_of(name),
                password=emulated_cloud.PASSWORD,
                domain_id=self._domains[domain],
            ).id
        return self._users[key]
