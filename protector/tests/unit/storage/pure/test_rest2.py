# SPDX-License-Identifier: Apache-2.0
"""What the REST 2.x adapter makes of answers that arrays give, or do not."""

import atexit
import dataclasses
import gc
import json
import logging
import socket
import time
from typing import Any
from unittest import mock

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import rest2
from protector.tests import base
from protector.tests.fixtures import certificates, dripping, https_server

TOKEN = "11111111-2222-3333-4444-555555555555"
SESSION = "66666666-7777-8888-9999-000000000000"
VERSIONS = json.dumps({"version": ["1.19", "2.17"]})
COPY = "POST", "volumes"
Answer = https_server.Answer


def items(*rows: dict[str, Any]) -> Answer:
    return Answer(json.dumps({"items": rows}))


def refusal(message: str, status: int = 400) -> Answer:
    body = {"errors": [{"context": "vol", "message": message}]}
    return Answer(json.dumps(body), status=status)


class Rest2Case(base.TestCase):
    """A fake array that knows sessions; each test adds its answers."""

    def setUp(self) -> None:
        super().setUp()
        logging.getLogger("urllib3").setLevel(logging.DEBUG)
        self.authority = self.useFixture(certificates.Authority())
        self.server = self.useFixture(
            https_server.HttpsServer(self._respond, self.authority)
        )
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[int] = []
        self.array = self.describe(self.authority.ca_file)
        self.adapter = self.open(self.array)

    def describe(self, ca_file: str | None) -> storage.Array:
        return storage.Array(
            name="array-a",
            management_address=self.server.address,
            api_token=TOKEN,
            ca_file=ca_file,
            verify=True,
            site=None,
            backend=None,
        )

    def open(self, array: storage.Array, read: float = 5) -> rest2.Rest2:
        return rest2.Rest2(array, "2.17", (5, read), self._before_change)

    def _before_change(self) -> None:
        self.asked.append(len(self.server.requests))

    def _respond(self, method: str, path: str, body: Any) -> Answer:
        if path == "/api/api_version":
            return Answer(VERSIONS)
        path = path.removeprefix("/api/2.17/").partition("?")[0]
        planned = self.answers.get((method, path))
        if isinstance(planned, list):
            return planned.pop(0)
        if planned is None and path == "login":
            return Answer(headers={"x-auth-token": SESSION})
        return planned or items()

    def sent(self, method: str, path: str) -> list[Any]:
        return [
            (where, body)
            for verb, where, body in self.server.requests
            if verb == method and where.startswith(f"/api/2.17/{path}")
        ]

    def copy(self) -> None:
        self.adapter.copy_volume("s", "t")


class TestErrors(Rest2Case):
    def refused(self, answer: Answer) -> exception.ArrayError:
        self.answers[COPY] = answer
        return self.assertRaises(exception.ArrayError, self.copy)

    def test_missing(self) -> None:
        for text in ("Volume does not exist.", "Volume has been destroyed."):
            error = self.refused(refusal(text))
            self.assertIs(exception.ArrayNotFound, type(error))
            self.assertEqual(f"Array array-a: vol: {text}", str(error))

    def test_refused(self) -> None:
        error = self.refused(refusal("Invalid size."))
        self.assertIs(exception.ArrayError, type(error))
        self.assertIn("Invalid size.", str(error))

    def test_unknown_outcome(self) -> None:
        for answer in (
            Answer("null"),
            Answer("{not json"),
            Answer("<html>busy", status=502, content_type="text/html"),
            Answer("<html>proxy", status=400, content_type="text/html"),
            Answer("[7]", status=400),
            Answer("{}", status=400),
            refusal("Internal error", status=500),
            refusal("Server is busy", status=500),
            Answer('{"message": "Slow down"}', status=429),
        ):
            error = self.refused(answer)
            self.assertIs(exception.ArrayUnavailable, type(error), answer)

    def test_nothing_is_sent_twice(self) -> None:
        for status in (429, 500, 502, 503):
            self.refused(refusal("Server is busy", status=status))
        self.assertEqual(4, len(self.sent(*COPY)))
        self.assertEqual(4, len(self.asked))

    def test_other_shape(self) -> None:
        for body in ('{"items": [{"name": "v"}]}', '{"items": []}', "[]", "7"):
            self.answers["GET", "volumes"] = Answer(body)
            self.assertRaises(
                exception.ArrayUnavailable, self.adapter.volume, "v"
            )

    def test_nobody_there(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        array = dataclasses.replace(
            self.array, management_address=f"127.0.0.1:{port}"
        )
        self.assertRaises(
            exception.ArrayUnavailable, self.open(array).volume, "v"
        )

    def test_hung(self) -> None:
        self.answers[COPY] = Answer(hang=True)
        self.adapter = self.open(self.array, read=0.3)
        self.assertRaises(exception.ArrayUnavailable, self.copy)
        self.assertEqual(1, len(self.sent(*COPY)))

    def test_hung_before_login(self) -> None:
        self.answers["POST", "login"] = Answer(hang=True)
        adapter = self.open(self.array, read=0.3)
        self.assertRaises(exception.ArrayUnavailable, adapter.volume, "v")

    def test_answers_without_end(self) -> None:
        self.adapter = self.open(self.array, read=0.3)
        for request in (("POST", "login"), COPY):
            for begin in (dripping.HEAD, dripping.BODY):
                self.answers[request] = Answer(drip=begin)
                start = time.monotonic()
                self.assertRaises(exception.ArrayUnavailable, self.copy)
                self.assertLess(time.monotonic() - start, 20)
            del self.answers[request]

    def test_a_login_is_not_put_off(self) -> None:
        """The SDK would sleep as long as the array says, three times."""
        later = {"Retry-After": "3600"}
        self.answers["POST", "login"] = Answer(status=429, headers=later)
        self.assertRaises(exception.ArrayUnavailable, self.copy)
        self.assertEqual(1, len(self.sent("POST", "login")))

    def test_a_redirect_is_no_answer(self) -> None:
        to = f"https://{self.server.address}/api/2.17/volumes"
        error = self.refused(Answer(status=302, headers={"Location": to}))
        self.assertIs(exception.ArrayUnavailable, type(error))
        self.assertEqual(1, len(self.sent(*COPY)))

    def test_wrong_token(self) -> None:
        self.answers["POST", "login"] = refusal(f"{TOKEN} is unknown", 401)
        error = self.assertRaises(
            exception.ArrayError, self.adapter.volume, "v"
        )
        self.assertIs(exception.ArrayDenied, type(error))
        self.assertIn("api_token", error.remedy)
        self.assertNotIn(TOKEN, str(error))

    def test_no_token(self) -> None:
        array = dataclasses.replace(self.array, api_token=None)
        error = self.assertRaises(
            exception.ArrayError, self.open(array).volume, "v"
        )
        self.assertIn("api_token", error.remedy)


class TestTrust(Rest2Case):
    """The SDK's own ``ssl_cert`` pins nothing and it verifies nobody."""

    def test_other_authority(self) -> None:
        other = self.useFixture(certificates.Authority())
        adapter = self.open(self.describe(other.ca_file))
        error = self.assertRaises(
            exception.ArrayUnavailable, adapter.volume, "v"
        )
        self.assertIn("certificate", error.remedy)
        self.assertEqual([], self.server.requests)

    def test_verified_by_default(self) -> None:
        adapter = self.open(self.describe(None))
        self.assertRaises(exception.ArrayUnavailable, adapter.volume, "v")
        self.assertEqual([], self.server.requests)

    def test_no_ca_file(self) -> None:
        adapter = self.open(self.describe("/nonexistent/ca.pem"))
        error = self.assertRaises(exception.ArrayError, adapter.volume, "v")
        self.assertIn("ca_file", error.remedy)


class TestSecrets(Rest2Case):
    def test_token_is_nowhere(self) -> None:
        self.hear("urllib3", "urllib3.connectionpool", "pypureclient")
        said = f"what is {TOKEN}?"
        self.answers[COPY] = [
            refusal(said),
            refusal(said, status=503),
        ]
        for _ in range(2):
            error = self.assertRaises(exception.ArrayError, self.copy)
            logging.getLogger("test").error("%r", error)
            self.assertNotIn(TOKEN, str(error.as_dict()))
        self.assertIn("copy s to t", self.log_output)
        self.assertIn("/api/2.17/login", self.log_output)
        for secret in (TOKEN, SESSION):
            self.assertNotIn(secret, self.log_output)
            self.assertNotIn(secret, repr(self.array))
            self.assertNotIn(secret, repr(vars(self.adapter)))


class TestBeforeChange(Rest2Case):
    def test_reads_do_not_ask(self) -> None:
        self.adapter.volumes("")
        self.assertEqual([], self.asked)

    def test_after_the_login(self) -> None:
        self.copy()
        method, path, _ = self.server.requests[self.asked[0]]
        self.assertEqual("POST", method)
        self.assertTrue(path.startswith("/api/2.17/volumes?"), path)

    def test_again_in_a_new_session(self) -> None:
        self.answers[COPY] = [refusal("no session", status=401), items()]
        self.copy()
        self.assertEqual(2, len(self.asked))
        self.assertEqual(2, len(self.sent(*COPY)))
        self.assertEqual(2, len(self.sent("POST", "login")))

    def test_no_third_session(self) -> None:
        self.answers[COPY] = refusal("no session", status=401)
        error = self.assertRaises(exception.ArrayError, self.copy)
        self.assertIn("denies access", str(error))
        self.assertEqual(2, len(self.sent(*COPY)))

    def test_lost_before_the_new_session_is_used(self) -> None:
        self.answers[COPY] = [refusal("no session", status=401), items()]
        self._after(1, exception.LeaseLost("gone"))
        self.assertRaises(exception.LeaseLost, self.copy)
        self.assertEqual(1, len(self.sent(*COPY)))

    def test_what_it_raises_is_untouched(self) -> None:
        self._after(0, ValueError("of the database"))
        self.assertRaises(ValueError, self.copy)
        self.assertEqual([], self.sent(*COPY))

    def _after(self, times: int, error: Exception) -> None:
        def before_change() -> None:
            self._before_change()
            if len(self.asked) > times:
                raise error

        self.adapter = rest2.Rest2(self.array, "2.17", (5, 5), before_change)


class TestLeaving(Rest2Case):
    def test_nobody_logs_out(self) -> None:
        """Not when the SDK is collected, and not when the process ends."""
        hooks: list[Any] = []
        with mock.patch.object(atexit, "register", hooks.append):
            with mock.patch.object(atexit, "unregister", hooks.remove):
                self.adapter.volumes("")
        self.assertEqual([], hooks)
        del self.adapter
        gc.collect()
        self.assertEqual([], self.sent("POST", "logout"))


class TestShapes(Rest2Case):
    def test_pages(self) -> None:
        row = {"serial": "1", "provisioned": 1, "destroyed": False}
        first = {
            "items": [{"name": "v1", **row}],
            "more_items_remaining": True,
            "continuation_token": "next",
        }
        self.answers["GET", "volumes"] = [
            Answer(json.dumps(first)),
            items({"name": "v2", **row}),
        ]
        found = self.adapter.volumes("v")
        self.assertEqual(["v1", "v2"], [volume.name for volume in found])

    def test_links(self) -> None:
        self.answers["GET", "array-connections"] = items(
            {"name": "b", "status": "partially_connected"}
        )
        self.assertEqual(
            ["partially_connected", None],
            [self.adapter.link(name) for name in "bc"],
        )

    def test_transfers(self) -> None:
        when = 1513401184000
        self.answers["GET", "protection-group-snapshots"] = items(
            {"name": "array-b:g.1", "created": when, "destroyed": False}
        )
        self.answers["GET", "protection-group-snapshots/transfer"] = items(
            {"name": "array-b:g.1", "started": when}
        )
        (transfer,) = self.adapter.transfers("array-b:g")
        self.assertEqual(
            "2017-12-16T05:13:04+00:00", transfer.created.isoformat()
        )
        self.assertIsNone(transfer.completed)
        self.assertEqual((0, 0), (transfer.progress, transfer.bytes))

    def test_a_transfer_whose_snapshot_is_gone(self) -> None:
        self.answers["GET", "protection-group-snapshots/transfer"] = items(
            {"name": "array-b:g.1", "started": 1513401184000}
        )
        self.assertEqual([], self.adapter.transfers("array-b:g"))

    def test_host_groups_count(self) -> None:
        self.answers["GET", "connections"] = items(
            {"host": {"name": "h2"}, "volume": {"name": "v"}},
            {"host_group": {"name": "h1"}, "volume": {"name": "v"}},
        )
        self.assertEqual(["h1", "h2"], self.adapter.hosts("v"))

    def test_intervals_are_milliseconds(self) -> None:
        self.adapter.set_interval("g", 300)
        ((_, body),) = self.sent("PATCH", "protection-groups")
        self.assertEqual(300_000, body["replication_schedule"]["frequency"])

    def test_content_with_what_is_allowed(self) -> None:
        self.answers["PATCH", "protection-groups/targets"] = refusal(
            "Protection group is already allowed on array-a."
        )
        self.adapter.set_allowed("a:g", True)
        self.assertRaises(
            exception.ArrayError, self.adapter.set_allowed, "a:g", False
        )
