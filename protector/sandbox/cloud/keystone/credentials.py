# SPDX-License-Identifier: Apache-2.0
"""Application credentials: a user's own, for one project."""

import collections.abc
import secrets
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.keystone import passwords, resources

_RULE = "/v3/users/<user_id>/application_credentials"


class Credentials:
    """The handlers of application credentials."""

    def __init__(self, cloud: context.Cloud) -> None:
        self._store = cloud.store
        self._table = cloud.store.table("application_credentials")

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield the routes."""
        item = f"{_RULE}/<credential_id>"
        yield "POST", _RULE, self.create, "any"
        yield "GET", _RULE, self.index, "any"
        yield "GET", item, self.show, "any"
        yield "DELETE", item, self.delete, "any"

    def create(self, request: wsgi.Request, user_id: str) -> wsgi.Result:
        """201; only this answer shows the secret."""
        if request.user_id != user_id or not request.project_id:
            raise _forbidden("create_application_credential")
        given = request.body("application_credential")
        if not given.get("name"):
            raise errors.BadRequest("'name' is a required property")
        if self._table.first(user_id=user_id, name=given["name"]):
            raise errors.Conflict(
                "Conflict occurred attempting to store "
                "application_credential - Duplicate entry found with name "
                f"{given['name']}."
            )
        secret = given.get("secret") or secrets.token_urlsafe(64)
        row = self._table.put(
            {
                "id": context.new_hex_id(),
                "name": given["name"],
                "description": given.get("description"),
                "user_id": user_id,
                "project_id": request.project_id,
                "roles": self._roles(request, given.get("roles")),
                "expires_at": given.get("expires_at"),
                "unrestricted": bool(given.get("unrestricted")),
                "secret_hash": passwords.hashed(secret),
            }
        )
        shown = {**_view(row), "secret": secret}
        return 201, {"application_credential": shown}

    def index(self, request: wsgi.Request, user_id: str) -> wsgi.Result:
        """List a user's credentials."""
        _check_own(request, user_id)
        rows = [_view(row) for row in self._table.list(user_id=user_id)]
        return resources.collection(request, "application_credentials", rows)

    def show(
        self, request: wsgi.Request, user_id: str, credential_id: str
    ) -> wsgi.Result:
        """Show one of them."""
        _check_own(request, user_id)
        row = self._find(user_id, credential_id)
        return {"application_credential": _view(row)}

    def delete(
        self, request: wsgi.Request, user_id: str, credential_id: str
    ) -> wsgi.Result:
        """End a credential, and its tokens with it."""
        _check_own(request, user_id)
        self._table.delete(self._find(user_id, credential_id)["id"])

    def _find(self, user_id: str, credential_id: str) -> store.Document:
        row = self._table.get(credential_id)
        if row is None or row["user_id"] != user_id:
            raise errors.NotFound(
                f"Could not find Application Credential: {credential_id}."
            )
        return row

    def _roles(
        self, request: wsgi.Request, asked: list[dict[str, str]] | None
    ) -> list[dict[str, str]]:
        """Return the roles asked for, or all the caller has.

        :raises BadRequest: the caller does not have one of them.
        """
        rows = [
            {"id": row["id"], "name": row["name"]}
            for row in self._store.table("roles").list()
            if row["name"] in request.roles
        ]
        if not asked:
            return rows
        wanted = [
            next(
                (
                    row
                    for row in rows
                    if row["id"] == item.get("id")
                    or row["name"] == item.get("name")
                ),
                None,
            )
            for item in asked
        ]
        if None in wanted:
            raise errors.BadRequest(
                "Invalid application credential: Could not find role "
                "assignment."
            )
        return typing.cast(list[dict[str, str]], wanted)


def _check_own(request: wsgi.Request, user_id: str) -> None:
    if request.user_id != user_id and not request.is_admin:
        raise _forbidden("get_application_credential")


def _view(row: store.Document) -> dict[str, typing.Any]:
    return {k: v for k, v in row.items() if k != "secret_hash"}


def _forbidden(action: str) -> errors.Forbidden:
    return errors.Forbidden(
        "You are not authorized to perform the requested action: "
        f"identity:{action}."
    )
