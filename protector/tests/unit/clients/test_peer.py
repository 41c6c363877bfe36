# SPDX-License-Identifier: Apache-2.0
"""The other Protector: what is sent, and its refusals made anew."""

import datetime
import hashlib
import time
from typing import Any

from protector import exception
from protector.tests import base
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
IDENTITY = {"site": {"id": fake_cloud.SITE_ID, "name": "site-b"}}
ROOT = {"versions": [{"id": "v1"}]}


def refusal(status: int, reason: str, **details: Any) -> fake_cloud.Answer:
    return Answer(
        status,
        {
            "error": {
                "code": status,
                "title": "A title",
                "message": f"It is {reason}.",
                "reason": reason,
                "details": details,
                "request_id": "req-1",
            }
        },
    )


class PeerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        self.peer = self.make()

    def make(self, **changes: Any) -> Any:
        options = {
            name: changes.pop(name)
            for name in ("read_timeout", "read_retries")
            if name in changes
        }
        clouds = fake_cloud.clients(self.cloud, **options)._clouds
        return clouds.site(fake_cloud.access(self.cloud.url, **changes)).peer


class RequestTest(PeerTestCase):
    def test_each_call_goes_where_it_should(self) -> None:
        for method in ("GET", "POST", "PUT", "DELETE"):
            self.cloud.on(method, "^/protector", Answer(200, {"groups": []}))
        given = {"epoch": 4, "version": 2, "checksum": "c"}
        self.cloud.on("POST", "/release$", Answer(200, given))
        peer = self.peer
        peer.identity()
        peer.groups()
        peer.groups("g1")
        peer.reserve({"id": "g"})
        peer.push("g", b"{}")
        peer.forget("g", {"epoch": 3})
        peer.action("g", {"verb": "failover"})
        peer.lock("g", "op", 3, 120)
        peer.unlock("g", "op")
        peer.release("g", "op", 4)
        peer.mirror("op", {"status": "running"})
        self.assertEqual(
            [
                "GET /identity",
                "GET /groups",
                "GET /groups",
                "POST /groups",
                "PUT /groups/g",
                "DELETE /groups/g",
                "POST /groups/g/action",
                "POST /groups/g/lock",
                "POST /groups/g/unlock",
                "POST /groups/g/release",
                "PUT /operations/op",
            ],
            [s.replace("/protector/v1/peer", "") for s in self.cloud.sent()],
        )
        self.assertEqual({"marker": ["g1"]}, self.cloud.calls[2].query)
        self.assertEqual(
            {"operation_id": "op", "epoch_held": 3, "span_seconds": 120},
            self.cloud.calls[7].json,
        )
        self.assertEqual(
            {"operation_id": "op", "epoch": 4}, self.cloud.calls[9].json
        )

    def test_headers(self) -> None:
        self.cloud.on("GET", "/identity$", Answer(200, IDENTITY))
        self.assertEqual(IDENTITY, self.peer.identity())
        headers = self.cloud.calls[0].headers
        self.assertEqual("protector 1.2", headers["OpenStack-API-Version"])
        self.assertEqual("site-a-id", headers["X-Protector-Site"])
        self.assertIn("own-project", headers["X-Auth-Token"])
        self.assertTrue(headers["X-Openstack-Request-Id"].startswith("req-"))

    def test_a_document_goes_byte_for_byte(self) -> None:
        document = '{"b": 1,   "a": "\u00e9\\u00e9"}\n'.encode()
        self.cloud.on("PUT", "/groups/g$", Answer(200, {"version": 2}))
        self.assertEqual({"version": 2}, self.peer.push("g", document))
        call = self.cloud.calls[0]
        self.assertEqual(document, call.body)
        self.assertEqual(
            hashlib.sha256(document).hexdigest(),
            call.headers["X-Protector-Checksum"],
        )
        self.assertEqual("application/json", call.headers["Content-Type"])

    def test_an_endpoint_of_its_own_comes_first(self) -> None:
        other = self.useFixture(fake_cloud.FakeCloud())
        other.on("GET", "^/v1/peer/identity$", Answer(200, IDENTITY))
        peer = self.make(endpoint=other.url)
        self.assertEqual(IDENTITY, peer.identity())
        self.assertEqual([], self.cloud.calls)

    def test_an_answer_without_a_body(self) -> None:
        self.cloud.on("PUT", "/operations/", Answer(204))
        self.assertEqual({}, self.peer.mirror("op", {}))

    def test_reads_are_repeated_and_writes_are_not(self) -> None:
        self.cloud.on(
            "GET", "/identity$", Answer(cut=True), Answer(200, IDENTITY)
        )
        self.peer.identity()
        self.cloud.calls.clear()
        self.cloud.on("PUT", "/groups/g$", Answer(cut=True), Answer(204))
        self.assertRaises(
            exception.PeerUnreachable, self.peer.push, "g", b"{}"
        )
        self.assertEqual(1, len(self.cloud.calls))


class RefusalTest(PeerTestCase):
    def _push(self, answer: Answer) -> exception.ProtectorError:
        self.cloud.on("PUT", "/groups/g$", answer)
        try:
            self.peer.push("g", b"{}")
        except exception.ProtectorError as e:
            return e
        raise AssertionError("no error")

    def test_reasons_come_back_as_their_classes(self) -> None:
        for kind in (
            exception.NameTaken,
            exception.LockLost,
            exception.InvalidStatus,
            exception.TenantNotMapped,
            exception.NotFound,
            exception.InvalidReference,
            exception.EngineUnreachable,
        ):
            error = self._push(refusal(kind.code, kind.__name__, a=1))
            self.assertIs(kind, type(error))
            self.assertEqual(f"It is {kind.__name__}.", error.message)
            self.assertEqual({"a": 1}, error.details)
            self.assertEqual(kind.remedy, error.remedy)

    def test_a_stale_document_brings_the_triple(self) -> None:
        triple = {"epoch": 3, "version": 7, "checksum": "ab"}
        error = self._push(refusal(409, "StaleDocument", **triple))
        self.assertIs(exception.StaleDocument, type(error))
        self.assertEqual(triple, error.details)

    def test_an_unknown_reason_keeps_status_and_text(self) -> None:
        for status, kind in (
            (400, exception.BadRequest),
            (404, exception.NotFound),
            (409, exception.Conflict),
        ):
            error = self._push(refusal(status, "FromTheFuture"))
            self.assertIs(kind, type(error))
            self.assertEqual("It is FromTheFuture.", error.message)

    def test_a_reason_that_does_not_fit_its_status(self) -> None:
        error = self._push(refusal(409, "LeaseLost"))
        self.assertIs(exception.Conflict, type(error))

    def test_details_that_an_exception_cannot_carry(self) -> None:
        error = self._push(refusal(409, "Conflict", message="x", remedy="y"))
        self.assertEqual({}, error.details)
        answer = refusal(409, "Conflict")
        answer.body["error"]["details"] = ["odd"]
        self.assertEqual({}, self._push(answer).details)

    def test_refused_credentials_are_no_refusal_of_the_user(self) -> None:
        for status in (401, 403):
            error = self._push(refusal(status, "PolicyForbidden"))
            self.assertIs(exception.CloudForbidden, type(error))
            self.assertIn("Protector at site site-b", error.message)

    def test_keystone_refuses(self) -> None:
        self.cloud.on("POST", fake_cloud.TOKENS, Answer(401, {}))
        self.assertRaises(exception.CloudForbidden, self.peer.identity)

    def test_answers_that_are_not_the_peers(self) -> None:
        for answer in (
            Answer(200, "<html>captive portal</html>"),
            Answer(200, [1]),
            Answer(404, "<h1>Not Found</h1>"),
            Answer(404, {"message": "Not Found"}),
            Answer(500, {"error": {"message": "x", "reason": "NoSuch"}}),
            refusal(500, "ProtectorError"),
            Answer(502, "<h1>Bad Gateway</h1>"),
            Answer(413, {"error": {"message": "too large"}}),
            Answer(cut=True),
        ):
            error = self._push(answer)
            self.assertIs(exception.PeerUnreachable, type(error))
            self.assertIn("Site site-b is unreachable", error.message)
            self.assertEqual(fake_cloud.SITE_ID, error.details["site"])

    def test_a_release_tells_what_was_given(self) -> None:
        """The claim would be of another history."""
        given = {"epoch": 4, "version": 2, "checksum": "c"}
        path = "/groups/g/release$"
        for broken in (
            {"another": [1]},
            given | {"version": None},
            given | {"checksum": 1},
        ):
            self.cloud.on("POST", path, Answer(200, broken))
            self.assertRaises(
                exception.PeerUnreachable, self.peer.release, "g", "op", 4
            )
        self.cloud.on("POST", path, Answer(200, given | {"new": 1}))
        self.assertEqual(given, self.peer.release("g", "op", 4))


class PagesTest(PeerTestCase):
    def test_a_peer_that_ignores_the_marker(self) -> None:
        self.cloud.on(
            "GET",
            "/v1/peer/groups",
            Answer(200, {"groups": [{"id": "g"}]}),
        )
        self.assertRaises(exception.PeerUnreachable, self.peer.all_groups)


class CheckTest(PeerTestCase):
    def test_a_living_peer(self) -> None:
        self.cloud.on("GET", "^/protector/$", Answer(200, ROOT))
        self.cloud.on("GET", "/identity$", Answer(200, IDENTITY))
        self.assertEqual(IDENTITY, self.peer.check(5))

    def test_it_asks_without_a_token_first(self) -> None:
        self.cloud.on("GET", "^/$", Answer(cut=True))
        peer = self.make(endpoint=self.cloud.url)
        self.assertRaises(exception.PeerUnreachable, peer.check, 5)
        self.assertEqual([], self.cloud.sign_ins)

    def test_its_time(self) -> None:
        self.cloud.on("GET", "^/protector/$", Answer(200, ROOT))
        told = self.peer.time()
        self.assertEqual(datetime.UTC, told.tzinfo)
        self.assertLess(abs(told.timestamp() - time.time()), 60)

    def test_silence_is_noticed_in_time(self) -> None:
        for silent in ("^/protector/$", "/identity$", fake_cloud.TOKENS):
            self.cloud.on("GET", "^/protector/$", Answer(200, ROOT))
            self.cloud.on("GET", "/identity$", Answer(200, IDENTITY))
            for method in ("GET", "POST"):
                self.cloud.on(method, silent, self.cloud.hang())
            begun = time.monotonic()
            error = self.assertRaises(
                exception.PeerUnreachable, self.make().check, 0.4
            )
            self.assertLess(time.monotonic() - begun, 5)
            self.assertIn("Connection timeout", error.message)

    def test_a_failing_peer_is_not_asked_again(self) -> None:
        self.cloud.on("GET", "^/protector/$", Answer(503, "<h1>Busy</h1>"))
        self.assertRaises(exception.PeerUnreachable, self.peer.check, 5)
        self.assertEqual(1, len(self.cloud.calls))

    def test_another_site_there(self) -> None:
        self.cloud.on("GET", "^/protector/$", Answer(200, ROOT))
        for body, text in (
            ({"site": {"id": "somebody"}}, "another site"),
            ({"site": "odd"}, "broken answer"),
            ({}, "broken answer"),
        ):
            self.cloud.on("GET", "/identity$", Answer(200, body))
            error = self.assertRaises(
                exception.PeerUnreachable, self.peer.check, 5
            )
            self.assertIn(text, error.message)

    def test_refused_credentials_count_as_no_answer(self) -> None:
        self.cloud.on("GET", "^/protector/$", Answer(200, ROOT))
        for answer in (refusal(403, "PolicyForbidden"), Answer(401, {})):
            self.cloud.on("GET", "/identity$", answer)
            self.assertRaises(exception.PeerUnreachable, self.peer.check, 5)
