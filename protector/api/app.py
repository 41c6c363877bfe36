# SPDX-License-Identifier: Apache-2.0
"""The WSGI application: pecan's tree inside the middleware, in order."""

from collections.abc import Callable, Iterable
import functools
from typing import Any

from oslo_middleware import (
    cors,
    healthcheck,
    http_proxy_to_wsgi,
    request_id,
)
import pecan
from pecan import compat, util

from protector import runtime
from protector.api import (
    errors,
    hooks,
    intake,
    microversion,
    requestlog,
    routes,
    settling,
    tokens,
)
from protector.api.controllers import root

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Application:
    """One API over one runtime; several may live in a process."""

    def __init__(self, built: runtime.Runtime) -> None:
        self.settling = settling.Settling(built)
        self._wsgi = make_app(built, self.settling)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return self._wsgi(environ, start_response)

    def stop(self) -> None:
        """Let requests that wait for a change be answered at once."""
        self.settling.stop()


def make_app(built: runtime.Runtime, waits: settling.Settling) -> Wsgi:
    """What a request passes is read from the bottom to the top."""
    conf = built.conf
    app: Wsgi = _Forgetful(_pecan(built, waits))
    app = intake.Intake(
        app, conf.api.max_body_bytes, conf.api.max_document_bytes
    )
    app = tokens.Tokens(app, conf)
    app = _Healthcheck(app, conf)
    app = errors.ForeignErrors(app)
    app = microversion.Negotiation(app)
    app = http_proxy_to_wsgi.HTTPProxyToWSGI(app, conf)
    app = cors.CORS(app, conf)
    app = requestlog.RequestLog(app, built.clock)
    return request_id.RequestId(app, conf)


class _Forgetful:
    """Middleware: lets go of each request when it is answered.

    pecan 1.8 has one AttributeError per proxy for the whole process and
    raises it inside each request that it serves without context-locals: its
    traceback grows for ever and keeps every frame, and so every request.
    """

    def __init__(self, application: Wsgi) -> None:
        self._application = application

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            return self._application(environ, start_response)
        finally:
            for proxy in (pecan.request, pecan.response):
                type(proxy).explanation_.__traceback__ = None


class _Healthcheck:
    """Middleware: oslo's health check under its path, without a token."""

    PATH = "/healthcheck"

    def __init__(self, application: Wsgi, conf: Any) -> None:
        self._application = application
        self._check: Wsgi = healthcheck.Healthcheck(None, conf)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "").rstrip("/") == self.PATH
        chosen = self._check if asked else self._application
        return chosen(environ, start_response)


@functools.cache
def _signature(function: Callable[..., Any]) -> Any:
    return compat.getargspec(function)


def _remember_signatures() -> None:
    """pecan 1.8 asks for the signature of each method that a request passes,
    and makes a class to answer that: a quarter of what a request cost."""
    util._getargspec = lambda method: _signature(
        getattr(method, "__func__", method)
    )


def _pecan(built: runtime.Runtime, waits: settling.Settling) -> Wsgi:
    _remember_signatures()
    tree = root.RootController()
    table = routes.Table(routes.walk(tree))
    return pecan.make_app(
        tree,
        debug=False,
        # two applications in one process must not share thread-locals
        use_context_locals=False,
        force_canonical=False,
        guess_content_type_from_ext=False,
        default_renderer="json",
        hooks=[
            hooks.RuntimeHook(built, waits),
            hooks.RouteHook(table),
            hooks.ErrorHook(),
        ],
    )
