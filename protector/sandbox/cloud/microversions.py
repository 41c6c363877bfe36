# SPDX-License-Identifier: Apache-2.0
"""Negotiate the microversion of a request (Nova, Cinder, Placement).

Source: the API working group's microversion specification, and Nova's
``X-OpenStack-Nova-API-Version``, which came before it.
"""

import collections.abc
import re

from protector.sandbox.cloud import errors

Version = tuple[int, int]

_NUMBER = re.compile(r"^([1-9]\d*)\.([1-9]\d*|0)$")


def parse(text: str) -> Version:
    """Return ``(major, minor)`` of ``"2.90"``.

    :raises BadRequest: it is not a version.
    """
    match = _NUMBER.match(text)
    if match is None:
        raise errors.BadRequest(
            f"API Version String {text} is of invalid format. Must be of "
            "format MajorNum.MinorNum."
        )
    return int(match[1]), int(match[2])


def render(version: Version) -> str:
    """Return ``"2.90"`` of ``(2, 90)``."""
    return f"{version[0]}.{version[1]}"


class Microversions:
    """The range a service speaks, and its headers.

    :param service_type: the word in ``OpenStack-API-Version``.
    :param minimum: used when a request names none.
    :param legacy_header: an older header that is understood as well.
    """

    HEADER = "OpenStack-API-Version"

    def __init__(
        self,
        service_type: str,
        minimum: str,
        maximum: str,
        legacy_header: str | None = None,
    ) -> None:
        self.service_type = service_type
        self.minimum = parse(minimum)
        self.maximum = parse(maximum)
        self.legacy_header = legacy_header

    def negotiate(self, headers: collections.abc.Mapping[str, str]) -> Version:
        """Return the version a request asks for.

        :raises BadRequest: malformed.
        :raises NotAcceptable: out of range (406).
        """
        asked = self._asked(headers)
        if asked is None:
            return self.minimum
        if asked == "latest":
            return self.maximum
        version = parse(asked)
        if not self.minimum <= version <= self.maximum:
            raise errors.NotAcceptable(
                f"Version {asked} is not supported by the API. Minimum is "
                f"{render(self.minimum)} and maximum is "
                f"{render(self.maximum)}."
            )
        return version

    def answer_headers(self, version: Version) -> dict[str, str]:
        """Return the headers that tell which version was used."""
        text = render(version)
        answer = {self.HEADER: f"{self.service_type} {text}"}
        if self.legacy_header:
            answer[self.legacy_header] = text
        answer["Vary"] = ", ".join(answer)
        return answer

    def _asked(self, headers: collections.abc.Mapping[str, str]) -> str | None:
        for item in headers.get(self.HEADER, "").split(","):
            words = item.split()
            if len(words) == 2 and words[0].lower() == self.service_type:
                return words[1].lower()
        if self.legacy_header and headers.get(self.legacy_header):
            return headers[self.legacy_header].lower()
        return None
