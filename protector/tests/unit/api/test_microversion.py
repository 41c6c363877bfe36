# SPDX-License-Identifier: Apache-2.0
"""Which version a header asks for."""

import re
from typing import Any

from protector import exception
from protector.api import microversion, openapi, routes
from protector.api.controllers import root
from protector.tests import base, source

V = microversion.Version
HISTORY = source.ROOT / "doc" / "source" / "user" / "microversions.rst"


def sections() -> dict[str, str]:
    """The text of each section of the history, by its title."""
    parts = re.split(r"(?m)^(\S.*)\n-+\n", HISTORY.read_text("utf-8"))
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keys(value: Any) -> set[str]:
    """The names of all properties in a document."""
    if isinstance(value, list):
        return set().union(*map(keys, value))
    if not isinstance(value, dict):
        return set()
    found = set(value.get("properties", {}))
    return found.union(*map(keys, value.values()))


class HistoryTest(base.TestCase):
    def test_each_version_has_a_section_and_none_more(self) -> None:
        wanted = [str(version) for version in microversion.VERSIONS]
        self.assertEqual(wanted, list(sections()))

    def test_each_section_names_what_came_with_the_version(self) -> None:
        found = routes.walk(root.RootController())
        known = keys(openapi.document(found, microversion.MINIMUM))
        for version in microversion.VERSIONS:
            new = keys(openapi.document(found, version)) - known
            text = sections()[str(version)]
            missing = {key for key in new if f"``{key}``" not in text}
            self.assertEqual(set(), missing, version)
            known |= new


class NegotiateTest(base.TestCase):
    def test_good(self) -> None:
        for header, version in (
            (None, V(1, 0)),
            ("", V(1, 0)),
            ("compute 2.1", V(1, 0)),
            ("protector 1.1", V(1, 1)),
            ("compute 2.1, protector 1.2", V(1, 2)),
            ("Protector latest", microversion.MAXIMUM),
        ):
            self.assertEqual(version, microversion.negotiate(header))

    def test_malformed(self) -> None:
        for header in (
            "protector",
            "protector 1",
            "protector 1.x",
            "protector 1.1 1.2",
            "protector 1.11111111",
            "protector ١.١x",
        ):
            self.assertRaises(
                exception.MalformedVersion, microversion.negotiate, header
            )

    def test_out_of_range(self) -> None:
        for header in ("protector 0.9", "protector 1.3", "protector 2.0"):
            self.assertRaises(
                exception.VersionNotAcceptable,
                microversion.negotiate,
                header,
            )
