# SPDX-License-Identifier: Apache-2.0
"""Errors of the clouds and of the client libraries, as Protector's own.

Translates and shortens; decides nothing about what to do next.
"""

from collections.abc import Iterator
import contextlib
import re
from typing import Any

from cinderclient import exceptions as cinder_errors
from keystoneauth1 import exceptions as ksa_errors
from novaclient import exceptions as nova_errors
from oslo_log import log as logging
from oslo_utils import strutils
import requests

from protector import exception

LOG = logging.getLogger(__name__)

TEXT_LIMIT = 300
QUOTA = re.compile(
    r"quota|over a limit|limit ?exceeded|maximum number|over limit",
    re.IGNORECASE,
)
TOO_LARGE = re.compile(r"too large", re.IGNORECASE)
# what keystoneauth appends to a message
SUFFIX = re.compile(r" \(HTTP \d+\).*", re.DOTALL)
TAGS = re.compile(r"<(title|style|script).*?</\1>|<[^>]*>", re.DOTALL)
# Nova quotes a refused value: "Invalid input for field/attribute user_data.
# Value: <all of it>. ..." (nova/api/validation/validators.py)
QUOTED_VALUE = re.compile(r"\bValue: .*", re.DOTALL)

TOO_OLD = (
    cinder_errors.UnsupportedVersion,
    cinder_errors.VersionNotFoundForAPIMethod,
    nova_errors.UnsupportedVersion,
    nova_errors.VersionNotFoundForAPIMethod,
)
# what reading a body of an unexpected shape raises, here and in libraries
BROKEN = (
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
)


class Refused(Exception):
    """A service answered with a status of 400 or more.

    :param retry_after: seconds from the header Retry-After, or None.
    """

    def __init__(self, response: requests.Response) -> None:
        self.status: int = response.status_code
        self.body = _body(response)
        self.text = _text(self.body, response)
        self.retry_after = _seconds(response.headers.get("Retry-After"))
        super().__init__(f"{self.status} {self.text}")


class Broken(Exception):
    """A service answered something that is not JSON."""


@contextlib.contextmanager
def translated(service: str, site: str, action: str) -> Iterator[None]:
    """Turn what a call raises into a ``CloudError``.

    :param service: what the message calls the service, ``Nova``.
    :param site: name of the site.
    :param action: what was tried, ``create server``.
    :raises CloudError: or the subclass that fits; ``ProtectorError`` of
        other kinds (a lost lease) pass.
    """
    try:
        yield
    except exception.ProtectorError:
        raise
    except (
        Refused,
        Broken,
        ksa_errors.ClientException,
        *TOO_OLD,
    ) as e:
        raise translate(e, service, site, action) from e
    except BROKEN as e:
        LOG.warning(
            "%s at site %s answered something unexpected",
            service,
            site,
            exc_info=True,
        )
        raise translate(e, service, site, action) from e


def translate(
    error: Exception, service: str, site: str, action: str
) -> exception.CloudError:
    """The ``CloudError`` for what a call raised."""
    status: int | None = None
    kind: type[exception.CloudError] = exception.CloudUnavailable
    if isinstance(error, Refused):
        status, text = error.status, error.text
        kind = kind_of(status, text)
        if status == 404 and error.body is None and service != "Glance":
            # a web server without the service behind it; not an answer
            # that anything is gone
            kind = exception.CloudUnavailable
    elif isinstance(error, ksa_errors.HttpError):
        # only what keystoneauth calls itself: sign-in and discovery
        service, status = "Keystone", error.http_status
        text = shortened(SUFFIX.sub("", error.message or ""))
        if status in (401, 403):
            kind = exception.CloudForbidden
    elif isinstance(error, TOO_OLD):
        kind, text = exception.CloudError, f"its API is too old: {error}"
    elif isinstance(error, ksa_errors.ClientException):
        text = cause(error)
    else:
        text = f"a broken answer ({type(error).__name__})"
    code = f" ({status})" if status else ""
    return kind(
        f"{service} at site {site} failed to {action}{code}: {text}",
        service=service,
        site=site,
        action=action,
        code=status,
    )


def kind_of(status: int, text: str) -> type[exception.CloudError]:
    """The class for a refusal.

    Quotas: Nova 403, Cinder 413, Neutron 409 (OverQuota).
    """
    if status >= 500 or status == 429:
        return exception.CloudUnavailable
    if status == 413 and not TOO_LARGE.search(text):
        return exception.CloudQuota
    if status in (403, 409) and QUOTA.search(text):
        return exception.CloudQuota
    return {
        401: exception.CloudForbidden,
        403: exception.CloudForbidden,
        404: exception.CloudNotFound,
        409: exception.CloudConflict,
    }.get(status, exception.CloudError)


def cause(error: BaseException) -> str:
    """Why there was no answer, in a few words."""
    if isinstance(error, ksa_errors.ConnectTimeout):
        return "Connection timeout"
    if isinstance(error, ksa_errors.SSLError):
        return "TLS failed: " + shortened(str(error))
    if isinstance(error, ksa_errors.EndpointNotFound):
        return "no endpoint of it was found"
    strerror = _strerror(error)
    return strerror or shortened(str(error))


def shortened(text: str) -> str:
    """One line without values that may be secret."""
    text = QUOTED_VALUE.sub("", strutils.mask_password(text))
    text = " ".join(text.split())
    if len(text) > TEXT_LIMIT:
        text = text[: TEXT_LIMIT - 3] + "..."
    return text


def _strerror(error: BaseException | None) -> str | None:
    """The operating system's word in a chain of exceptions."""
    while error is not None:
        # requests' errors are OSError too, without a number
        if isinstance(error, OSError) and error.errno and error.strerror:
            return error.strerror
        reason = getattr(error, "reason", None)
        inner = getattr(error, "args", (None,))[:1]
        error = next(
            (
                e
                for e in (
                    reason,
                    error.__cause__,
                    error.__context__,
                    *inner,
                )
                if isinstance(e, BaseException)
            ),
            None,
        )
    return None


def _body(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _text(body: Any, response: requests.Response) -> str:
    """A service's own words, whatever its shape of error."""
    found = _message(body)
    if found is None and body is None:
        found = TAGS.sub(" ", response.text)
    return shortened(found or "") or str(response.reason)


def _message(body: Any) -> str | None:
    """Find the text in Keystone's, Nova's, Cinder's, Neutron's, the API
    working group's, or Protector's shape."""
    if not isinstance(body, dict):
        return None
    for key in ("message", "detail"):
        if isinstance(body.get(key), str) and body[key]:
            return body[key]
    for value in body.values():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, dict) and (found := _message(inner)):
            return found
        if isinstance(value, str) and value:
            return value
    return None


def _seconds(header: str | None) -> float | None:
    """Only the form in seconds; no OpenStack service sends dates."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
