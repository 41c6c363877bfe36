# SPDX-License-Identifier: Apache-2.0
"""``/os-keypairs``: keys belong to users, not to projects.

Source: nova/api/openstack/compute/keypairs.py 34.0.0.
"""

import base64
import collections.abc
import hashlib
import typing

from cryptography import exceptions
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from protector.sandbox.cloud import context, errors, pagination, store, wsgi
from protector.sandbox.cloud.nova import quotas, refusals
from protector.sandbox.cloud.nova import state as states


class Keypairs:
    """The key pairs API."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top, one = "/os-keypairs", "/os-keypairs/<path:name>"
        return [
            ("GET", top, self.index, "any"),
            ("POST", top, self.create, "any"),
            ("GET", one, self.show, "any"),
            ("DELETE", one, self.delete, "any"),
        ]

    def find(self, user_id: str, name: str) -> store.Document | None:
        """Return a user's key pair, or None."""
        return self._state.keypairs.first(user_id=user_id, name=name)

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List the user's key pairs."""
        user = self._user(request, request.query.get("user_id"), "index")
        rows = self._state.keypairs.list(user_id=user)
        rows.sort(key=lambda row: row["name"])
        answer = pagination.paginate(
            request, rows, "keypairs", marker_key="name"
        )
        keys = ("name", "public_key", "fingerprint", "type")
        answer["keypairs"] = [
            {"keypair": {key: row[key] for key in keys}}
            for row in answer["keypairs"]
        ]
        return answer

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Import or make a key pair."""
        body = request.body("keypair")
        name = str(body.get("name", "")).strip()
        if not name:
            raise refusals.invalid_field("name", name, "'' is too short")
        user = self._user(request, body.get("user_id"), "create")
        public, private = body.get("public_key"), None
        if public is None:
            if request.version >= (2, 92):
                raise refusals.invalid_field(
                    "keypair", body, "'public_key' is a required property"
                )
            public, private = new_keys()
        with self._state.lock:
            if self.find(user, name):
                raise errors.Conflict(f"Key pair '{name}' already exists.")
            self._quotas.check_keypairs(user, request.project_id or "")
            row = new_keypair(user, name, public, self._state.now())
            row["type"] = body.get("type", "ssh")
            self._state.keypairs.put(row)
        keys = ["name", "public_key", "fingerprint", "user_id"]
        if request.version >= (2, 2):
            keys.append("type")
        view = {key: row[key] for key in keys}
        if private is not None:
            view["private_key"] = private
        status = 201 if request.version >= (2, 2) else 200
        return status, {"keypair": view}

    def show(self, request: wsgi.Request, name: str) -> wsgi.Result:
        """Show a key pair."""
        user = self._user(request, request.query.get("user_id"), "show")
        row = self._required(user, name)
        view = {**row, "id": 1, "deleted": False, "deleted_at": None}
        view["updated_at"] = None
        if request.version < (2, 2):
            del view["type"]
        return {"keypair": view}

    def delete(self, request: wsgi.Request, name: str) -> wsgi.Result:
        """Delete a key pair; guests keep the key."""
        user = self._user(request, request.query.get("user_id"), "delete")
        self._state.keypairs.delete(self._required(user, name)["id"])
        return (204 if request.version >= (2, 2) else 202), None

    def _required(self, user_id: str, name: str) -> store.Document:
        row = self.find(user_id, name)
        if row is None:
            raise errors.NotFound(
                f"Keypair {name} not found for user {user_id}"
            )
        return row

    def _user(
        self, request: wsgi.Request, asked: str | None, action: str
    ) -> str:
        if not asked or request.version < (2, 10):
            return request.user_id
        if asked != request.user_id and not request.is_admin:
            raise refusals.forbidden(f"os-keypairs:{action}")
        return asked


def new_keypair(
    user_id: str, name: str, public_key: str, now: str
) -> store.Document:
    """Return a key pair's row.

    :raises BadRequest: it is not a public key.
    """
    return {
        "id": context.new_id(),
        "user_id": user_id,
        "name": name,
        "public_key": public_key,
        "fingerprint": fingerprint(public_key),
        "type": "ssh",
        "created_at": now,
    }


def new_keys() -> tuple[str, str]:
    """Return a new public and private key, as OpenSSH writes them."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return f"{public.decode()} Generated-by-Nova", private.decode()


def fingerprint(public_key: str) -> str:
    """Return the MD5 fingerprint that Nova shows.

    :raises BadRequest: it is not a public key.
    """
    try:
        serialization.load_ssh_public_key(public_key.encode())
        raw = base64.b64decode(public_key.split()[1])
    except (ValueError, exceptions.UnsupportedAlgorithm):
        raise errors.BadRequest(
            "Keypair data is invalid: failed to generate fingerprint"
        ) from None
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))
