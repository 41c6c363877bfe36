# SPDX-License-Identifier: Apache-2.0
"""A cloud on loopback: tokens, a catalogue, servers, and a Protector.

The plumbing: sockets, routing, the call log and Keystone's part. What
Protector answers is in ``fake_protector``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import json
import re
import threading
from typing import Any
from urllib import parse

from cheroot import wsgi

PROJECT = "aaaabbbbccccddddeeeeffff00001111"
TOKEN = "token-of-the-test"


@dataclass
class Request:
    """What arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    groups: dict[str, str] = field(default_factory=dict)


@dataclass
class Answer:
    """What is sent back; ``body`` is JSON unless it is bytes."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Answer]


def error(status: int, reason: str, message: str, **details: Any) -> Answer:
    """An error answer as the contract has it."""
    body = {
        "code": status,
        "title": {404: "Not Found", 409: "Conflict"}.get(status, "Error"),
        "message": message,
        "reason": reason,
        "details": details,
        "request_id": "req-1234",
    }
    return Answer(status, {"error": body})


class FakeCloud:
    """A server on 127.0.0.1; ``add(method, pattern, handler)`` and start."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Request] = []
        #: Answers to give instead, by (method, regex of the path).
        self.instead: list[tuple[str, str, Answer]] = []
        #: A type of service that is not in the catalogue.
        self.left_out = ""
        self.servers: list[dict[str, str]] = []
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._server = wsgi.Server(("127.0.0.1", 0), self._app, numthreads=4)
        self._server.expiration_interval = 0.05
        self._server.prepare()
        self.url = f"http://127.0.0.1:{self._server.bind_addr[1]}"
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self.add("GET", r"/identity/?|/identity/v3/?", self._versions)
        self.add("POST", r"/identity/v3/auth/tokens", self._token)
        self.add("GET", r"/compute/?|/compute/v2.1/?", self._nova_version)
        self.add("GET", r"/volume/?|/volume/v3/?", self._cinder_version)
        self.add("GET", r"/volume/v3/[^/]+/types", self._no_types)
        self.add("GET", r"/compute/v2.1/servers(/detail)?", self._servers)
        self.add("GET", r"/compute/v2.1/servers/(?P<id>.*)", self._one_server)

    def start(self) -> None:
        """Serve until stopped."""
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        self._server.stop()
        self._thread.join(10)

    def add(self, method: str, pattern: str, handler: Handler) -> None:
        """Route a path (a whole-path regex) to a handler."""
        self._routes.append((method, re.compile(pattern), handler))

    def prepend(self, method: str, pattern: str, handler: Handler) -> None:
        """Route a path to a handler in the place of the usual one."""
        self._routes.insert(0, (method, re.compile(pattern), handler))

    def asked(self, method: str, ending: str) -> list[Request]:
        """The calls with this method whose path ends so."""
        return [
            call
            for call in self.calls
            if call.method == method and call.path.endswith(ending)
        ]

    def _app(
        self, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        request = _request(environ)
        self.calls.append(request)
        answer = self._answer(request)
        body = answer.body
        if not isinstance(body, bytes):
            answer.headers.setdefault("Content-Type", "application/json")
            body = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Length": str(len(body)), **answer.headers}
        start_response(f"{answer.status} X", list(headers.items()))
        return [body]

    def _answer(self, request: Request) -> Answer:
        for method, pattern, answer in self.instead:
            if method == request.method and re.search(pattern, request.path):
                return answer
        for method, compiled, handler in self._routes:
            match = compiled.fullmatch(request.path)
            if match and method == request.method:
                request.groups = match.groupdict()
                return handler(request)
        return error(404, "NotFound", f"nothing at {request.path}")

    def _versions(self, request: Request) -> Answer:
        version = {
            "id": "v3.14",
            "status": "stable",
            "links": [{"rel": "self", "href": f"{self.url}/identity/v3/"}],
        }
        if "v3" in request.path:
            return Answer(200, {"version": version})
        return Answer(300, {"versions": {"values": [version]}})

    def _token(self, request: Request) -> Answer:
        password = request.body["auth"]["identity"]["password"]
        if password["user"]["password"] != "secret":
            return error(401, "Unauthorized", "wrong password")
        token = {
            "methods": ["password"],
            "user": {"id": "u1", "name": "tester", "domain": {"id": "d"}},
            "project": {
                "id": PROJECT,
                "name": "demo",
                "domain": {"id": "d", "name": "Default"},
            },
            "roles": [{"id": "r", "name": "admin"}],
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "issued_at": "2025-01-01T00:00:00.000000Z",
            "catalog": self._catalog(),
        }
        return Answer(201, {"token": token}, {"X-Subject-Token": TOKEN})

    def _catalog(self) -> list[dict[str, Any]]:
        services = {
            "identity": "/identity",
            "protector": "/dr",
            "compute": "/compute/v2.1",
            "block-storage": f"/volume/v3/{PROJECT}",
        }
        return [
            self._service(kind, path)
            for kind, path in services.items()
            if kind != self.left_out
        ]

    def _service(self, kind: str, path: str) -> dict[str, Any]:
        endpoint = {
            "id": kind,
            "interface": "public",
            "region": "RegionOne",
            "region_id": "RegionOne",
            "url": self.url + path,
        }
        return {
            "id": kind,
            "name": kind,
            "type": kind,
            "endpoints": [endpoint],
        }

    def _nova_version(self, request: Request) -> Answer:
        return self._version("v2.1", "2.90", "/compute/v2.1/")

    def _cinder_version(self, request: Request) -> Answer:
        return self._version("v3.0", "3.70", "/volume/v3/")

    def _version(self, name: str, newest: str, path: str) -> Answer:
        version = {
            "id": name,
            "status": "CURRENT",
            "version": newest,
            "min_version": name.removeprefix("v"),
            "links": [{"rel": "self", "href": self.url + path}],
        }
        return Answer(200, {"version": version})

    def _no_types(self, request: Request) -> Answer:
        return Answer(200, {"volume_types": []})

    def _servers(self, request: Request) -> Answer:
        name = request.query.get("name", "")
        found = [s for s in self.servers if re.search(name, s["name"])]
        return Answer(200, {"servers": found})

    def _one_server(self, request: Request) -> Answer:
        for server in self.servers:
            if server["id"] == request.groups["id"]:
                return Answer(200, {"server": server})
        return error(404, "NotFound", "no such server")


def _request(environ: dict[str, Any]) -> Request:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    raw = environ["wsgi.input"].read(length) if length else b""
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
        query=dict(parse.parse_qsl(environ.get("QUERY_STRING", ""))),
        headers={
            key[5:].replace("_", "-").lower(): value
            for key, value in environ.items()
            if key.startswith("HTTP_")
        },
        body=json.loads(raw) if raw else None,
    )
