# SPDX-License-Identifier: Apache-2.0
"""protector-api: serves the API with threads, over TLS if so configured.

``serve`` starts it inside a process that has other things to do.
"""

from collections.abc import Sequence
import json
import signal
import sys
import threading
from typing import Any

from cheroot import server as cheroot_server
from cheroot import wsgi
from cheroot.ssl import builtin
from oslo_context import context
from oslo_log import log as logging

from protector import runtime, service
from protector.api import app

LOG = logging.getLogger(__name__)

# seconds in which a client must send what it began
READ_TIMEOUT = 60
# seconds that running requests get at the end
GRACE = 30
BACKLOG = 256
# bytes of a request's line and headers; tokens are the largest of these
MAX_HEADER = 64 << 10


class _Request(cheroot_server.HTTPRequest):
    """Answers what never reaches the application in the API's own form."""

    def simple_response(self, status: Any, msg: str = "") -> None:
        code, _, title = str(status).partition(" ")
        if not code.isdigit() or int(code) < 400:
            super().simple_response(status, msg)
            return
        request_id = context.generate_request_id()
        error = {
            "code": int(code),
            "title": title,
            "message": msg or f"{title}.",
            "reason": "BadRequest",
            "details": {},
            "request_id": request_id,
        }
        body = json.dumps({"error": error}).encode()
        self.close_connection = True
        head = (
            f"{self.server.protocol} {status}\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Content-Type: application/json\r\n"
            f"X-Openstack-Request-Id: {request_id}\r\n"
            "Connection: close\r\n\r\n"
        )
        try:
            self.conn.wfile.write(head.encode("latin-1") + body)
        except OSError as e:
            LOG.debug("The client went away: %s", e)


class _Connection(cheroot_server.HTTPConnection):
    RequestHandlerClass = _Request


class _Server(wsgi.Server):
    ConnectionClass = _Connection

    def error_log(
        self, msg: str = "", level: int = 20, traceback: bool = False
    ) -> None:
        LOG.log(level, "%s", msg, exc_info=traceback)


class ApiServer:
    """A running API; ``address`` is where it listens."""

    def __init__(self, built: runtime.Runtime) -> None:
        self._app = app.Application(built)
        self._notifications = built.notifications
        self._server = _server(built.conf, self._app)
        self._thread = threading.Thread(
            target=self._serve, name="protector-api", daemon=True
        )

    def start(self) -> None:
        """Bind, then serve in threads of its own.

        :raises OSError: the address is taken or not of this host.
        """
        self._server.prepare()
        self._thread.start()
        LOG.info("Listening on %s:%d", *self.address)

    def _serve(self) -> None:
        self._server.serve()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.bind_addr[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Take no more requests, let the running ones end, return."""
        self._app.stop()
        self._server.stop()
        self._thread.join(GRACE)
        self._notifications.flush()


def _server(conf: Any, application: app.Application) -> _Server:
    options = conf.api
    server = _Server(
        (options.bind_host, options.port),
        application,
        numthreads=options.threads,
        server_name="protector",
        request_queue_size=BACKLOG,
        timeout=READ_TIMEOUT,
        shutdown_timeout=GRACE,
    )
    server.max_request_header_size = MAX_HEADER
    server.max_request_body_size = options.max_document_bytes
    if options.tls_cert_file:
        server.ssl_adapter = builtin.BuiltinSSLAdapter(
            options.tls_cert_file, options.tls_key_file
        )
    return server


def serve(built: runtime.Runtime) -> ApiServer:
    """Start the API of a runtime in this process."""
    server = ApiServer(built)
    server.start()
    return server


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    built = service.prepare(sys.argv[1:] if argv is None else argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = serve(built)
    stop.wait()
    LOG.info("Stopping")
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
