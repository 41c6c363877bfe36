# SPDX-License-Identifier: Apache-2.0
"""``conn.protector``: the Protector API as methods.

It is put together from one mixin per area. Here: how requests are made.
"""

from __future__ import annotations

from typing import Any, ClassVar

from openstack import proxy
import requests

from protectorclient import errors
from protectorclient.v1 import _proxy_groups, _proxy_operations, _proxy_sites

#: The microversion this client was written for.
MICROVERSION = "1.2"
#: Seconds to connect, seconds to wait for bytes. The server itself waits up
#: to 20 s for short changes.
TIMEOUT = (10.0, 90.0)
_SECRETS = frozenset(
    {"password", "primary_fa_api_token", "secondary_fa_api_token"}
)


class Proxy(
    _proxy_sites.SitesMixin,
    _proxy_groups.GroupsMixin,
    _proxy_operations.OperationsMixin,
    proxy.Proxy,
):
    """The Protector service, version 1.

    Error answers are raised by every request, with the server's reason and
    message (:class:`protectorclient.errors.ProtectorHttpException`).
    """

    #: The catalogue holds the unversioned root, and the base paths start at
    #: ``/v1``: there is nothing to discover.
    skip_discovery = True
    api_version: ClassVar[str] = "1"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # "1" in the configuration means the major version, no pin
        self.version = None
        self.min_version = None
        self.max_version = None
        if not self.default_microversion:
            self.default_microversion = MICROVERSION

    def request(  # type: ignore[override]
        self,
        url: str,
        method: str,
        error_message: str | None = None,
        raise_exc: bool = False,
        **kwargs: Any,
    ) -> requests.Response:
        """Make a request.

        :param url: relative to the root, hence beginning with ``/v1``
        :param method: HTTP method
        :param error_message: ignored, the server's own is better
        :param raise_exc: let keystoneauth raise its exceptions instead
        :raises errors.ProtectorHttpException: for an error answer
        """
        kwargs.setdefault("timeout", TIMEOUT)
        if _has_secret(kwargs.get("json")):
            # keystoneauth writes bodies into the debug log
            kwargs["log"] = False
        response = super().request(url, method, raise_exc=raise_exc, **kwargs)
        errors.raise_from_response(response)
        return response

    def versions(self) -> list[dict[str, Any]]:
        """The versions the server has (``GET /``)."""
        body = self.get("/", authenticated=False).json()
        return list(body["versions"])


def _has_secret(body: Any) -> bool:
    """Whether an enveloped body has a field that must not be logged."""
    inner = body.values() if isinstance(body, dict) else []
    return any(
        not _SECRETS.isdisjoint(part)
        for part in inner
        if isinstance(part, dict)
    )
