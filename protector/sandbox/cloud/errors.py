# SPDX-License-Identifier: Apache-2.0
"""The refusals of an OpenStack API, and each service's own shape for them.

Only says what a refusal looks like; who refuses what is the services'.
"""

import collections.abc
import html
import http
import typing

Renderer = collections.abc.Callable[["ApiError", str], typing.Any]

_FAULTS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


class ApiError(Exception):
    """A refusal: status, text, and the service's own name for it.

    :param message: what the user reads.
    :param kind: Neutron's ``type``, Placement's ``code``; else unused.
    :param headers: extra headers of the answer.
    """

    status = 500

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        kind: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        self.status = status or type(self).status
        self.message = message or http.HTTPStatus(self.status).description
        self.kind = kind or type(self).__name__
        self.headers = headers or {}
        super().__init__(self.message)

    @property
    def title(self) -> str:
        """The standard phrase of the status."""
        return http.HTTPStatus(self.status).phrase


class BadRequest(ApiError):
    """400."""

    status = 400


class Unauthorized(ApiError):
    """401; the framework adds WWW-Authenticate."""

    status = 401


class Forbidden(ApiError):
    """403."""

    status = 403


class NotFound(ApiError):
    """404."""

    status = 404


class MethodNotAllowed(ApiError):
    """405."""

    status = 405


class NotAcceptable(ApiError):
    """406: a microversion out of range."""

    status = 406


class Conflict(ApiError):
    """409."""

    status = 409


class OverLimit(ApiError):
    """413: a quota (Cinder), or a body that is too large."""

    status = 413


class UnsupportedMediaType(ApiError):
    """415."""

    status = 415


class ServerError(ApiError):
    """500."""

    status = 500


class ServiceUnavailable(ApiError):
    """503."""

    status = 503


def keystone_body(error: ApiError, request_id: str) -> typing.Any:
    """``{"error": {"code", "title", "message"}}``."""
    return {
        "error": {
            "code": error.status,
            "title": error.title,
            "message": error.message,
        }
    }


def fault_body(error: ApiError, request_id: str) -> typing.Any:
    """Nova's and Cinder's shape, ``{"badRequest": {...}}``."""
    name = _FAULTS.get(error.status, "computeFault")
    fault: dict[str, typing.Any] = {
        "code": error.status,
        "message": error.message,
    }
    if "Retry-After" in error.headers:
        fault["retryAfter"] = error.headers["Retry-After"]
    return {name: fault}


def neutron_body(error: ApiError, request_id: str) -> typing.Any:
    """``{"NeutronError": {"type", "message", "detail"}}``."""
    return {
        "NeutronError": {
            "type": error.kind,
            "message": error.message,
            "detail": "",
        }
    }


def placement_body(error: ApiError, request_id: str) -> typing.Any:
    """Placement's list of errors, after the API working group."""
    return {
        "errors": [
            {
                "status": error.status,
                "title": error.title,
                "detail": error.message,
                "code": "placement.undefined_code",
                "request_id": request_id,
            }
        ]
    }


def glance_body(error: ApiError, request_id: str) -> typing.Any:
    """Glance answers errors as a small HTML page (webob's)."""
    head = f"{error.status} {error.title}"
    return (
        f"<html>\n <head>\n  <title>{head}</title>\n </head>\n <body>\n"
        f"  <h1>{head}</h1>\n  {html.escape(error.message)}<br /><br />\n"
        "\n\n </body>\n</html>"
    )
