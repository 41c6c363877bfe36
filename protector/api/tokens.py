# SPDX-License-Identifier: Apache-2.0
"""Who must show a token, and who checks it."""

from collections.abc import Callable, Iterable
from typing import Any

from keystoneauth1 import exceptions as ksa_errors
from keystonemiddleware import auth_token, opts

from protector import exception

PUBLIC = frozenset({"/", "/v1", "/v1/openapi.json"})

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Tokens:
    """Middleware: keystonemiddleware in front of all but what is public.

    :param conf: with ``[keystone_authtoken]``; ``[api] auth_strategy``
        noauth trusts the identity headers instead.
    """

    def __init__(self, application: Wsgi, conf: Any) -> None:
        self._public = application
        self._checked = application
        if conf.api.auth_strategy == "keystone":
            self._checked = _checked(application, conf)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").rstrip("/") or "/"
        if path in PUBLIC:
            return self._public(environ, start_response)
        try:
            return self._checked(environ, start_response)
        except ksa_errors.ClientException as e:
            raise exception.ServiceUnavailable(
                "The token cannot be checked: Keystone does not answer."
            ) from e


def _checked(application: Wsgi, conf: Any) -> Wsgi:
    for group, options in opts.list_auth_token_opts():
        conf.register_opts(options, group=group)
    settings: dict[str, Any] = {"oslo_config_config": conf}
    if not conf.keystone_authtoken.www_authenticate_uri:
        # else each refusal asks Keystone for its own address
        settings["www_authenticate_uri"] = conf.service_auth.auth_url
    return auth_token.AuthProtocol(application, settings)
