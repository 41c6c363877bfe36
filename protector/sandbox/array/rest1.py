# SPDX-License-Identifier: Apache-2.0
"""The REST 1.x wire: versions, sessions, routes, errors as JSON lists.

What the routes do is in the ``rest1_*`` modules; what an array is, is in the
model. The wire of REST 2.x stands beside this one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import json
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from protector.sandbox.array import errors, names, params
from protector.sandbox.array.flasharray import Array
from protector.sandbox.array.sessions import Sessions

VERSIONS = [f"1.{minor}" for minor in range(20)]
_COOKIE = "session"


@dataclass
class Call:
    """One request as the handlers see it.

    ``names``: what the path names; ``version``: e.g. (1, 19); ``asked``: the
    parameters as they came, for the call log; ``notes``: remarks for it;
    ``headers``: to be added to the answer.
    """

    array: Array
    version: tuple[int, int]
    names: dict[str, str]
    params: dict[str, Any]
    asked: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


Handler = Callable[[Call], Any]


@dataclass(frozen=True, eq=False)
class Route:
    """``method`` and ``path`` (werkzeug syntax), handler, parameters.

    ``anyway``: also while a pod that is named is not online here.
    """

    method: str
    path: str
    handler: Handler
    spec: params.Spec = field(default_factory=dict)
    anyway: bool = False


class Rest1:
    """Answers ``/api/...``."""

    def __init__(
        self, array: Array, sessions: Sessions, routes: list[Route]
    ) -> None:
        self._array = array
        self._sessions = sessions
        self._map = Map(
            [
                Rule(f"/{r.path}", methods=[r.method], endpoint=r)
                for r in routes
            ],
            strict_slashes=False,
        )

    def answer(self, request: Request) -> Response:
        """Answer one request; refusals become their JSON lists."""
        call: Call | None = None
        try:
            parts = request.path.split("/", 3)
            version = _version(parts[2] if len(parts) > 2 else "")
            path = parts[3] if len(parts) > 3 else ""
            if path in ("auth/apitoken", "auth/session"):
                return self._login(request, path)
            cookie = self._sessions.check(request.cookies.get(_COOKIE))
            call, route = self._match(request, version, path)
            response = self._carry_out(request, call, route)
            response.set_cookie(_COOKIE, cookie, secure=True, httponly=True)
        except errors.ArrayError as error:
            response = refusal(error)
            known = request.cookies.get(_COOKIE)
            if known and error.status != 401:
                response.set_cookie(_COOKIE, known, secure=True, httponly=True)
        if call is not None and request.method != "GET":
            self._array.calls.add(
                request.method,
                request.path,
                call.asked,
                response.status_code,
                call.notes,
            )
        return response

    def _login(self, request: Request, path: str) -> Response:
        values = params.body(request)
        if path == "auth/apitoken" and request.method == "POST":
            token = self._sessions.token(
                values.get("username"), values.get("password")
            )
            return reply({"api_token": token})
        if path == "auth/session" and request.method == "POST":
            cookie = self._sessions.start(values.get("api_token"))
            response = reply({"username": "pureuser"})
            response.set_cookie(_COOKIE, cookie, secure=True, httponly=True)
            return response
        if path == "auth/session" and request.method == "DELETE":
            cookie = self._sessions.check(request.cookies.get(_COOKIE))
            self._sessions.end(cookie)
            return reply({"username": "pureuser"})
        raise errors.NotFound("No such resource.", path)

    def _match(
        self, request: Request, version: tuple[int, int], path: str
    ) -> tuple[Call, Route]:
        adapter = self._map.bind("array")
        try:
            route, named = adapter.match(f"/{path}", method=request.method)
        except HTTPException as error:
            raise errors.NotFound("No such resource.", path) from error
        return Call(self._array, version, dict(named), {}), route

    def _carry_out(
        self, request: Request, call: Call, route: Route
    ) -> Response:
        call.asked = call.params = params.read(request, route.spec)
        response = reply(self._handle(request, call, route))
        response.headers.extend(call.headers)
        return response

    def _handle(self, request: Request, call: Call, route: Route) -> Any:
        self._array.stretch.look()
        if request.method == "GET":
            return route.handler(call)
        objects = names.mentioned([call.names, call.params])
        with self._array.stretch.changing(objects, route.anyway):
            return route.handler(call)


def reply(content: Any, status: int = 200) -> Response:
    """Return ``content`` as a JSON response."""
    return Response(
        json.dumps(content), status=status, content_type="application/json"
    )


def refusal(error: errors.ArrayError) -> Response:
    """Return an error as the JSON list that REST 1.x answers with."""
    content = {
        "pure_err_key": "err.friendly",
        "pure_err_code": 1,
        "code": 0,
        "ctx": error.ctx,
        "msg": error.msg,
    }
    return reply([content], error.status)


def _version(text: str) -> tuple[int, int]:
    if text not in VERSIONS:
        raise errors.VersionNotServed(
            f"The REST API version {text} is not supported.", text
        )
    major, _, minor = text.partition(".")
    return int(major), int(minor)
