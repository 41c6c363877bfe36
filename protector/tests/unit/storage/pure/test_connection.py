# SPDX-License-Identifier: Apache-2.0
"""The REST generation is what the array offers, asked for once."""

import json
import threading
from typing import Any

import fixtures

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import connection, rest1, rest2, session2
from protector.tests import base
from protector.tests.fixtures import certificates, dripping, https_server

Answer = https_server.Answer


class TestConnections(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.versions = Answer(json.dumps({"version": ["1.19", "2.4"]}))
        authority = self.useFixture(certificates.Authority())
        self.server = self.useFixture(
            https_server.HttpsServer(self._respond, authority)
        )
        self.array = storage.Array(
            name="array-a",
            management_address=self.server.address,
            api_token="token",
            ca_file=authority.ca_file,
            verify=True,
            site=None,
            backend=None,
        )
        self.connections = connection.Connections((5, 5), lambda: None)

    def _respond(self, method: str, path: str, body: Any) -> Answer:
        return self.versions

    def refused(self, versions: list[str]) -> exception.ArrayError:
        self.versions = Answer(json.dumps({"version": versions}))
        return self.assertRaises(
            exception.ArrayError, self.connections.of, self.array
        )

    def test_one_adapter_for_each_thread(self) -> None:
        first = self.connections.of(self.array)
        self.assertIs(first, self.connections.of(self.array))
        others = []
        thread = threading.Thread(
            target=lambda: others.append(self.connections.of(self.array))
        )
        thread.start()
        thread.join(10)
        self.assertEqual(1, len(others))
        self.assertIsNot(first, others[0])

    def test_the_newest_that_can_be_spoken(self) -> None:
        offered = Answer(json.dumps({"version": ["1.19", "2.4", "2.17"]}))
        self.versions = offered
        found = self.connections.of(self.array)
        self.assertIsInstance(found, rest2.Rest2)
        self.assertEqual("2.17", session2.best(["1.19", "2.17", "2.4"]))
        self.assertIsNone(session2.best(["1.19", "2.9999"]))

    def test_an_answer_without_end(self) -> None:
        self.versions = Answer(drip=dripping.BODY)
        connections = connection.Connections((5, 0.3), lambda: None)
        self.assertRaises(
            exception.ArrayUnavailable, connections.of, self.array
        )

    def test_without_the_optional_sdk(self) -> None:
        self._without_sdk()
        self.assertIsInstance(self.connections.of(self.array), rest1.Rest1)

    def test_rest2_only_without_the_optional_sdk(self) -> None:
        self._without_sdk()
        error = self.refused(["2.2", "2.17"])
        self.assertIs(exception.ArrayError, type(error))
        self.assertIn("REST 2.x only", str(error))
        self.assertIn("pure2", error.remedy)

    def _without_sdk(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.storage.pure.session2.installed", lambda: False
            )
        )

    def test_no_array(self) -> None:
        self.assertIs(exception.ArrayUnavailable, type(self.refused(["v3.0"])))
        for answer in (
            Answer("null"),
            Answer("<html>", content_type="text/html"),
            Answer("{}"),
            Answer("{}", status=503),
        ):
            self.versions = answer
            self.assertRaises(
                exception.ArrayUnavailable, self.connections.of, self.array
            )

    def test_asked_again_after_a_failure(self) -> None:
        self.versions, versions = Answer("{}", status=503), self.versions
        self.assertRaises(
            exception.ArrayUnavailable, self.connections.of, self.array
        )
        self.versions = versions
        self.assertIsNotNone(self.connections.of(self.array))
