# SPDX-License-Identifier: Apache-2.0
"""A group goes there and back over each generation of the arrays' REST: no
call waits for ever, and no log tells a secret."""

import fixtures

from protector.sandbox import connect
from protector.tests.failure import tour
from protector.tests.functional import array_traffic

PLANNED = {"type": "planned"}


class ArrayTrafficTest(tour.Tour):
    def setUp(self) -> None:
        super().setUp()
        self.places = self.bed.layout.sites
        self.traffic = self.useFixture(
            array_traffic.ArrayTraffic([p.array_target for p in self.places])
        )

    def _save(self) -> None:
        """Nobody is disturbed: there are no cases to count."""

    def test_there_and_back_over_both_generations(self) -> None:
        self.protect()
        for generation in ("1", "2"):
            self.speak(generation)
            self.write(self.a)
            for verb, at in (("failover", self.b), ("failback", self.a)):
                self.run_verb(verb, at, **PLANNED)
                self.expect_content(at)
            asked = self.traffic.asked
            spoken = {a.generation for a in asked} - {""}
            self.assertEqual({generation}, spoken)
            endless = [a for a in asked if None in (a.connect, a.read)]
            self.assertEqual([], endless)
            methods = {a.method for a in asked}
            self.assertLessEqual({"GET", "POST"}, methods)
        self.expect_no_secret()

    def speak(self, generation: str) -> None:
        """Both engines start anew, with the SDK of that generation."""
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.storage.pure.session2.installed",
                lambda: generation == "2",
            )
        )
        for site in (self.bed.a, self.bed.b):
            site.restart()
            site.gather()
        self.traffic.asked.clear()

    def expect_no_secret(self) -> None:
        secrets = {p.array_token for p in self.places} | self.traffic.sessions
        # a token of each array, and sessions of both generations
        self.assertGreater(len(secrets), 5)
        told = {"the log": "\n".join(self.traffic.log.lines)}
        for place in self.places:
            calls = connect.control(place, "GET", "calls")
            told[f"calls of {place.array}"] = str(calls)
            path = self.bed.layout.log / f"{place.array}.log"
            told[str(path)] = path.read_text()
        for where, text in told.items():
            self.assertTrue(text, where)
            for secret in secrets:
                self.assertNotIn(secret, text, where)
        self.assertIn("Array array-b: ", told["the log"])
        self.assertIn("/api/2.17/login", told["the log"])
        self.assertIn("/api/1.19/auth/session", told["the log"])
