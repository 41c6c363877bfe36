# SPDX-License-Identifier: Apache-2.0
"""Microversions: which there are, and which a request gets."""

import dataclasses
import re
from typing import Any

import webob
from webob import dec

from protector import exception
from protector.api import errors

HEADER = "OpenStack-API-Version"
SERVICE = "protector"
ENVIRON = "protector.version"

_FORM = re.compile(r"(\d{1,4})\.(\d{1,4})\Z")


@dataclasses.dataclass(frozen=True, order=True)
class Version:
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


# doc/source/user/microversions.rst has a section for each
VERSIONS = (
    # the documented API
    Version(1, 0),
    # the minimum that the documentation asks for; behaves like 1.0
    Version(1, 1),
    # groups tell what they allow, their conditions and their epoch
    Version(1, 2),
)
MINIMUM, MAXIMUM = VERSIONS[0], VERSIONS[-1]


def negotiate(header: str | None) -> Version:
    """The version to serve.

    :param header: ``"compute 2.1, protector 1.2"``, or None.
    :raises MalformedVersion: not ``protector 1.x`` or ``protector latest``.
    :raises VersionNotAcceptable: out of range.
    """
    for part in (header or "").split(","):
        words = part.split()
        if words and words[0].lower() == SERVICE:
            return _parse(words[1:], part.strip())
    return MINIMUM


def _parse(words: list[str], text: str) -> Version:
    if words == ["latest"]:
        return MAXIMUM
    found = _FORM.match(words[0]) if len(words) == 1 else None
    if found is None:
        raise exception.MalformedVersion(
            f"The header {HEADER} has '{text}': that is no version."
        )
    wanted = Version(int(found[1]), int(found[2]))
    if wanted not in VERSIONS:
        raise exception.VersionNotAcceptable(
            f"Version {wanted} is not supported: use {MINIMUM} to {MAXIMUM}.",
            min_version=str(MINIMUM),
            max_version=str(MAXIMUM),
        )
    return wanted


class Negotiation:
    """Middleware: sets the version in the environment and in the answer."""

    def __init__(self, application: Any) -> None:
        self._application = application

    @dec.wsgify
    def __call__(self, request: webob.Request) -> webob.Response:
        try:
            version = negotiate(request.headers.get(HEADER))
        except exception.ProtectorError as e:
            version = MINIMUM
            response = errors.response(e, request.environ)
        else:
            request.environ[ENVIRON] = version
            response = request.get_response(self._application)
        response.headers[HEADER] = f"{SERVICE} {version}"
        vary = [v for v in (response.vary or ()) if v != HEADER]
        response.vary = (*vary, HEADER)
        return response
