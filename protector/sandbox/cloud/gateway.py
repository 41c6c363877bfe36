# SPDX-License-Identifier: Apache-2.0
"""Fit cheroot to the application: dropped connections, chunked bodies."""

import socket
import typing

from cheroot import wsgi as cheroot_wsgi

from protector.sandbox.cloud import application

THREADS = 40
KEEP_ALIVE = 60
"""Seconds."""
LOOK_AROUND = 0.1
"""Seconds between cheroot's looks at its idle connections, and at whether
it shall stop."""


class Gateway(cheroot_wsgi.Gateway_10):
    """Adds to the environment what cheroot knows and WSGI does not."""

    def get_environ(self) -> dict[str, typing.Any]:
        """Return the WSGI environment of the request."""
        environ = super().get_environ()
        environ[application.CONNECTION] = self._drop
        if self.req.chunked_read:
            environ["wsgi.input_terminated"] = True
        return environ

    def _drop(self) -> None:
        self.req.close_connection = True
        try:
            self.req.conn.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def make_server(
    address: str, port: int, app: typing.Any, threads: int = THREADS
) -> cheroot_wsgi.Server:
    """Return a server, not bound yet.

    :param port: 0 lets the system choose.
    """
    server = cheroot_wsgi.Server(
        (address, port),
        app,
        numthreads=threads,
        request_queue_size=128,
        timeout=KEEP_ALIVE,
        shutdown_timeout=2,
    )
    server.gateway = Gateway
    server.expiration_interval = LOOK_AROUND
    return server
