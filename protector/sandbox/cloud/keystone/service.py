# SPDX-License-Identifier: Apache-2.0
"""The emulated Keystone: versions, tokens, and what its parts offer.

Source of paths and shapes: the Identity API v3 reference.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, request, store, wsgi
from protector.sandbox.cloud.keystone import (
    assignments,
    auth,
    catalog,
    credentials,
    grants,
    kinds,
    passwords,
    resources,
    seeding,
    tokens,
)


class Keystone(wsgi.Service):
    """Identity v3."""

    name = "identity"
    prefix = "/identity"
    render_error = staticmethod(errors.keystone_body)

    def __init__(self, cloud: context.Cloud) -> None:
        self.assignments = assignments.Assignments(cloud.store)
        self.catalog = catalog.Catalog(
            cloud.store,
            lambda: {"cloud_url": cloud.url, "address": cloud.address},
        )
        self.tokens = tokens.Tokens(
            cloud.store,
            cloud.settings,
            cloud.clock,
            self.assignments,
            self.catalog,
        )
        self._auth = auth.Authenticator(
            cloud.store, self.assignments, self.tokens
        )
        self._kinds = kinds.Kinds(cloud, self.assignments, self.catalog)
        self._grants = grants.Grants(cloud, self.assignments)
        self._credentials = credentials.Credentials(cloud)
        super().__init__(cloud)

    def resolve(self, token_id: str) -> request.Identity | None:
        """Return what a token says, None if it is not valid."""
        return self.tokens.resolve(token_id)

    def seed(self) -> None:
        """Write the domain, projects, users, roles and the catalog."""
        seeding.seed_keystone(self.cloud)

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield all routes."""
        yield "GET", "/", self.versions, "public"
        yield "GET", "/v3", self.version, "public"
        rule = "/v3/auth/tokens"
        yield "POST", rule, self.authenticate, "public"
        yield "GET", rule, self.validate, "any"
        yield "DELETE", rule, self.revoke, "any"
        yield "GET", "/v3/auth/catalog", self.show_catalog, "any"
        yield "GET", "/v3/auth/projects", self.my_projects, "any"
        yield "GET", "/v3/auth/domains", self.my_domains, "any"
        yield "GET", "/v3/auth/system", self.my_systems, "any"
        user = "/v3/users/<user_id>"
        yield "GET", f"{user}/projects", self.user_projects, "any"
        yield "GET", f"{user}/groups", self.user_groups, "any"
        yield "POST", f"{user}/password", self.set_password, "public"
        yield "GET", "/v3/groups", self.groups, "admin"
        for part in self._kinds.by_table.values():
            yield from part.routes()
        regions = self._kinds.by_table["regions"]
        rule = "/v3/regions/<region_id>"
        yield "PUT", rule, self._put_region(regions), "admin"
        yield from self._grants.routes()
        yield from self._credentials.routes()

    def forbidden(self, route: wsgi.Route) -> errors.ApiError:
        """Return Keystone's own 403."""
        action = route.action or route.handler.__name__
        return errors.Forbidden(
            "You are not authorized to perform the requested action: "
            f"identity:{action}."
        )

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """300 and the versions there are: v3."""
        return 300, {"versions": {"values": [_version(request)]}}

    def version(self, request: wsgi.Request) -> wsgi.Result:
        """The document of v3."""
        return {"version": _version(request)}

    def authenticate(self, request: wsgi.Request) -> wsgi.Result:
        """201, the token's id in X-Subject-Token."""
        token = self._auth.authenticate(request.json())
        shown = self.tokens.render(token, "nocatalog" not in request.query)
        return 201, shown, _subject(token["id"])

    def validate(self, request: wsgi.Request) -> wsgi.Result:
        """Show the subject token: one's own, or to admins and services.

        :raises NotFound: it is not valid.
        """
        subject = self._subject(request, "validate_token")
        late = request.query.get("allow_expired", "0").lower()
        token = self.tokens.find(subject, late in ("1", "true"))
        if token is None:
            raise errors.NotFound("Could not find token.")
        shown = self.tokens.render(token, "nocatalog" not in request.query)
        return 200, shown, _subject(subject)

    def revoke(self, request: wsgi.Request) -> wsgi.Result:
        """End the subject token."""
        if not self.tokens.revoke(self._subject(request, "revoke_token")):
            raise errors.NotFound("Could not find token.")

    def show_catalog(self, request: wsgi.Request) -> wsgi.Result:
        """The catalog of the token's scope."""
        rows = self.catalog.render(request.project_id)
        return resources.collection(request, "catalog", rows)

    def my_projects(self, request: wsgi.Request) -> wsgi.Result:
        """The projects the caller can scope to."""
        return self._projects(request, request.user_id)

    def my_domains(self, request: wsgi.Request) -> wsgi.Result:
        """The domains the caller can scope to."""
        rows = [
            domain
            for domain in self.store.table("domains").list()
            if self.assignments.on_domain(request.user_id, domain["id"])
        ]
        return resources.collection(request, "domains", rows)

    def my_systems(self, request: wsgi.Request) -> wsgi.Result:
        """Nobody has roles on the system here."""
        return resources.collection(request, "system", [])

    def user_projects(
        self, request: wsgi.Request, user_id: str
    ) -> wsgi.Result:
        """The projects of a user: one's own, or to an admin."""
        if request.user_id != user_id and not request.is_admin:
            raise errors.Forbidden(
                "You are not authorized to perform the requested action: "
                "identity:list_user_projects."
            )
        return self._projects(request, user_id)

    def user_groups(self, request: wsgi.Request, user_id: str) -> wsgi.Result:
        """There are no groups here."""
        return resources.collection(request, "groups", [])

    def groups(self, request: wsgi.Request) -> wsgi.Result:
        """There are no groups here."""
        return resources.collection(request, "groups", [])

    def set_password(self, request: wsgi.Request, user_id: str) -> wsgi.Result:
        """Change one's own password, knowing the old one."""
        given = request.body("user")
        users = self.store.table("users")
        user = users.get(user_id)
        old = given.get("original_password", "")
        if user is None or not passwords.matches(old, user["password_hash"]):
            raise errors.Unauthorized(
                "The request you have made requires authentication."
            )
        digest = passwords.hashed(given.get("password", ""))
        users.update(user_id, password_hash=digest)

    def _projects(self, request: wsgi.Request, user_id: str) -> wsgi.Result:
        part = self._kinds.by_table["projects"]
        rows: list[store.Document] = [
            part.view(request, row)
            for row in self.assignments.projects_of(user_id)
            if row["enabled"]
        ]
        return resources.collection(request, "projects", rows)

    def _subject(self, request: wsgi.Request, action: str) -> str:
        subject = request.headers.get("X-Subject-Token", "")
        own = subject == request.caller.token_id
        if not (own or request.is_admin or "service" in request.roles):
            raise errors.Forbidden(
                "You are not authorized to perform the requested action: "
                f"identity:{action}."
            )
        return subject

    def _put_region(self, regions: resources.Resource) -> wsgi.Handler:
        def put_region(request: wsgi.Request, region_id: str) -> wsgi.Result:
            request.json().setdefault("region", {})["id"] = region_id
            return regions.create(request)

        return put_region


def _subject(token_id: str) -> dict[str, str]:
    return {"X-Subject-Token": token_id, "Vary": "X-Auth-Token"}


def _version(request: wsgi.Request) -> dict[str, typing.Any]:
    kind = "application/vnd.openstack.identity-v3+json"
    return {
        "id": "v3.14",
        "status": "stable",
        "updated": "2020-04-07T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.base}/v3/"}],
        "media-types": [{"base": "application/json", "type": kind}],
    }
