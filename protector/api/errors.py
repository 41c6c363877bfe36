# SPDX-License-Identifier: Apache-2.0
"""Errors as answers: one body for all, whoever refused.

The only place that turns an exception into HTTP.
"""

import http
import json
from typing import Any

from oslo_db import exception as db_exc
from oslo_log import log as logging
from oslo_middleware import request_id
import webob
from webob import dec, exc

from protector import exception

LOG = logging.getLogger(__name__)

# seconds after which a 503 is worth another try
RETRY_AFTER = "5"
SHOWN_IN_ERROR = ("min_version", "max_version")
# what fails in a cloud or on an array while a request waits for it
STATUS_OF: tuple[tuple[type[exception.ProtectorError], int], ...] = (
    (exception.CloudQuota, 403),
    (exception.CloudError, 503),
    (exception.ArrayError, 503),
    (exception.DeadlineExceeded, 503),
    (exception.LeaseLost, 503),
    (exception.UnexpectedState, 409),
    (exception.PreflightFailed, 409),
    (exception.Superseded, 409),
)


def response(
    error: exception.ProtectorError, environ: dict[str, Any]
) -> webob.Response:
    """The answer to a refused request."""
    code = status_of(error)
    answer = webob.Response(
        status=code,
        content_type="application/json",
        charset="UTF-8",
        text=json.dumps({"error": body(error, environ)}),
    )
    if code == http.HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = RETRY_AFTER
    if code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(error.details.get("allow", ()))
    return answer


def status_of(error: exception.ProtectorError) -> int:
    """The HTTP status of an error, also of those made for operations."""
    for kind, code in STATUS_OF:
        if isinstance(error, kind):
            return code
    return error.code


def message_of(error: exception.ProtectorError) -> str:
    """What happened, and the remedy."""
    if error.remedy and error.remedy not in error.message:
        return f"{error.message} {error.remedy}"
    return error.message


def refusal(error: exception.ProtectorError) -> dict[str, str]:
    """What an action would be refused with, as it is published."""
    return {"reason": error.reason, "message": message_of(error)}


def body(
    error: exception.ProtectorError, environ: dict[str, Any]
) -> dict[str, Any]:
    code = status_of(error)
    shown = {
        "code": code,
        "title": http.HTTPStatus(code).phrase,
        "message": message_of(error),
        "reason": error.reason,
        "details": error.details,
        "request_id": environ.get(request_id.ENV_REQUEST_ID),
    }
    for name in SHOWN_IN_ERROR:
        if name in error.details:
            shown[name] = error.details[name]
    return shown


def translate(error: Exception) -> exception.ProtectorError:
    """What the user is told of any exception.

    An unexpected one is logged with its trace; the user learns the request
    id only.
    """
    if isinstance(error, exception.ProtectorError):
        if status_of(error) == http.HTTPStatus.INTERNAL_SERVER_ERROR:
            LOG.error("The request failed: %s", error, exc_info=error)
        return error
    if isinstance(error, db_exc.DBDataError):
        # the schemas bound what users send; peers may send more
        LOG.warning("The database refused a value of a request.")
        return exception.BadRequest("A value is longer than can be stored.")
    if isinstance(error, exc.HTTPException):
        return of_status(error.status_int, error.detail or error.explanation)
    LOG.error("The request failed.", exc_info=error)
    return exception.ProtectorError("The request failed in the service.")


_BY_STATUS: dict[int, tuple[type[exception.ProtectorError], str]] = {
    400: (exception.BadRequest, "The request is malformed."),
    401: (exception.Unauthorized, "The request has no valid token."),
    403: (exception.PolicyForbidden, "The request is forbidden."),
    404: (exception.NotFound, "There is nothing at this path."),
    405: (exception.MethodNotAllowed, "The method is not allowed here."),
    406: (exception.NotAcceptable, "The answer is available as JSON only."),
    413: (exception.BodyTooLarge, "The body is too large."),
    415: (exception.UnsupportedMediaType, "The body is not JSON."),
    503: (
        exception.ServiceUnavailable,
        "A service that is needed to check the token does not answer.",
    ),
}


def of_status(status: int, text: str | None) -> exception.ProtectorError:
    """Our error for a status that a library answered with."""
    kind, known = _BY_STATUS.get(
        status, (exception.ProtectorError, "The request failed.")
    )
    return kind(known if status in _BY_STATUS else text or known)


class ForeignErrors:
    """Middleware: gives error answers of libraries our body."""

    def __init__(self, application: Any) -> None:
        self._application = application

    @dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        try:
            answer = request.get_response(self._application)
        except Exception as e:
            return response(translate(e), request.environ)
        if answer.status_int < 400 or _is_ours(answer):
            return answer
        error = of_status(answer.status_int, None)
        ours = response(error, request.environ)
        if error.code != answer.status_int:
            ours.status_int = answer.status_int
        for name in ("WWW-Authenticate", "Allow", "Retry-After"):
            if name in answer.headers:
                ours.headers[name] = answer.headers[name]
        return ours


def _is_ours(answer: webob.Response) -> bool:
    if answer.content_type != "application/json":
        return False
    try:
        shown = answer.json_body
    except ValueError:
        return False
    error = shown.get("error") if isinstance(shown, dict) else None
    return isinstance(error, dict) and "reason" in error
