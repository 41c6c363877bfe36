# SPDX-License-Identifier: Apache-2.0
"""Who must show a token, and who checks it."""

from collections.abc import Callable, Iterable
from typing import Any

from keystonemiddleware import auth_token

PUBLIC = frozenset({"/", "/v1"})

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Tokens:
    """Middleware: keystonemiddleware in front of all but the versions.

    :param conf: with ``[keystone_authtoken]``; ``[api] auth_strategy``
        noauth trusts the identity headers instead.
    """

    def __init__(self, application: Wsgi, conf: Any) -> None:
        self._public = application
        self._checked = application
        if conf.api.auth_strategy == "keystone":
            self._checked = auth_token.AuthProtocol(
                application, {"oslo_config_config": conf}
            )

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").rstrip("/") or "/"
        chosen = self._public if path in PUBLIC else self._checked
        return chosen(environ, start_response)
