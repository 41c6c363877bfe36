# SPDX-License-Identifier: Apache-2.0
"""Which microversion a request gets, and how it is told."""

from protector.sandbox.cloud import errors, microversions
from protector.tests import base

HEADER = "OpenStack-API-Version"
LEGACY = "X-OpenStack-Nova-API-Version"


class MicroversionsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.range = microversions.Microversions(
            "compute", "2.1", "2.96", LEGACY
        )

    def test_negotiation(self) -> None:
        for headers, expected in (
            ({}, (2, 1)),
            ({HEADER: "compute 2.90"}, (2, 90)),
            ({HEADER: "volume 3.70"}, (2, 1)),
            ({HEADER: "volume 3.70, compute 2.9"}, (2, 9)),
            ({HEADER: "compute latest"}, (2, 96)),
            ({LEGACY: "2.37"}, (2, 37)),
            ({HEADER: "compute 2.5", LEGACY: "2.37"}, (2, 5)),
        ):
            self.assertEqual(expected, self.range.negotiate(headers), headers)

    def test_refusals(self) -> None:
        for text, error in (
            ("2.97", errors.NotAcceptable),
            ("1.1", errors.NotAcceptable),
            ("2", errors.BadRequest),
            ("2.x", errors.BadRequest),
        ):
            headers = {HEADER: f"compute {text}"}
            self.assertRaises(error, self.range.negotiate, headers)

    def test_the_answer_says_which(self) -> None:
        self.assertEqual(
            {
                HEADER: "compute 2.90",
                LEGACY: "2.90",
                "Vary": f"{HEADER}, {LEGACY}",
            },
            self.range.answer_headers((2, 90)),
        )
