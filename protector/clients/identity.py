# SPDX-License-Identifier: Apache-2.0
"""Keystone: projects, and who the service user is."""

import functools
from typing import Any

from keystoneauth1 import adapter, plugin

from protector.clients import rest

Json = dict[str, Any]


class IdentityClient(rest.Service):
    """Keystone as the service user sees it from its own project."""

    service_type = "identity"
    label = "Keystone"

    @functools.cached_property
    def adapter(self) -> adapter.Adapter:
        """At the address that tokens come from."""
        return adapter.Adapter(
            self._scope.session,
            service_type=self.service_type,
            interface=plugin.AUTH_INTERFACE,
            global_request_id=self._scope.request_id,
        )

    @property
    def user_id(self) -> str:
        """Id of the service user."""
        return self._scope.user_id

    @property
    def project_id(self) -> str:
        """Id of the service user's own project."""
        return self._scope.project_id

    def check(self) -> Json:
        """Sign in.

        :returns: ``user_id``, ``project_id`` and ``roles`` (names).
        :raises CloudForbidden: the credentials are not accepted.
        :raises CloudUnavailable: no answer.
        """
        with self.calling("sign in"):
            return _who(self._access())

    def sign_in(self) -> Json:
        """As ``check``, with the password as it is registered now: a token
        that is held already does not count."""
        with self.calling("sign in"):
            session = self._scope.session
            return _who(session.reading(session.auth.get_auth_ref, session))

    def endpoint(self, service_type: str) -> str | None:
        """Its address, of the site's interface and region; aliases of the
        type count (``block-storage``)."""
        wanted = self._scope.access
        with self.calling("read the catalogue"):
            found = self._access().service_catalog.get_endpoint_data_list(
                service_type=service_type,
                interface=wanted.interface,
                region_name=wanted.region_name,
            )
            return str(found[0].url) if found else None

    def _access(self) -> Any:
        session = self._scope.session
        return session.reading(session.auth.get_access, session)

    def project(self, project_id: str) -> Json:
        """A project: ``id``, ``name``, ``domain_id``, ``enabled``.

        :raises CloudNotFound: there is none.
        """
        with self.calling(f"read project {project_id}"):
            return self.read(f"/projects/{project_id}")["project"]

    def find_projects(self, name: str) -> list[Json]:
        """Projects of a name; one per domain at most."""
        with self.calling(f"find project {name}"):
            return self.read("/projects", name=name)["projects"]

    def domain(self, domain_id: str) -> Json:
        """:raises CloudNotFound: there is none."""
        with self.calling(f"read domain {domain_id}"):
            return self.read(f"/domains/{domain_id}")["domain"]


def _who(access: Any) -> Json:
    return {
        "user_id": access.user_id,
        "project_id": access.project_id,
        "roles": list(access.role_names),
    }
