# SPDX-License-Identifier: Apache-2.0
"""Read an authentication request: who is it, and for which scope.

Every refusal is the same 401: it does not tell what was wrong.
"""

import typing

from protector.sandbox.cloud import errors, store
from protector.sandbox.cloud.keystone import assignments, passwords, tokens

_REFUSED = "The request you have made requires authentication."
_NO_SCOPE = "Application credentials cannot request a scope."


class Authenticator:
    """Turns ``{"auth": ...}`` into a token."""

    def __init__(
        self,
        storage: store.Store,
        roles: assignments.Assignments,
        issuer: tokens.Tokens,
    ) -> None:
        self._store = storage
        self._assignments = roles
        self._tokens = issuer

    def authenticate(self, body: dict[str, typing.Any]) -> store.Document:
        """Return a new token.

        :raises Unauthorized: for whatever reason.
        :raises BadRequest: the body has not the right shape.
        """
        try:
            identity = body["auth"]["identity"]
            methods = list(identity["methods"])
            scope = body["auth"].get("scope")
        except (KeyError, TypeError, AttributeError):
            raise errors.BadRequest(
                "Expecting to find auth in request body."
            ) from None
        if methods == ["application_credential"]:
            return self._by_credential(identity, scope)
        if methods == ["token"]:
            return self._by_token(identity, scope)
        if methods == ["password"]:
            user = self._by_password(identity)
            return self._issue(user, methods, scope)
        raise errors.Unauthorized(_REFUSED)

    def _by_password(self, identity: dict[str, typing.Any]) -> store.Document:
        given = identity.get("password", {}).get("user", {})
        user = self._user(given)
        if not passwords.matches(
            given.get("password", ""), (user or {}).get("password_hash")
        ):
            raise errors.Unauthorized(_REFUSED)
        return typing.cast(store.Document, user)

    def _by_token(
        self, identity: dict[str, typing.Any], scope: typing.Any
    ) -> store.Document:
        old = self._tokens.find(identity.get("token", {}).get("id", ""))
        if old is None:
            raise errors.Unauthorized(_REFUSED)
        if old["application_credential"]:
            raise errors.Unauthorized(_NO_SCOPE)
        user = self._store.table("users").get(old["user_id"])
        methods = [*old["methods"], "token"]
        return self._issue(
            typing.cast(store.Document, user),
            methods,
            scope,
            old["expires_at"],
        )

    def _by_credential(
        self, identity: dict[str, typing.Any], scope: typing.Any
    ) -> store.Document:
        if scope is not None:
            raise errors.Unauthorized(_NO_SCOPE)
        given = identity.get("application_credential", {})
        credential = self._credential(given)
        if credential is None or not passwords.matches(
            given.get("secret", ""), credential["secret_hash"]
        ):
            raise errors.Unauthorized(_REFUSED)
        token = self._tokens.issue(
            credential["user_id"],
            ["application_credential"],
            {"project_id": credential["project_id"]},
            application_credential=credential["id"],
        )
        if not self._tokens.find(token["id"]):
            raise errors.Unauthorized(_REFUSED)
        return token

    def _credential(
        self, given: dict[str, typing.Any]
    ) -> store.Document | None:
        table = self._store.table("application_credentials")
        if given.get("id"):
            return table.get(given["id"])
        user = self._user(given.get("user", {}))
        if user is None:
            return None
        return table.first(user_id=user["id"], name=given.get("name"))

    def _issue(
        self,
        user: store.Document,
        methods: list[str],
        scope: typing.Any,
        expires: str | None = None,
    ) -> store.Document:
        target = self._scope(user, scope)
        roles: list[str] | None = None
        if "project_id" in target:
            roles = self._assignments.on_project(
                user["id"], target["project_id"]
            )
        elif "domain_id" in target:
            roles = self._assignments.on_domain(
                user["id"], target["domain_id"]
            )
        if roles == []:
            raise errors.Unauthorized(_REFUSED)
        return self._tokens.issue(user["id"], methods, target, expires)

    def _scope(
        self, user: store.Document, scope: typing.Any
    ) -> dict[str, str]:
        if scope is None:
            default = user.get("default_project_id")
            if default and self._assignments.on_project(user["id"], default):
                return {"project_id": default}
            return {}
        if scope == "unscoped" or "unscoped" in scope:
            return {}
        if "project" in scope:
            return {"project_id": self._project(scope["project"])["id"]}
        if "domain" in scope:
            return {"domain_id": self._domain(scope["domain"])["id"]}
        raise errors.Unauthorized(_REFUSED)

    def _user(self, given: dict[str, typing.Any]) -> store.Document | None:
        users = self._store.table("users")
        if given.get("id"):
            user = users.get(given["id"])
        else:
            domain = self._domain(given.get("domain", {}))
            user = users.first(name=given.get("name"), domain_id=domain["id"])
        return user if user and user["enabled"] else None

    def _domain(self, given: dict[str, typing.Any]) -> store.Document:
        table = self._store.table("domains")
        if given.get("id"):
            domain = table.get(given["id"])
        else:
            domain = table.first(name=given.get("name"))
        if domain is None or not domain["enabled"]:
            raise errors.Unauthorized(_REFUSED)
        return domain

    def _project(self, given: dict[str, typing.Any]) -> store.Document:
        table = self._store.table("projects")
        if given.get("id"):
            project = table.get(given["id"])
        else:
            domain = self._domain(given.get("domain", {}))
            project = table.first(
                name=given.get("name"), domain_id=domain["id"]
            )
        if project is None or not project["enabled"]:
            raise errors.Unauthorized(_REFUSED)
        self._domain({"id": project["domain_id"]})
        return project
