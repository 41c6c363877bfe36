# SPDX-License-Identifier: Apache-2.0
"""Take a call through the emulated cloud, and answer it whatever happens.

The order is that of a real service: request id, token, route, version,
policy, handler.  Latency, caps and faults surround it.
"""

import collections.abc
import json
import logging
import typing
import uuid

from werkzeug import exceptions
from werkzeug.wrappers import request as werkzeug_request
from werkzeug.wrappers import response as werkzeug_response

from protector.sandbox.cloud import (
    calls,
    context,
    control,
    errors,
    faults,
    gate,
    policy,
    wsgi,
)

LOG = logging.getLogger(__name__)

CONNECTION = "protector.connection"
"""Key of the WSGI environment: a function that drops the connection."""
_CHANGING = frozenset(("POST", "PUT", "PATCH", "DELETE"))
Resolve = collections.abc.Callable[[str], wsgi.Identity | None]


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Application:
    """The WSGI application of one cloud.

    :param resolve: returns the identity of a token's id, None if invalid.
    """

    def __init__(self, cloud: context.Cloud, resolve: Resolve) -> None:
        self._cloud = cloud
        self._resolve = resolve
        self._faults = faults.Faults(cloud.store)
        self._calls = calls.Calls(cloud.store, cloud.clock)
        self._gate = gate.Gate(cloud.settings)
        self._control = control.Control(cloud, self._faults, self._calls)

    def __call__(
        self,
        environ: dict[str, typing.Any],
        start_response: typing.Any,
    ) -> collections.abc.Iterable[bytes]:
        http = werkzeug_request.Request(environ)
        try:
            response = self._respond(http)
        except Dropped:
            drop = environ.get(CONNECTION)
            if drop is None:
                raise
            drop()
            response = werkzeug_response.Response(status=500)
        return response(environ, start_response)

    def _respond(
        self, http: werkzeug_request.Request
    ) -> werkzeug_response.Response:
        service = self._service(http.path)
        if service is None:
            return werkzeug_response.Response("Not Found", 404)
        request = wsgi.Request(http, service.prefix, f"req-{uuid.uuid4()}")
        if service is self._control:
            response = self._answer(service, request)
        else:
            response = self._disturbed(service, request)
        response.headers["X-Openstack-Request-Id"] = request.request_id
        if service.name == "compute":
            response.headers["X-Compute-Request-Id"] = request.request_id
        return response

    def _service(self, path: str) -> wsgi.Service | None:
        for service in (self._control, *self._cloud.services.values()):
            if path == service.prefix or path.startswith(service.prefix + "/"):
                return service
        return None

    def _disturbed(
        self, service: wsgi.Service, request: wsgi.Request
    ) -> werkzeug_response.Response:
        """Answer with latency, cap and faults, and write the log."""
        self._calls.count(service.name, request.method)
        target = f"{service.name} {request.method} {request.path}"
        with self._gate.enter(service.name):
            latency = self._cloud.settings.of("latency", service.name)
            if latency:
                self._cloud.stopping.wait(latency)
            fault = self._faults.strike(target)
            response = None
            if fault and fault["phase"] == "before":
                response = self._fail(fault)
            if response is None:
                response = self._answer(service, request)
                self._record(service, request, response.status_code)
                if fault and fault["phase"] == "after":
                    response = self._fail(fault) or response
            else:
                self._record(service, request, response.status_code)
        return response

    def _fail(
        self, fault: dict[str, typing.Any]
    ) -> werkzeug_response.Response | None:
        """Carry a fault out; None: the call goes on after a delay."""
        self._cloud.stopping.wait(
            (fault.get("delay") or 0) + (fault.get("hang") or 0)
        )
        if fault.get("status"):
            body = fault.get("body")
            text = body if isinstance(body, str) else json.dumps(body)
            response = werkzeug_response.Response(
                text, fault["status"], mimetype="application/json"
            )
            if fault.get("retry_after") is not None:
                response.headers["Retry-After"] = str(fault["retry_after"])
            return response
        if fault.get("drop") or fault.get("hang"):
            raise Dropped
        return None

    def _record(
        self, service: wsgi.Service, request: wsgi.Request, status: int
    ) -> None:
        if request.method not in _CHANGING:
            return
        who = request.identity
        self._calls.record(
            service=service.name,
            method=request.method,
            path=request.path,
            user=who.user_name if who else None,
            project_id=who.project_id if who else None,
            status=status,
            body=_body_for_log(request),
            request_id=request.request_id,
        )

    def _answer(
        self, service: wsgi.Service, request: wsgi.Request
    ) -> werkzeug_response.Response:
        try:
            response = self._handle(service, request)
        except errors.ApiError as error:
            response = self._refusal(service, request, error)
        except Exception:
            LOG.exception("%s %s failed", request.method, request.path)
            error = errors.ServerError("Unexpected API Error.")
            response = self._refusal(service, request, error)
        if service.microversions and request.version != (0, 0):
            response.headers.update(
                service.microversions.answer_headers(request.version)
            )
        return response

    def _refusal(
        self,
        service: wsgi.Service,
        request: wsgi.Request,
        error: errors.ApiError,
    ) -> werkzeug_response.Response:
        render = service.render_error
        headers = dict(error.headers)
        if error.status == 401:
            render = errors.keystone_body
            address = f"{self._cloud.url}/identity"
            headers["WWW-Authenticate"] = f'Keystone uri="{address}"'
        body = render(error, request.request_id)
        return _respond(wsgi.Answer(error.status, body, headers))

    def _handle(
        self, service: wsgi.Service, request: wsgi.Request
    ) -> werkzeug_response.Response:
        failure: errors.ApiError | None = None
        try:
            route, arguments = service.match(request.method, request.path)
        except exceptions.MethodNotAllowed:
            failure = errors.MethodNotAllowed()
        except exceptions.NotFound:
            failure = errors.NotFound("The resource could not be found.")
        public = failure is None and route.policy == policy.PUBLIC
        self._identify(request, needed=not public)
        if failure is not None:
            raise failure
        if service.microversions:
            version = service.microversions.negotiate(request.headers)
            request.version = version
            wsgi.check_version(route, version)
        if not public and not policy.allows(route.policy, request):
            raise service.forbidden(route)
        service.check(request, arguments)
        return _respond(route.handler(request, **arguments))

    def _identify(self, request: wsgi.Request, needed: bool) -> None:
        token = request.headers.get("X-Auth-Token")
        if token:
            request.identity = self._resolve(token)
        other = request.headers.get("X-Service-Token")
        if other:
            request.service_identity = self._resolve(other)
        if needed and request.identity is None:
            raise errors.Unauthorized(
                "The request you have made requires authentication."
            )


def _body_for_log(request: wsgi.Request) -> typing.Any:
    try:
        return request.json()
    except errors.ApiError:
        return None


def _respond(result: wsgi.Result) -> werkzeug_response.Response:
    """Make a response of whatever a handler may return."""
    if isinstance(result, werkzeug_response.Response):
        return result
    if result is None:
        result = wsgi.Answer(204)
    elif isinstance(result, dict):
        result = wsgi.Answer(200, result)
    elif isinstance(result, tuple):
        result = wsgi.Answer(*result)
    body, mimetype = result.body, "application/json"
    if isinstance(body, str):
        mimetype = "text/html"
    elif isinstance(body, bytes):
        mimetype = "application/octet-stream"
    elif body is not None:
        body = json.dumps(body)
    response = werkzeug_response.Response(
        body or b"", result.status, mimetype=mimetype
    )
    response.headers.update(result.headers)
    if body is None:
        del response.headers["Content-Type"]
    return response
