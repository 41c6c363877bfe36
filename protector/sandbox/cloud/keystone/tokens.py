# SPDX-License-Identifier: Apache-2.0
"""Make tokens, and say what they are worth at this moment.

The roles are worked out at every look, as Keystone does with Fernet
tokens: a role that is taken away is gone from the tokens too.
"""

import datetime
import secrets
import typing

from protector.sandbox.cloud import clock, request, settings, store
from protector.sandbox.cloud.keystone import assignments, catalog

_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Tokens:
    """Issues, resolves, renders and revokes tokens."""

    def __init__(
        self,
        storage: store.Store,
        options: settings.Settings,
        time: clock.Clock,
        roles: assignments.Assignments,
        endpoints: catalog.Catalog,
    ) -> None:
        self._store = storage
        self._settings = options
        self._clock = time
        self._assignments = roles
        self._catalog = endpoints
        self._tokens = storage.table("tokens")

    def issue(
        self,
        user_id: str,
        methods: list[str],
        scope: dict[str, str],
        expires: str | None = None,
        application_credential: str | None = None,
    ) -> store.Document:
        """Make a token.

        :param scope: ``{"project_id": ..}``, ``{"domain_id": ..}`` or {}.
        :param expires: of the token this one was made from.
        """
        now = self._clock.now()
        life = datetime.timedelta(seconds=self._settings.get("token_seconds"))
        self._sweep(now)
        return self._tokens.put(
            {
                "id": "gAAAAA" + secrets.token_urlsafe(130),
                "user_id": user_id,
                "methods": sorted(set(methods)),
                "issued_at": now.strftime(_TIME),
                "expires_at": expires or (now + life).strftime(_TIME),
                "audit_ids": [secrets.token_urlsafe(16)],
                "application_credential": application_credential,
                "project_id": scope.get("project_id"),
                "domain_id": scope.get("domain_id"),
            }
        )

    def find(
        self, token_id: str, allow_expired: bool = False
    ) -> store.Document | None:
        """Return a token that is still good, or None."""
        token = self._tokens.get(token_id)
        if token is None or not self._user(token):
            return None
        if self._expired(token) and not allow_expired:
            return None
        if self._scope(token) and not self.role_ids(token):
            return None
        return token

    def revoke(self, token_id: str) -> bool:
        """End a token; tell whether it was there."""
        return self._tokens.delete(token_id)

    def role_ids(self, token: store.Document) -> list[str]:
        """Return the roles of a token now."""
        user_id = token["user_id"]
        if token["project_id"]:
            found = self._assignments.on_project(user_id, token["project_id"])
        elif token["domain_id"]:
            found = self._assignments.on_domain(user_id, token["domain_id"])
        else:
            return []
        key = token["application_credential"]
        if key is None:
            return found
        credential = self._store.table("application_credentials").get(key)
        if credential is None:
            return []
        held = {role["id"] for role in credential["roles"]}
        return self._assignments.expand(r for r in found if r in held)

    def resolve(self, token_id: str) -> request.Identity | None:
        """Return what a good token says, None of any other."""
        token = self.find(token_id)
        if token is None:
            return None
        user = self._user(token) or {}
        project = self._project(token) or {}
        roles = self._store.table("roles")
        names = [roles.get(key) for key in self.role_ids(token)]
        return request.Identity(
            token_id=token_id,
            user_id=token["user_id"],
            user_name=user["name"],
            user_domain_id=user["domain_id"],
            project_id=token["project_id"],
            project_name=project.get("name"),
            project_domain_id=project.get("domain_id"),
            domain_id=token["domain_id"],
            roles=frozenset(row["name"] for row in names if row),
        )

    def render(
        self, token: store.Document, with_catalog: bool = True
    ) -> dict[str, typing.Any]:
        """Return the body ``{"token": {...}}``, without the id."""
        user = self._user(token) or {}
        body = {
            "methods": token["methods"],
            "user": {
                "id": user["id"],
                "name": user["name"],
                "domain": self._domain(user["domain_id"]),
                "password_expires_at": None,
            },
            "audit_ids": token["audit_ids"],
            "issued_at": token["issued_at"],
            "expires_at": token["expires_at"],
        }
        body.update(self._scope_body(token))
        if self._scope(token):
            roles = self._store.table("roles")
            body["roles"] = [
                {"id": key, "name": (roles.get(key) or {})["name"]}
                for key in self.role_ids(token)
            ]
            if with_catalog:
                body["catalog"] = self._catalog.render(token["project_id"])
        return {"token": body}

    def _scope_body(self, token: store.Document) -> dict[str, typing.Any]:
        project = self._project(token)
        if project is not None:
            return {
                "is_domain": False,
                "project": {
                    "id": project["id"],
                    "name": project["name"],
                    "domain": self._domain(project["domain_id"]),
                },
            }
        if token["domain_id"]:
            return {"domain": self._domain(token["domain_id"])}
        return {}

    def _scope(self, token: store.Document) -> str | None:
        return token["project_id"] or token["domain_id"]

    def _user(self, token: store.Document) -> store.Document | None:
        user = self._store.table("users").get(token["user_id"])
        return user if user and user["enabled"] else None

    def _project(self, token: store.Document) -> store.Document | None:
        if not token["project_id"]:
            return None
        return self._store.table("projects").get(token["project_id"])

    def _domain(self, domain_id: str) -> dict[str, str]:
        domain = self._store.table("domains").get(domain_id) or {}
        return {"id": domain_id, "name": domain.get("name", domain_id)}

    def _expired(self, token: store.Document) -> bool:
        return token["expires_at"] <= self._clock.now().strftime(_TIME)

    def _sweep(self, now: datetime.datetime) -> None:
        """Forget tokens that have been useless for two days."""
        limit = (now - datetime.timedelta(days=2)).strftime(_TIME)
        for row in self._tokens.list(lambda row: row["expires_at"] < limit):
            self._tokens.delete(row["id"])
