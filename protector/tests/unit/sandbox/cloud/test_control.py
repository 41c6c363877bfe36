# SPDX-License-Identifier: Apache-2.0
"""Tests can disturb the emulated cloud and look inside."""

import concurrent.futures
import json
import time
import typing

from keystoneauth1 import exceptions
import requests

from protector.tests import base
from protector.tests.fixtures import emulated_cloud


class ControlTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fixture = self.useFixture(emulated_cloud.EmulatedCloud())
        self.control = self.fixture.control
        self.session = self.fixture.session()
        self.url = f"{self.fixture.url}/network/v2.0/ports"

    def get(self) -> requests.Response:
        return requests.get(
            self.url,
            headers={"X-Auth-Token": self.session.get_token()},
            timeout=10,
        )

    def fault(self, **given: typing.Any) -> None:
        given.setdefault("match", "^network GET /v2.0/ports$")
        self.control("POST", "faults", given)

    def test_a_status_a_number_of_times(self) -> None:
        self.fault(status=503, body={"a": 1}, retry_after=3, count=1)
        first = self.get()
        self.assertEqual(503, first.status_code)
        self.assertEqual("3", first.headers["Retry-After"])
        self.assertEqual({"a": 1}, first.json())
        self.assertEqual(200, self.get().status_code)
        (fault,) = self.control("GET", "faults")["faults"]
        self.assertEqual((1, 0), (fault["hits"], fault["count"]))
        self.control("DELETE", "faults")
        self.assertEqual([], self.control("GET", "faults")["faults"])

    def test_a_dropped_connection(self) -> None:
        self.fault(drop=True)
        self.assertRaises(requests.ConnectionError, self.get)

    def test_a_hang_outlasts_the_client(self) -> None:
        self.fault(hang=30)
        headers = {"X-Auth-Token": self.session.get_token()}
        self.assertRaises(
            requests.ReadTimeout,
            requests.get,
            self.url,
            headers=headers,
            timeout=0.2,
        )

    def test_an_answer_lost_after_the_deed(self) -> None:
        self.fault(match="POST /v2.0/security-groups", phase="after", drop=1)
        client = self.fixture.connect().network
        body = {"security_group": {"name": "made anyway"}}
        self.assertRaises(
            exceptions.ConnectFailure,
            client.post,
            "/security-groups",
            json=body,
            connect_retries=0,
        )
        self.control("DELETE", "faults")
        names = [row.name for row in client.security_groups()]
        self.assertIn("made anyway", names)

    def test_a_malformed_fault_is_refused(self) -> None:
        for body in ({}, {"match": "("}, {"match": "x", "colour": "red"}):
            answer = requests.post(
                f"{self.fixture.url}/control/faults", json=body, timeout=10
            )
            self.assertEqual(400, answer.status_code)

    def test_latency(self) -> None:
        self.control("PATCH", "settings", {"latency": {"network": 0.3}})
        self.session.get_token()
        start = time.monotonic()
        self.get()
        self.assertLess(0.3, time.monotonic() - start)
        self.control("PATCH", "settings", {"latency": {"network": None}})
        self.assertEqual({}, self.control("GET", "settings")["latency"])

    def test_a_cap_makes_calls_wait(self) -> None:
        body = {"latency": {"network": 0.1}, "concurrency": {"network": 1}}
        self.control("PATCH", "settings", body)
        self.session.get_token()
        start = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: self.get(), range(4)))
        self.assertEqual([200] * 4, [row.status_code for row in found])
        self.assertLess(0.4, time.monotonic() - start)

    def test_the_log_of_changing_calls_has_no_secret(self) -> None:
        client = self.fixture.connect().network
        client.create_security_group(name="logged")
        text = json.dumps(self.control("GET", "calls"))
        self.assertNotIn(f'"{emulated_cloud.PASSWORD}"', text)
        rows = self.control("GET", "calls")["calls"]
        row = rows[-1]
        self.assertEqual(
            ("network", "POST", "/v2.0/security-groups", "demo", 201),
            tuple(
                row[key]
                for key in ("service", "method", "path", "user", "status")
            ),
        )
        client.create_security_group(name="later")
        later = self.control("GET", f"calls?since={row['id']}")["calls"]
        self.assertEqual(
            ["later"], [row["body"]["security_group"]["name"] for row in later]
        )
        counts = self.control("GET", "calls")["counts"]
        self.assertEqual(2, counts["network POST"])

    def test_the_inventory_has_everything_but_secrets(self) -> None:
        found = self.control("GET", "inventory")
        names = {row["name"] for row in found["networks"]}
        self.assertEqual({"net1", "test-net1", "public"}, names)
        self.assertEqual({"***"}, {r["password_hash"] for r in found["users"]})
        self.assertNotIn("tokens", found)
        one = self.control("GET", "inventory/routers")
        self.assertEqual(["routers"], list(one))

    def test_tokens_expire(self) -> None:
        self.control("PATCH", "settings", {"token_seconds": 0.2})
        token = self.fixture.session().get_token()
        deadline = time.monotonic() + 5
        headers = {"X-Auth-Token": token}
        get = requests.get
        while get(self.url, headers=headers, timeout=5).status_code != 401:
            self.assertLess(time.monotonic(), deadline)
