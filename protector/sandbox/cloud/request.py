# SPDX-License-Identifier: Apache-2.0
"""One call as a handler sees it: who asks, for what, in which version."""

import dataclasses
import json
import typing

from werkzeug import datastructures
from werkzeug.wrappers import request as werkzeug_request

from protector.sandbox.cloud import errors, microversions

MAX_JSON_BYTES = 114688
"""oslo.middleware's ``max_request_body_size``."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a valid token says.

    Exactly one of project_id and domain_id is set, or none (unscoped).
    ``roles`` are names, the implied ones included.
    """

    token_id: str
    user_id: str
    user_name: str
    user_domain_id: str
    project_id: str | None = None
    project_name: str | None = None
    project_domain_id: str | None = None
    domain_id: str | None = None
    roles: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<Identity user={self.user_id} project={self.project_id}>"


class Request:
    """The request, read.

    ``method``, ``path`` (below the service's prefix), ``url`` (without
    the query), ``base`` (the service's own address, for links), ``query``
    (a MultiDict), ``headers``, ``version`` (major, minor), ``identity``
    and ``service_identity`` (from X-Service-Token) and ``request_id``.
    """

    def __init__(
        self, http: werkzeug_request.Request, prefix: str, request_id: str
    ) -> None:
        self.http = http
        self.method = http.method
        self.path = http.path[len(prefix) :] or "/"
        self.base = http.host_url.rstrip("/") + prefix
        self.url = http.base_url
        self.request_id = request_id
        self.version: microversions.Version = (0, 0)
        self.identity: Identity | None = None
        self.service_identity: Identity | None = None
        self._json: typing.Any = None

    @property
    def query(self) -> datastructures.MultiDict[str, str]:
        """The query string's parameters."""
        return self.http.args

    @property
    def headers(self) -> datastructures.EnvironHeaders:
        """The headers, case-insensitive."""
        return self.http.headers

    @property
    def stream(self) -> typing.IO[bytes]:
        """The body, unread (image data)."""
        return self.http.stream

    @property
    def caller(self) -> Identity:
        """The identity; only for routes whose policy is not ``public``."""
        if self.identity is None:
            raise errors.Unauthorized()
        return self.identity

    @property
    def user_id(self) -> str:
        """Who asks."""
        return self.caller.user_id

    @property
    def project_id(self) -> str | None:
        """The project the token is scoped to."""
        return self.caller.project_id

    @property
    def domain_id(self) -> str | None:
        """The domain the token is scoped to."""
        return self.caller.domain_id

    @property
    def roles(self) -> frozenset[str]:
        """Role names, the implied ones included."""
        return self.caller.roles

    @property
    def is_admin(self) -> bool:
        """Whether the caller has the role admin, in whatever scope."""
        return self.identity is not None and "admin" in self.identity.roles

    @property
    def is_service(self) -> bool:
        """Whether a valid X-Service-Token with role service came along."""
        other = self.service_identity
        return other is not None and "service" in other.roles

    def json(self) -> dict[str, typing.Any]:
        """Return the body, an object; empty when there is none.

        :raises OverLimit: larger than 112 KiB.
        :raises UnsupportedMediaType: it is not JSON by its header.
        :raises BadRequest: it is not JSON, or not an object.
        """
        if self._json is None:
            self._json = self._read_json()
        return self._json

    def body(self, key: str) -> dict[str, typing.Any]:
        """Return the object under ``key`` in the body.

        :raises BadRequest: it is missing or not an object.
        """
        value = self.json().get(key)
        if not isinstance(value, dict):
            raise errors.BadRequest(
                f"Invalid input received: '{key}' is a required property"
            )
        return value

    def _read_json(self) -> dict[str, typing.Any]:
        if (self.http.content_length or 0) > MAX_JSON_BYTES:
            raise errors.OverLimit("Request is too large.")
        raw = self.http.get_data()
        if not raw:
            return {}
        if not self.http.is_json:
            raise errors.UnsupportedMediaType(
                f"Unsupported Content-Type {self.http.mimetype}"
            )
        try:
            value = json.loads(raw)
        except ValueError:
            raise errors.BadRequest(
                "Malformed request body: cannot understand JSON"
            ) from None
        if not isinstance(value, dict):
            raise errors.BadRequest("Malformed request body")
        return value
