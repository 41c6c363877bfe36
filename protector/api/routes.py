# SPDX-License-Identifier: Apache-2.0
"""The routes, as they are found in the tree of controllers.

Pecan answers a wrong method or a missing id in ways of its own, down to a
500; so each request is held to this list before pecan routes it.
"""

from collections.abc import Iterator
import dataclasses
import inspect
import re
from typing import Any

from pecan import rest, util

from protector import exception

METHODS = {
    "get_all": "GET",
    "get_one": "GET",
    "post": "POST",
    "put": "PUT",
    "delete": "DELETE",
}
# self, req, resp
_LEADING = 3
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RESERVED = r"(?!(?:admin|peer|health)/)"
_FORMS = {"tenant": _RESERVED + r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}"}


@dataclasses.dataclass(frozen=True)
class Route:
    """``template`` is a path with ``{name}`` for each id."""

    method: str
    template: str
    handler: Any

    @property
    def pattern(self) -> re.Pattern[str]:
        text = re.sub(
            r"\\{(\w+)\\}",
            lambda m: _FORMS.get(m[1], _UUID),
            re.escape(self.template),
        )
        return re.compile(text + r"\Z")


def walk(root: Any) -> list[Route]:
    """All routes below a root controller, by template and method."""
    found = _walk(root, "", 0)
    return sorted(found, key=lambda r: (r.template, r.method))


def _walk(controller: Any, prefix: str, ids: int) -> Iterator[Route]:
    """:param ids: how many ids the prefix holds."""
    for name, method in METHODS.items():
        handler = getattr(controller, name, None)
        if util.iscontroller(handler):
            names = _names(handler)
            template = prefix + _tail(names[ids:])
            yield Route(method, template or "/", handler)
    taken = _names(getattr(controller, "get_one", None), ids)
    below = prefix + _tail(taken[ids:])
    for segment, child in _children(controller):
        if segment in getattr(controller, "RESERVED", ()):
            yield from _walk(child, f"{prefix}/{segment}", ids)
        else:
            yield from _walk(child, f"{below}/{segment}", len(taken))


def _names(handler: Any, default: int = 0) -> list[str]:
    """The names of the ids that a handler takes."""
    if handler is None:
        return [""] * default
    signature = inspect.signature(handler)
    names = [n for n in signature.parameters if n != "self"]
    return names[_LEADING - 1 :]


def _tail(names: list[str]) -> str:
    return "".join(f"/{{{name}}}" for name in names)


def _children(controller: Any) -> Iterator[tuple[str, Any]]:
    for segment, child in inspect.getmembers(type(controller)):
        if isinstance(child, rest.RestController):
            yield segment, child


class Table:
    """Says of a request whether there is a route for it."""

    def __init__(self, routes: list[Route]) -> None:
        self._patterns: dict[str, tuple[re.Pattern[str], set[str]]] = {}
        for route in routes:
            entry = self._patterns.setdefault(
                route.template, (route.pattern, set())
            )
            entry[1].add(route.method)

    def check(self, method: str, path: str) -> None:
        """:raises NotFound: no route has the path.
        :raises MethodNotAllowed: none of these has the method.
        """
        allowed: set[str] = set()
        for pattern, methods in self._patterns.values():
            if pattern.match(path):
                allowed |= methods
        if not allowed:
            raise exception.NotFound(f"There is nothing at {path}.")
        if method not in allowed:
            raise exception.MethodNotAllowed(
                f"{method} is not possible at {path}.", allow=sorted(allowed)
            )
