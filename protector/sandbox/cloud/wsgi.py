# SPDX-License-Identifier: Apache-2.0
"""What an emulated service is made of: routes, handlers and its manners.

A service is a ``Service`` with routes; the application (application.py)
finds the route, checks token, version and policy, and calls the handler.
"""

import collections.abc
import dataclasses
import typing

from werkzeug import routing
from werkzeug.wrappers import response as werkzeug_response

from protector.sandbox.cloud import context, errors, microversions, policy
from protector.sandbox.cloud import request as requests

Request = requests.Request
Identity = requests.Identity
Versions = microversions.Microversions
Rule = str | policy.Check
Body = dict[str, typing.Any] | list[typing.Any] | str | bytes | None


@dataclasses.dataclass
class Answer:
    """A handler's answer: a dict or list is JSON, str text, None empty."""

    status: int = 200
    body: Body = None
    headers: dict[str, str] = dataclasses.field(default_factory=dict)


Result = (
    Answer
    | werkzeug_response.Response
    | dict[str, typing.Any]
    | tuple[int, Body]
    | tuple[int, Body, dict[str, str]]
    | None
)
Handler = collections.abc.Callable[..., Result]


class Route(typing.NamedTuple):
    """One route; a plain tuple of the first four fields does as well.

    :ivar rule: werkzeug's, below the prefix: ``/v2.1/servers/<server_id>``;
        its arguments are passed to the handler by name.
    :ivar handler: ``handler(request, **arguments)``; returns a dict (200),
        ``(status, body)``, ``(status, body, headers)``, an Answer, a
        werkzeug Response, or None (204).
    :ivar policy: see policy.py; ``public`` needs no token.
    :ivar action: the rule's name in the 403 message.
    :ivar versions: lowest and highest microversion (None: no end);
        outside, the route does not exist (404).
    """

    method: str
    rule: str
    handler: Handler
    policy: Rule = "member"
    action: str | None = None
    versions: tuple[str | None, str | None] = (None, None)


class Service:
    """One emulated service.

    Sub-classes set the class attributes and implement ``routes``.
    """

    name: str
    """Its key in ``cloud.services``, in settings, faults and the log:
    identity, compute, volume, network, image, placement."""
    prefix: str
    """Where its paths start: ``/compute``."""
    microversions: Versions | None = None
    render_error: errors.Renderer = staticmethod(errors.fault_body)

    def __init__(self, cloud: context.Cloud) -> None:
        self.cloud = cloud
        self.store = cloud.store
        self._map = routing.Map(strict_slashes=False, merge_slashes=False)
        for item in self.routes():
            route = Route(*item)
            self._map.add(
                routing.Rule(
                    route.rule, methods=[route.method], endpoint=route
                )
            )

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return ``Route`` objects (or tuples) of the service."""
        raise NotImplementedError

    def control_routes(
        self,
    ) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return routes to serve below ``/control`` (no token needed)."""
        return ()

    def start(self) -> None:
        """Prepare when all services exist: register task handlers."""

    def seed(self) -> None:
        """Write what a fresh cloud has of this service; called once."""

    def check(
        self, request: Request, arguments: dict[str, typing.Any]
    ) -> None:
        """Refuse a request after policy and before its handler.

        May take arguments out of the dict (Cinder's project_id).
        """

    def forbidden(self, route: Route) -> errors.ApiError:
        """Return the 403 of a route whose policy does not let pass."""
        action = route.action or f"{self.name}:{route.handler.__name__}"
        return errors.Forbidden(
            f"Policy doesn't allow {action} to be performed."
        )

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """Return the route of a path, with its arguments.

        :raises werkzeug.exceptions.NotFound: none.
        :raises werkzeug.exceptions.MethodNotAllowed: not by this method.
        """
        adapter = self._map.bind("cloud")
        return adapter.match(path, method)


def check_version(route: Route, version: microversions.Version) -> None:
    """Hide a route outside of its microversions.

    :raises NotFound: it does not exist in this version.
    """
    lowest, highest = route.versions
    if lowest and version < microversions.parse(lowest):
        raise errors.NotFound("The resource could not be found.")
    if highest and version > microversions.parse(highest):
        raise errors.NotFound("The resource could not be found.")
