# SPDX-License-Identifier: Apache-2.0
"""The REST 2.x wire: login, routes, lists, errors.

What the routes do is in the ``rest2_*`` modules; what an array is, is in the
model.  Objects are named in the query string, lists are ``{"items": [...]}``
and what is null is left out (py-pure-client's models).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import json
from typing import Any
import urllib.parse

from werkzeug.wrappers import Request, Response

from protector.sandbox.array import errors, names, params, queries
from protector.sandbox.array.flasharray import Array
from protector.sandbox.array.sessions import Sessions

VERSIONS = ["2.17"]
_TOKEN = "x-auth-token"
_API_TOKEN = "api-token"
_ID = "X-Request-ID"

LIST = {
    "filter": params.TEXT,
    "sort": params.LIST,
    "limit": params.INT,
    "offset": params.INT,
    "continuation_token": params.TEXT,
    "total_item_count": params.BOOL,
    "total_only": params.BOOL,
}
"""What every list takes."""
NAMES = {"names": params.LIST}
IDS = {"ids": params.LIST}
DESTROYED = {"destroyed": params.BOOL}
ROWS = "rows"
"""What a body is called that is a list of objects."""
Item = dict[str, Any]


@dataclass
class Call:
    """One request as the handlers see it.

    ``query`` and ``body``: as typed by the route; ``notes``: remarks for the
    call log.
    """

    array: Array
    query: dict[str, Any]
    body: dict[str, Any]
    notes: list[str] = field(default_factory=list)

    def named(self, key: str = "names") -> list[str]:
        """The names that a request must give. Raises ``ArrayError``."""
        given: list[str] = self.query.get(key) or []
        if not given:
            raise errors.ArrayError(f"The {key} parameter is required.")
        return given


Handler = Callable[[Call], list[Item]]


@dataclass(frozen=True, eq=False)
class Route:
    """Method, path below the version, handler, its query and its body.

    ``anyway``: also while a pod that is named is not online here.
    """

    method: str
    path: str
    handler: Handler
    query: params.Spec = field(default_factory=dict)
    body: params.Spec = field(default_factory=dict)
    anyway: bool = False


class Rest2:
    """Answers ``/api/2.x/...``."""

    def __init__(
        self, array: Array, sessions: Sessions, routes: list[Route]
    ) -> None:
        self._array = array
        self._sessions = sessions
        self._routes = {(r.method, r.path): r for r in routes}

    def answer(self, request: Request) -> Response:
        """Answer one request; refusals become lists of errors."""
        _, _, version, path = (request.path.split("/", 3) + [""] * 3)[:4]
        path = path.rstrip("/")
        call: Call | None = None
        try:
            if version not in VERSIONS:
                raise errors.NotFound("The REST version is not supported.")
            if request.method == "POST" and path in ("login", "logout"):
                return self._session(request, path)
            self._sessions.check(request.headers.get(_TOKEN))
            route = self._routes.get((request.method, path))
            if route is None:
                raise errors.NotFound("No such resource.", path)
            call = _read(self._array, request, route)
            response = self._carry_out(call, route)
        except errors.ArrayError as error:
            response = refusal(error)
        if call is not None and request.method != "GET":
            self._array.calls.add(
                request.method,
                target(request),
                call.query | call.body,
                response.status_code,
                call.notes,
            )
        response.headers[_ID] = request.headers.get(_ID, "")
        return response

    def _session(self, request: Request, path: str) -> Response:
        if path == "login":
            token = self._sessions.start(request.headers.get(_API_TOKEN))
            response = _reply({"items": [{"username": "pureuser"}]})
            response.headers[_TOKEN] = token
            return response
        token = self._sessions.check(request.headers.get(_TOKEN))
        self._sessions.end(token)
        return _reply({"items": []})

    def _carry_out(self, call: Call, route: Route) -> Response:
        self._array.stretch.look()
        if route.method != "GET":
            objects = names.mentioned([call.query, call.body])
            with self._array.stretch.changing(objects, route.anyway):
                items = [_present(item) for item in route.handler(call)]
            return _reply({"items": items})
        items = [_present(item) for item in route.handler(call)]
        if "destroyed" in call.query:
            wanted = call.query["destroyed"]
            items = [i for i in items if i.get("destroyed") is wanted]
        return _reply(queries.select(items, call.query))


def target(request: Request) -> str:
    """Path and query of a request as people read it."""
    query = urllib.parse.unquote(request.query_string.decode())
    return f"{request.path}?{query}" if query else request.path


def refusal(error: errors.ArrayError) -> Response:
    """An error as REST 2.x answers with it."""
    content = {"message": error.msg}
    if error.ctx:
        content["context"] = error.ctx
    return _reply({"errors": [content]}, error.status)


def ms(seconds: float | None) -> int | None:
    """Seconds as the milliseconds of REST 2.x; None stays None."""
    return None if seconds is None else int(seconds * 1000)


def reference(name: str | None) -> Item | None:
    """A named object where another one refers to it."""
    return None if name is None else {"name": name}


def pod_of(name: str) -> Item | None:
    """The pod in which something lies."""
    return reference(names.split(name)[0] or None)


def named_in(value: Any, what: str) -> str:
    """The name in a reference that was sent. Raises ``ArrayError``."""
    if not isinstance(value, Mapping) or not isinstance(
        value.get("name"), str
    ):
        raise errors.ArrayError(f"{what} needs a name.")
    return value["name"]


def remaining(array: Array, destroyed: float | None) -> int | None:
    """Milliseconds until a destroyed object is eradicated."""
    if destroyed is None:
        return None
    return array.core.expires_in(destroyed) * 1000


def _read(array: Array, request: Request, route: Route) -> Call:
    query = params.typed(request.args.to_dict(), route.query)
    content = params.body(request, rows=ROWS)
    return Call(array, query, params.typed(content, route.body))


def _present(value: Any) -> Any:
    """A value without its nulls."""
    if isinstance(value, Mapping):
        return {k: _present(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_present(one) for one in value]
    return value


def _reply(content: Item, status: int = 200) -> Response:
    return Response(
        json.dumps(content), status=status, content_type="application/json"
    )
