# SPDX-License-Identifier: Apache-2.0
"""Serves one array over HTTPS: dispatch, planted faults, latency."""

from collections.abc import Callable, Iterable
import contextlib
from dataclasses import dataclass
import logging
import pathlib
import socket
from typing import Any

from cheroot import wsgi
from cheroot.ssl.builtin import BuiltinSSLAdapter
from werkzeug.wrappers import Request, Response

from protector.sandbox.array import (
    errors,
    rest1,
    rest1_arrays,
    rest1_hosts,
    rest1_pgroups,
    rest1_pods,
    rest1_volumes,
    rest2,
    rest2_arrays,
    rest2_hosts,
    rest2_pgroups,
    rest2_pgsnaps,
    rest2_pods,
    rest2_system,
    rest2_tags,
    rest2_volumes,
    tls,
)
from protector.sandbox.array.control import Control
from protector.sandbox.array.faults import Fault
from protector.sandbox.array.flasharray import Array
from protector.sandbox.array.replication import Replication
from protector.sandbox.array.sessions import Sessions

LOG = logging.getLogger(__name__)

# changes of a pod wait for each other, and the other array must be heard
_THREADS = 100
_LARGEST = 1024**3
_CONNECTION = "protector.connection"
_VERSIONS = "/api/api_version"
GENERATIONS = {"1": rest1.VERSIONS, "2": rest2.VERSIONS}
ROUTES1 = [
    *rest1_arrays.ROUTES,
    *rest1_volumes.ROUTES,
    *rest1_hosts.ROUTES,
    *rest1_pgroups.ROUTES,
    *rest1_pods.ROUTES,
]
ROUTES2 = [
    *rest2_arrays.ROUTES,
    *rest2_volumes.ROUTES,
    *rest2_hosts.ROUTES,
    *rest2_pgroups.ROUTES,
    *rest2_pgsnaps.ROUTES,
    *rest2_pods.ROUTES,
    *rest2_system.ROUTES,
    *rest2_tags.ROUTES,
]


@dataclass(frozen=True)
class Settings:
    """How to start an array.

    ``rest``: the generations of REST that it speaks, "1" and "2".
    """

    name: str
    address: str
    port: int
    state: pathlib.Path
    api_token: str
    credentials: tuple[str, str] = ("pureuser", "pureuser")
    rest: tuple[str, ...] = ("1", "2")


class Dispatcher:
    """The WSGI application: REST, replication and control."""

    def __init__(self, array: Array, settings: Settings) -> None:
        self._array = array
        sessions = Sessions(settings.api_token, settings.credentials)
        self._generations = settings.rest
        self._rest1 = rest1.Rest1(array, sessions, ROUTES1)
        self._rest2 = rest2.Rest2(array, sessions, ROUTES2)
        self._replication = Replication(array)
        self._control = Control(array)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except Exception:
            LOG.exception("%s %s", request.method, request.path)
            response = Response("Internal error.", 500)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/control/"):
            return self._control.answer(request)
        if request.path.startswith("/replication/"):
            return self._replication.answer(request)
        if not request.path.startswith("/api/"):
            return rest1.refusal(errors.NotFound("No such resource."))
        self._wait(self._array.core.tuning.knobs.latency_ms / 1000)
        fault = self._array.faults.take(request.method, rest2.target(request))
        if fault is not None and not fault.after:
            response = self._fail(request, fault)
            if response is not None:
                return response
        response = self._speak(request)
        if fault is not None and fault.after:
            return self._fail(request, fault) or response
        return response

    def _speak(self, request: Request) -> Response:
        """Answer in the generation of REST that the path names."""
        if request.path == _VERSIONS:
            offered = [v for g in self._generations for v in GENERATIONS[g]]
            return rest1.reply({"version": offered})
        generation = request.path.removeprefix("/api/")[:1]
        if generation not in self._generations:
            return rest1.refusal(
                errors.VersionNotServed("The REST version is not supported.")
            )
        wire = self._rest2 if generation == "2" else self._rest1
        return wire.answer(request)

    def _fail(self, request: Request, fault: Fault) -> Response | None:
        """Carry out a fault; None means to go on as usual."""
        if fault.delay:
            self._wait(fault.delay)
        if fault.hang is not None:
            self._wait(fault.hang)
        if fault.drop or fault.hang is not None:
            return _drop(request)
        if fault.status is not None:
            error = errors.ArrayError("A planted fault.")
            error.status = fault.status
            wire = rest2 if request.path.startswith("/api/2.") else rest1
            return wire.refusal(error)
        return None

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._array.core.stopping.wait(seconds)


def _drop(request: Request) -> Response:
    """End the connection without an answer."""
    connection = request.environ.get(_CONNECTION)
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500, headers={"Connection": "close"})


class Gateway(wsgi.Gateway_10):
    """Hands the application its connection, for faults that drop it."""

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment."""
        environ = super().get_environ()
        environ[_CONNECTION] = self.req.conn.socket
        return environ


class ArrayServer:
    """One array and the HTTPS server in front of it."""

    def __init__(self, settings: Settings) -> None:
        settings.state.mkdir(parents=True, exist_ok=True)
        tls.ensure(settings.state, settings.name, settings.address)
        self.url = f"https://{settings.address}:{settings.port}"
        self.array = Array(
            settings.name,
            settings.state,
            self.url,
            (settings.state / tls.CA).read_text(),
        )
        self._server = wsgi.Server(
            (settings.address, settings.port),
            Dispatcher(self.array, settings),
            numthreads=_THREADS,
            request_queue_size=128,
        )
        self._server.gateway = Gateway
        self._server.max_request_body_size = _LARGEST
        self._server.ssl_adapter = BuiltinSSLAdapter(
            str(settings.state / tls.CERTIFICATE),
            str(settings.state / tls.KEY),
        )

    def prepare(self) -> None:
        """Bind the port and start the array's threads."""
        self._server.prepare()
        self.array.start()

    def serve(self) -> None:
        """Serve until ``stop``."""
        self._server.serve()

    def stop(self) -> None:
        """End the server and the array."""
        self.array.core.stop()
        self._server.stop()
        self.array.stop()
