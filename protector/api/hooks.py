# SPDX-License-Identifier: Apache-2.0
"""Pecan's hooks: the runtime into each request, the route before pecan
looks, and every exception into an answer."""

from typing import Any

from pecan import hooks
import webob

from protector import runtime
from protector.api import errors, expose, routes, settling


class RuntimeHook(hooks.PecanHook):
    """Hands the runtime of this application to the handlers."""

    def __init__(
        self, built: runtime.Runtime, waits: settling.Settling
    ) -> None:
        self._runtime = built
        self._settling = waits

    def on_route(self, state: Any) -> None:
        environ = state.request.environ
        environ[expose.RUNTIME] = self._runtime
        environ[expose.SETTLING] = self._settling


class RouteHook(hooks.PecanHook):
    """404 and 405 as HTTP means them."""

    def __init__(self, table: routes.Table) -> None:
        self._table = table

    def on_route(self, state: Any) -> None:
        request = state.request
        self._table.check(request.method, request.environ["PATH_INFO"])


class ErrorHook(hooks.PecanHook):
    """The only way an exception of a handler becomes an answer."""

    def on_error(self, state: Any, error: Exception) -> webob.Response:
        return errors.response(errors.translate(error), state.request.environ)
