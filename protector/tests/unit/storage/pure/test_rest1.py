# SPDX-License-Identifier: Apache-2.0
"""What the REST 1.x adapter makes of answers that arrays give, or do not."""

import dataclasses
import json
import logging
import socket
import time
from typing import Any

from protector import exception
from protector.storage import base as storage
from protector.storage.pure import rest1
from protector.tests import base
from protector.tests.fixtures import certificates, dripping, https_server

TOKEN = "11111111-2222-3333-4444-555555555555"
VERSIONS = json.dumps({"version": ["1.0", "1.19", "2.2"]})
Answer = https_server.Answer


def refusal(msg: str, ctx: str = "vol", **more: Any) -> Answer:
    return Answer(json.dumps([{"msg": msg, "ctx": ctx}]), **more or {})


class Rest1Case(base.TestCase):
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

    def open(self, array: storage.Array, read: float = 5) -> rest1.Rest1:
        return rest1.Rest1(array, (5, read), self._before_change)

    def _before_change(self) -> None:
        self.asked.append(len(self.server.requests))

    def _respond(self, method: str, path: str, body: Any) -> Answer:
        if path == "/api/api_version":
            return Answer(VERSIONS)
        path = path.removeprefix("/api/1.19/")
        planned = self.answers.get((method, path))
        if isinstance(planned, list):
            return planned.pop(0)
        if planned is None and path == "auth/session":
            return Answer('{"username": "u"}')
        return planned or Answer("[]")

    def sent(self, method: str, path: str) -> list[Any]:
        return [
            body
            for verb, where, body in self.server.requests
            if (verb, where) == (method, f"/api/1.19/{path}")
        ]


class TestErrors(Rest1Case):
    def refused(self, answer: Answer) -> exception.ArrayError:
        self.answers["POST", "volume/t"] = answer
        return self.assertRaises(
            exception.ArrayError, self.adapter.copy_volume, "s", "t"
        )

    def test_missing(self) -> None:
        for text in (
            "Volume does not exist.",
            "Volume has been destroyed.",
            "Source could not be found.",
            "No such volume or snapshot.",
        ):
            error = self.refused(refusal(text, status=400))
            self.assertIs(exception.ArrayNotFound, type(error))
            self.assertEqual(f"Array array-a: vol: {text}", str(error))

    def test_refused(self) -> None:
        error = self.refused(refusal("Invalid size.", status=400))
        self.assertIs(exception.ArrayError, type(error))
        self.assertIn("Invalid size.", str(error))

    def test_unknown_outcome(self) -> None:
        for answer in (
            Answer("null"),
            Answer("<html>", content_type="text/html"),
            Answer("{not json"),
            Answer("<html>busy", status=502, content_type="text/html"),
            Answer("<html>proxy", status=400, content_type="text/html"),
            Answer("[7]", status=400),
            refusal("Internal error", status=500),
            refusal("Slow down", status=429),
        ):
            error = self.refused(answer)
            self.assertIs(exception.ArrayUnavailable, type(error), answer)

    def test_other_shape(self) -> None:
        for body in ('{"name": "v"}', "[]", '"text"', "7"):
            self.answers["GET", "volume/v"] = Answer(body)
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
        self.answers["POST", "volume/t"] = Answer(hang=True)
        adapter = self.open(self.array, read=0.3)
        start = time.monotonic()
        self.assertRaises(
            exception.ArrayUnavailable, adapter.copy_volume, "s", "t"
        )
        self.assertLess(time.monotonic() - start, 3)

    def test_hung_before_login(self) -> None:
        self.answers["POST", "auth/session"] = Answer(hang=True)
        adapter = self.open(self.array, read=0.3)
        self.assertRaises(exception.ArrayUnavailable, adapter.volume, "v")

    def test_answers_without_end(self) -> None:
        adapter = self.open(self.array, read=0.3)
        for request in (("POST", "auth/session"), ("POST", "volume/t")):
            for begin in (dripping.HEAD, dripping.BODY):
                self.answers[request] = Answer(drip=begin)
                start = time.monotonic()
                self.assertRaises(
                    exception.ArrayUnavailable, adapter.copy_volume, "s", "t"
                )
                self.assertLess(time.monotonic() - start, 20)
            del self.answers[request]

    def test_a_redirect_is_no_answer(self) -> None:
        """Followed, a change would become a reading that succeeds."""
        self.answers["GET", "volume/t"] = Answer("{}")
        to = f"https://{self.server.address}/api/1.19/volume/t"
        error = self.refused(Answer(status=302, headers={"Location": to}))
        self.assertIs(exception.ArrayUnavailable, type(error))

    def test_wrong_token(self) -> None:
        self.answers["POST", "auth/session"] = refusal(
            f"invalid credentials {TOKEN}", status=401
        )
        error = self.assertRaises(
            exception.ArrayError, self.adapter.volume, "v"
        )
        self.assertIs(exception.ArrayDenied, type(error))
        self.assertIn("api_token", error.remedy)

    def test_no_token(self) -> None:
        array = dataclasses.replace(self.array, api_token=None)
        error = self.assertRaises(
            exception.ArrayError, self.open(array).volume, "v"
        )
        self.assertIn("api_token", error.remedy)


class TestTrust(Rest1Case):
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
        self.assertIs(exception.ArrayError, type(error))
        self.assertIn("ca_file", error.remedy)


class TestSecrets(Rest1Case):
    def test_token_is_nowhere(self) -> None:
        self.hear("urllib3", "urllib3.connectionpool")
        said = f"what is {TOKEN}?"
        self.answers["POST", "volume/t"] = [
            refusal(said, status=400),
            refusal(said, status=503),
            Answer(said, content_type="text/plain"),
        ]
        for _ in range(3):
            try:
                self.adapter.copy_volume("s", "t")
            except exception.ArrayError as error:
                logging.getLogger("test").exception("%r", error)
                self.assertNotIn(TOKEN, str(error.as_dict()))
            else:
                self.fail("not refused")
        self.assertIn("copy s to t", self.log_output)
        self.assertIn("POST /api/1.19/auth/session", self.log_output)
        self.assertNotIn(TOKEN, self.log_output)
        self.assertNotIn(TOKEN, repr(self.array))
        self.assertNotIn(TOKEN, repr(vars(self.adapter)))


class TestBeforeChange(Rest1Case):
    def test_reads_do_not_ask(self) -> None:
        self.adapter.volumes("")
        self.assertEqual([], self.asked)

    def test_after_the_login(self) -> None:
        self.answers["POST", "volume/t"] = Answer("{}")
        self.adapter.copy_volume("s", "t")
        method, path, _ = self.server.requests[self.asked[0]]
        self.assertEqual(
            ("POST", "/api/1.19/volume/t"), (method, path), self.asked
        )

    def test_again_before_the_sdk_repeats(self) -> None:
        self.answers["POST", "volume/t"] = [
            refusal("no session", status=401),
            Answer("{}"),
        ]
        self.adapter.copy_volume("s", "t")
        self.assertEqual(2, len(self.asked))
        self.assertEqual(2, len(self.sent("POST", "volume/t")))

    def test_lost_while_the_sdk_repeats(self) -> None:
        self.answers["POST", "volume/t"] = [
            refusal("no session", status=401),
            Answer("{}"),
        ]
        self._after(1, exception.LeaseLost("gone"))
        self.assertRaises(
            exception.LeaseLost, self.adapter.copy_volume, "s", "t"
        )
        self.assertEqual(1, len(self.sent("POST", "volume/t")))

    def test_what_it_raises_is_untouched(self) -> None:
        self._after(0, ValueError("of the database"))
        self.assertRaises(ValueError, self.adapter.copy_volume, "s", "t")
        self.assertEqual([], self.sent("POST", "volume/t"))

    def _after(self, times: int, error: Exception) -> None:
        def before_change() -> None:
            self._before_change()
            if len(self.asked) > times:
                raise error

        self.adapter = rest1.Rest1(self.array, (5, 5), before_change)


class TestShapes(Rest1Case):
    def test_links_of_both_generations(self) -> None:
        self.answers["GET", "array/connection"] = Answer(
            json.dumps(
                [
                    {"array_name": "b", "status": "partially_connected"},
                    {"array_name": "c", "connected": True, "type": ["x"]},
                    {"array_name": "d", "connected": False},
                ]
            )
        )
        self.assertEqual(
            ["partially_connected", "connected", "disconnected", None],
            [self.adapter.link(name) for name in "bcde"],
        )

    def test_transfers(self) -> None:
        row = {
            "name": "array-b:g.1",
            "created": "2017-12-16T05:13:04Z",
            "started": None,
            "completed": None,
            "progress": None,
        }
        self.answers["GET", "pgroup/array-b:g"] = Answer(json.dumps([row]))
        (transfer,) = self.adapter.transfers("array-b:g")
        self.assertEqual(
            "2017-12-16T05:13:04+00:00", transfer.created.isoformat()
        )
        self.assertIsNone(transfer.completed)
        self.assertEqual(0, transfer.progress)
        self.assertEqual(0, transfer.bytes)

    def test_empty_group(self) -> None:
        self.answers["GET", "pgroup/g"] = Answer(
            json.dumps({"name": "g", "volumes": None, "targets": None})
        )
        group = self.adapter.group("g")
        self.assertEqual((frozenset(), {}), (group.volumes, group.targets))

    def test_host_groups_count(self) -> None:
        self.answers["GET", "volume/v/host"] = Answer(
            '[{"name": "v", "host": "h2", "lun": 1}]'
        )
        self.answers["GET", "volume/v/hgroup"] = Answer(
            '[{"name": "v", "hgroup": "h1", "lun": 2}]'
        )
        self.assertEqual(["h1", "h2"], self.adapter.hosts("v"))

    def test_content_with_what_is_allowed(self) -> None:
        self.answers["PUT", "pgroup/a:g"] = refusal(
            "Protection group is already allowed on array-a.", status=400
        )
        self.adapter.set_allowed("a:g", True)
        self.assertRaises(
            exception.ArrayError, self.adapter.set_allowed, "a:g", False
        )

    def test_space_of_all_versions(self) -> None:
        row = {"hostname": "array-a", "capacity": 100, "total": 7}
        for told in (row, [row]):
            self.answers["GET", "array"] = Answer(json.dumps(told))
            self.assertEqual(storage.Space(100, 7), self.adapter.space())
