# SPDX-License-Identifier: Apache-2.0
"""Turns the error answers of the Protector API into exceptions.

Each class also is the openstacksdk exception of the same status, so code
written for other services keeps working. Not here: what a command prints.
"""

from __future__ import annotations

from typing import Any

from openstack import exceptions
import requests

_SHOWN_TEXT = 300


class ProtectorHttpException(exceptions.HttpException):
    """The server refused or failed.

    ``reason`` is the stable word of the body (``NotPrimarySite``),
    ``message`` its sentence, ``title`` the HTTP title, ``error_details`` the
    dictionary that some reasons carry; ``reason`` is None where the answer
    did not come from Protector (a proxy in front of it, say).
    """

    def __init__(self, response: requests.Response) -> None:
        error = _error_of(response)
        text = error.get("message") or _plain_text(response)
        super().__init__(message=text, response=response, details=text)
        self.reason: str | None = error.get("reason")
        self.title: str | None = error.get("title") or response.reason
        self.error_details: dict[str, Any] = error.get("details") or {}
        self.request_id = error.get("request_id") or self.request_id

    def __str__(self) -> str:
        name = self.reason or f"HTTP {self.status_code}"
        known = f", {self.request_id}" if self.request_id else ""
        return f"{self.message} ({name}{known})"


class BadRequest(ProtectorHttpException, exceptions.BadRequestException):
    """HTTP 400."""


class Forbidden(ProtectorHttpException, exceptions.ForbiddenException):
    """HTTP 403."""


class NotFound(ProtectorHttpException, exceptions.NotFoundException):
    """HTTP 404."""


class Conflict(ProtectorHttpException, exceptions.ConflictException):
    """HTTP 409."""


_CLASSES: dict[int, type[ProtectorHttpException]] = {
    400: BadRequest,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}


class AmbiguousName(exceptions.DuplicateResource):
    """More than one resource has the name; ``candidates`` lists their ids."""

    def __init__(self, kind: str, name: str, candidates: list[str]) -> None:
        self.candidates = candidates
        listed = ", ".join(candidates)
        super().__init__(
            f"more than one {kind} is named {name!r}: {listed}; "
            "name the one you mean by its id"
        )


class NoSuchResource(exceptions.NotFoundException):
    """Nothing has this name or id."""

    def __init__(self, kind: str, name_or_id: str) -> None:
        self.reason = "NotFound"
        super().__init__(
            f"no {kind} named {name_or_id!r} and none with this id "
            "is visible to you"
        )


class OperationFailed(exceptions.ResourceFailure):
    """An operation ended as ``failed`` or ``cancelled``; carries it."""

    def __init__(self, operation: Any) -> None:
        self.operation = operation
        error = operation.error or {}
        self.reason = error.get("reason")
        text = error.get("message") or "the server gave no message"
        name = f" ({self.reason})" if self.reason else ""
        remedy = error.get("remedy")
        super().__init__(
            f"operation {operation.id} ({operation.kind}) "
            f"{operation.status}: {text}{name}"
            + (f" Remedy: {remedy}" if remedy else "")
        )


class WaitTimeout(exceptions.ResourceTimeout):
    """The deadline passed while the operation was running."""

    def __init__(self, operation: Any, timeout: float) -> None:
        self.operation = operation
        super().__init__(
            f"operation {operation.id} is still {operation.status} after "
            f"{timeout:g} seconds; it goes on without you"
        )


def raise_from_response(response: requests.Response) -> None:
    """Raise the exception of an error answer; do nothing for others.

    :param response: an answer of the Protector API
    :raises ProtectorHttpException: for a status of 400 and above
    """
    if response.status_code >= 400:
        kind = _CLASSES.get(response.status_code, ProtectorHttpException)
        raise kind(response)


def _error_of(response: requests.Response) -> dict[str, Any]:
    """The ``error`` object of the body, or an empty one."""
    try:
        body = response.json()
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _plain_text(response: requests.Response) -> str:
    """A short text of an answer that is not Protector's."""
    if "html" in response.headers.get("content-type", ""):
        return response.reason or f"HTTP {response.status_code}"
    text = " ".join(response.text.split())[:_SHOWN_TEXT]
    return text or response.reason or f"HTTP {response.status_code}"
