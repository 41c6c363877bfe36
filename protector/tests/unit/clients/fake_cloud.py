# SPDX-License-Identifier: Apache-2.0
"""A scripted cloud on loopback: says what a test told it to, once each.

Signs anybody in and announces versions by itself; the rest is scripted.  It
can also be silent, cut the connection, and talk nonsense.
"""

import collections
import dataclasses
import http.server
import json
import re
import socket
import ssl
import threading
from typing import Any
import urllib.parse

import fixtures
from oslo_config import cfg

from protector import clock
from protector.clients import clouds, types
from protector.conf import clouds as cloud_options
from protector.conf import peer as peer_options
from protector.tests.fixtures import dripping

PASSWORD = "a-very-secret-password"
TOKEN = "a-very-secret-token"
SITE_ID = "5d5e2a3c-0d3f-4c8f-9d43-0f4f5f0c1b01"
SERVICES = {
    "identity": "/identity",
    "compute": "/compute/v2.1",
    "volumev3": "/volume/v3/{project}",
    "network": "/network",
    "image": "/image",
    "placement": "/placement",
    "protector": "/protector",
}
TOKENS = r"/identity/v3/auth/tokens$"


@dataclasses.dataclass
class Answer:
    """``body``: JSON, text or bytes; ``cut``: close without an answer;
    ``hold``: an event to wait for first; ``drip``: with what to begin an
    answer that never ends."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    cut: bool = False
    hold: threading.Event | None = None
    drip: bytes | None = None


@dataclasses.dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FakeCloud(fixtures.Fixture):
    """``calls`` are those that came, signing in and discovery left out.

    :param certificate: a file with key and certificate: speak TLS.
    """

    def __init__(self, certificate: str | None = None) -> None:
        super().__init__()
        self._certificate = certificate

    def _setUp(self) -> None:
        self.calls: list[Call] = []
        self.sign_ins: list[Call] = []
        self.discoveries: list[Call] = []
        self.maximum = {
            "compute": "2.100",
            "volume": "3.71",
            "placement": "1.39",
        }
        self.silence = threading.Event()
        self._answers: list[tuple[str, Any, collections.deque[Answer]]] = []
        self._guard = threading.Lock()
        handler = type("Handler", (_Handler,), {"cloud": self})
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), handler
        )
        self._server.daemon_threads = True
        scheme = "http"
        if self._certificate:
            scheme = "https"
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self._certificate)
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True
            )
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        self.addCleanup(thread.join, 10)
        self.addCleanup(self._server.server_close)
        self.addCleanup(self._server.shutdown)
        self.addCleanup(self.silence.set)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer calls whose path matches; the last answer stays."""
        entry = (method, re.compile(path), collections.deque(answers))
        self._answers.insert(0, entry)

    def hang(self) -> Answer:
        """Silence until the end of the test."""
        return Answer(cut=True, hold=self.silence)

    def sent(self) -> list[str]:
        """``METHOD /path`` of the calls that came."""
        return [f"{call.method} {call.path}" for call in self.calls]

    def answer(self, call: Call) -> Answer:
        with self._guard:
            self._log(call).append(call)
            for method, path, answers in self._answers:
                if method == call.method and path.search(call.path):
                    if len(answers) > 1:
                        return answers.popleft()
                    return answers[0]
        return self._default(call)

    def _log(self, call: Call) -> list[Call]:
        if re.search(TOKENS, call.path):
            return self.sign_ins
        if re.fullmatch(r"/compute/v2.1/?|/volume/v3/?", call.path):
            return self.discoveries
        return self.calls

    def _default(self, call: Call) -> Answer:
        if re.search(TOKENS, call.path):
            scope = call.json["auth"]["scope"]["project"]
            project = scope.get("id", "own-project")
            headers = {"X-Subject-Token": f"{TOKEN}-{project}"}
            return Answer(201, self._token(project), headers)
        if call.path.startswith("/compute/v2.1"):
            return Answer(200, {"version": self._version("v2.1", "compute")})
        if call.path.startswith("/volume/v3"):
            return Answer(200, {"versions": [self._version("v3.0", "volume")]})
        if re.fullmatch("/placement/?", call.path):
            version = self._version("v1.0", "placement")
            return Answer(200, {"versions": [version]})
        return Answer(404, {"error": {"message": "not scripted"}})

    def _version(self, name: str, service: str) -> dict[str, Any]:
        path, least = {
            "compute": ("/compute/v2.1/", "2.1"),
            "volume": ("/volume/v3/", "3.0"),
            "placement": ("/placement", "1.0"),
        }[service]
        return {
            "id": name,
            "status": "CURRENT",
            "version": self.maximum[service],
            "max_version": self.maximum[service],
            "min_version": least,
            "links": [{"rel": "self", "href": self.url + path}],
        }

    def _token(self, project: str) -> dict[str, Any]:
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {
                        "id": f"{kind}-public",
                        "interface": "public",
                        "region": "one",
                        "region_id": "one",
                        "url": self.url + path.format(project=project),
                    }
                ],
            }
            for kind, path in SERVICES.items()
        ]
        domain = {"id": "default", "name": "Default"}
        return {
            "token": {
                "methods": ["password"],
                "expires_at": "2099-01-01T00:00:00.000000Z",
                "issued_at": "2026-01-01T00:00:00.000000Z",
                "user": {"id": "me", "name": "protector", "domain": domain},
                "project": {"id": project, "name": "p", "domain": domain},
                "roles": [{"id": "r", "name": "admin"}],
                "catalog": catalog,
            }
        }


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cloud: FakeCloud

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urllib.parse.urlsplit(self.path)
        call = Call(
            self.command,
            parts.path,
            urllib.parse.parse_qs(parts.query),
            self.headers,
            self.rfile.read(length),
        )
        answer = self.cloud.answer(call)
        if answer.hold is not None:
            answer.hold.wait(30)
        if answer.drip:
            self.close_connection = True
            dripping.drip(self.connection, answer.drip)
            return
        if answer.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        body = answer.body
        kind = "application/json"
        if isinstance(body, str):
            body, kind = body.encode(), "text/html"
        elif body is None:
            body = b""
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": kind, **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _any

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""


class QuickClock(clock.Clock):
    """Notes pauses instead of making them."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.pauses.append(seconds)
        return event.is_set()


def options(**overrides: Any) -> Any:
    """Options of the clients with small timeouts.

    :param overrides: of ``[clouds]`` and ``[peer]``, where they exist.
    """
    conf = cfg.ConfigOpts()
    cloud_options.register_opts(conf)
    peer_options.register_opts(conf)
    conf([])
    given = {"connect_timeout": 5, "read_timeout": 20, **overrides}
    for name, value in given.items():
        for group in ("clouds", "peer"):
            if name in conf[group]:
                conf.set_override(name, value, group)
    return conf


def access(url: str, **changes: Any) -> types.SiteAccess:
    """How to reach a fake cloud."""
    known = types.SiteAccess(
        site_id=SITE_ID,
        name="site-b",
        auth_url=f"{url}/identity",
        region_name="one",
        interface="public",
        username="protector",
        password=PASSWORD,
        user_domain_name="Default",
        project_name="service",
        project_domain_name="Default",
        verify=True,
        endpoint=None,
    )
    return dataclasses.replace(known, **changes)


def clients(
    cloud: FakeCloud,
    before_change: Any = None,
    clock: clock.Clock | None = None,
    looking: bool = False,
    **overrides: Any,
) -> clouds.SiteClients:
    """The clients of a fake cloud; pauses are not made."""
    made = clouds.Clouds(
        options(**overrides), clock or QuickClock(), lambda: "site-a-id"
    )
    return made.site(access(cloud.url), before_change, looking=looking)
