# SPDX-License-Identifier: Apache-2.0
"""What the clients of all services are made of."""

from collections.abc import Iterator
import contextlib
import dataclasses
import functools
from typing import Any, ClassVar

from keystoneauth1 import adapter

from protector import exception, lazy
from protector.clients import errors, types
from protector.clients import session as sessions

Json = dict[str, Any]
PAGE = 500


@dataclasses.dataclass(frozen=True)
class Scope:
    """A site, and the project in which its calls are made."""

    access: types.SiteAccess
    session: sessions.Session = dataclasses.field(repr=False)
    request_id: str

    @property
    def site_name(self) -> str:
        return self.access.name

    @lazy.Lazy
    def project_id(self) -> str:
        """Id of the project of the token."""
        with errors.translated("Keystone", self.site_name, "sign in"):
            found = self.session.reading(self.session.get_project_id)
        return str(found)

    @lazy.Lazy
    def user_id(self) -> str:
        """Id of the user of the token."""
        with errors.translated("Keystone", self.site_name, "sign in"):
            found = self.session.reading(self.session.get_user_id)
        return str(found)


class Service:
    """Base of the clients: one service of a site in one project."""

    # service type of the catalogue, and the name in messages
    service_type: ClassVar[str]
    label: ClassVar[str]
    # highest microversion this code understands, None without them
    understood: ClassVar[tuple[int, int] | None] = None

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __repr__(self) -> str:
        return f"<{self.label} at {self._scope.site_name}>"

    def calling(self, action: str) -> contextlib.AbstractContextManager[None]:
        """Errors inside become a ``CloudError`` that names the action."""
        return errors.translated(self.label, self._scope.site_name, action)

    @functools.cached_property
    def adapter(self) -> adapter.Adapter:
        """Requests to the service."""
        return adapter.Adapter(
            self._scope.session,
            service_type=self.service_type,
            interface=self._scope.access.interface,
            region_name=self._scope.access.region_name,
            global_request_id=self._scope.request_id,
        )

    @property
    def server_maximum(self) -> tuple[int, int]:
        """The highest microversion of the service, asked once per site.

        :raises CloudUnavailable: the service did not say.
        """
        versions = self._scope.session.site.microversions
        if self.service_type not in versions:
            with self.calling("read its version"):
                session = self._scope.session
                versions[self.service_type] = session.reading(self._maximum)
        return versions[self.service_type]

    def _maximum(self) -> tuple[int, int]:
        data = self.adapter.get_endpoint_data()
        if data is None or not data.max_microversion:
            raise exception.CloudUnavailable(
                f"{self.label} at site {self._scope.site_name} did not say "
                "which versions it serves.",
                service=self.label,
                site=self._scope.site_name,
            )
        major, minor = data.max_microversion
        return int(major), int(minor)

    def best(self, limit: tuple[int, int] | None = None) -> str:
        """The highest microversion that both sides know, ``2.96``."""
        known = limit or self.understood or (0, 0)
        return "{}.{}".format(*min(self.server_maximum, known))

    @property
    def microversion(self) -> str | None:
        """What to send with raw requests; None without microversions."""
        return self.best() if self.understood else None

    def read(self, path: str, **params: Any) -> Any:
        """The JSON of a GET; a parameter may be a list."""
        return self.adapter.get(
            path, params=params, microversion=self.microversion
        ).json()

    def post(self, path: str, body: Json) -> Any:
        """The JSON of a POST, None when it has none."""
        answer = self.adapter.post(
            path, json=body, microversion=self.microversion
        )
        return answer.json() if answer.content else None

    def put(self, path: str, body: Json) -> Any:
        """The JSON of a PUT."""
        return self.adapter.put(
            path, json=body, microversion=self.microversion
        ).json()

    def remove(self, path: str) -> None:
        """DELETE."""
        self.adapter.delete(path, microversion=self.microversion)

    def pages(self, path: str, key: str, **params: Any) -> Iterator[Json]:
        """All objects of a list, page by page.

        The next page is asked for by marker: links in answers name hosts
        that may not be reachable from here.
        """
        while True:
            body = self.read(path, **params)
            yield from body[key]
            links = body.get(f"{key}_links") or ()
            more = any(link.get("rel") == "next" for link in links)
            if not more or not body[key]:
                return
            params["marker"] = body[key][-1]["id"]
