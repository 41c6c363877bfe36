# SPDX-License-Identifier: Apache-2.0
"""Which version a header asks for."""

from protector import exception
from protector.api import microversion
from protector.tests import base

V = microversion.Version


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
