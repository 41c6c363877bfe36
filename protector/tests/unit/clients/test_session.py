# SPDX-License-Identifier: Apache-2.0
"""The choke point: guard, retries, timeouts, bounds, tokens, secrecy."""

from concurrent import futures
import threading
import time
from typing import Any

from protector import exception
from protector.tests import base
from protector.tests.fixtures import certificates, dripping
from protector.tests.unit.clients import fake_cloud

Answer = fake_cloud.Answer
SERVERS = r"/servers/detail$"
NONE = Answer(200, {"servers": []})


class SessionTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = self.useFixture(fake_cloud.FakeCloud())
        self.clock = fake_cloud.QuickClock()

    def clients(self, before_change: Any = None, **options: Any) -> Any:
        return fake_cloud.clients(
            self.cloud, before_change, self.clock, **options
        )

    def tenant(self, before_change: Any = None, **options: Any) -> Any:
        return self.clients(before_change, **options).project("tenant")


class RetryTest(SessionTestCase):
    def test_reads_are_repeated(self) -> None:
        for status in (429, 502, 503, 504):
            self.cloud.calls.clear()
            self.cloud.on("GET", SERVERS, Answer(status), Answer(status), NONE)
            self.assertEqual([], self.tenant().compute.list_servers())
            self.assertEqual(3, len(self.cloud.calls))
        self.assertTrue(all(0 <= p <= 8 for p in self.clock.pauses))

    def test_a_cut_connection_is_read_again(self) -> None:
        self.cloud.on("GET", SERVERS, Answer(cut=True), NONE)
        self.assertEqual([], self.tenant().compute.list_servers())

    def test_a_broken_answer_is_read_again(self) -> None:
        torn = Answer(200, '{"servers": [')
        self.cloud.on("GET", SERVERS, torn, NONE)
        self.assertEqual([], self.tenant().compute.list_servers())

    def test_reads_end_after_the_retries(self) -> None:
        self.cloud.on("GET", SERVERS, Answer(503, "<h1>Busy</h1>"))
        compute = self.tenant(read_retries=2).compute
        error = self.assertRaises(
            exception.CloudUnavailable, compute.list_servers
        )
        self.assertEqual(3, len(self.cloud.calls))
        self.assertIn("Nova at site site-b failed to list", error.message)
        self.assertEqual(503, error.details["code"])

    def test_retry_after_is_honoured(self) -> None:
        busy = Answer(503, headers={"Retry-After": "7"})
        self.cloud.on("GET", SERVERS, busy, NONE)
        self.tenant().compute.list_servers()
        self.assertEqual([7.0], self.clock.pauses)

    def test_a_long_retry_after_is_not_waited_for(self) -> None:
        busy = Answer(503, headers={"Retry-After": "3600"})
        self.cloud.on("GET", SERVERS, busy, NONE)
        compute = self.tenant().compute
        self.assertRaises(exception.CloudUnavailable, compute.list_servers)
        self.assertEqual([], self.clock.pauses)

    def test_other_failures_are_not_repeated(self) -> None:
        for status in (400, 403, 404, 409, 500):
            self.cloud.calls.clear()
            self.cloud.on("GET", SERVERS, Answer(status, {}), NONE)
            compute = self.tenant().compute
            self.assertRaises(exception.CloudError, compute.list_servers)
            self.assertEqual(1, len(self.cloud.calls))

    def test_a_redirect_is_no_answer(self) -> None:
        """A front end sends round in circles, or nowhere."""
        path = "/compute/v2.1/servers/s"
        for to in ({"Location": self.cloud.url + path}, {}):
            self.cloud.on("DELETE", "/servers/s$", Answer(302, headers=to))
            self.cloud.calls.clear()
            compute = self.tenant().compute
            self.assertRaises(
                exception.CloudUnavailable, compute.delete_server, "s"
            )
            self.assertLess(len(self.cloud.calls), 4)

    def test_writes_are_not_repeated(self) -> None:
        for answer in (
            Answer(500),
            Answer(503),
            Answer(504),
            Answer(cut=True),
        ):
            self.cloud.calls.clear()
            self.cloud.on("POST", "/servers$", answer, Answer(202, {}))
            compute = self.tenant().compute
            self.assertRaises(
                exception.CloudUnavailable, compute.create_server, {}
            )
            self.assertEqual(1, len(self.cloud.calls))

    def test_a_write_turned_away_with_retry_after_is_sent_again(self) -> None:
        made = Answer(202, {"server": {"id": "s1"}})
        for status in (429, 503):
            self.cloud.calls.clear()
            busy = Answer(status, headers={"Retry-After": "2"})
            self.cloud.on("POST", "/servers$", busy, made)
            self.assertEqual("s1", self.tenant().compute.create_server({}))
            self.assertEqual(2, len(self.cloud.calls))

    def test_signing_in_is_repeated_before_a_write(self) -> None:
        self.cloud.on("POST", fake_cloud.TOKENS, Answer(503), self._token())
        self.cloud.on("POST", "/servers$", Answer(202, {"server": {"id": 1}}))
        self.tenant().compute.create_server({})
        self.assertEqual(["POST /compute/v2.1/servers"], self.cloud.sent())

    def _token(self) -> Any:
        body = self.cloud._token("tenant")
        return Answer(201, body, {"X-Subject-Token": fake_cloud.TOKEN})


class TimeoutTest(SessionTestCase):
    def test_silence_ends_by_the_read_timeout(self) -> None:
        self.cloud.on("GET", SERVERS, self.cloud.hang())
        compute = self.tenant(read_timeout=0.3).compute
        begun = time.monotonic()
        error = self.assertRaises(
            exception.CloudUnavailable, compute.list_servers
        )
        self.assertLess(time.monotonic() - begun, 5)
        self.assertIn("Connection timeout", error.message)
        # a read timeout has used up the time for retries
        self.assertEqual(1, len(self.cloud.calls))

    def test_an_answer_that_never_ends_ends_by_it_too(self) -> None:
        compute = self.tenant(read_timeout=0.3).compute
        for begin in (dripping.HEAD, dripping.BODY):
            self.cloud.on("GET", SERVERS, Answer(drip=begin))
            self.cloud.on("POST", "/servers$", Answer(drip=begin))
            begun = time.monotonic()
            self.assertRaises(exception.CloudUnavailable, compute.list_servers)
            # of unknown outcome, as any without an answer
            self.assertRaises(
                exception.CloudUnavailable, compute.create_server, {}
            )
            self.assertLess(time.monotonic() - begun, 20)

    def test_a_sign_in_that_never_ends_does(self) -> None:
        self.cloud.on("POST", fake_cloud.TOKENS, Answer(drip=dripping.BODY))
        clients = self.clients(read_timeout=0.3)
        begun = time.monotonic()
        self.assertRaises(exception.CloudUnavailable, clients.identity.check)
        self.assertLess(time.monotonic() - begun, 20)

    def test_a_look_does_not_wait_long(self) -> None:
        self.cloud.on("GET", SERVERS, self.cloud.hang())
        looking = self.clients(looking=True, look_timeout=0.3)
        begun = time.monotonic()
        self.assertRaises(
            exception.CloudUnavailable,
            looking.project("tenant").compute.list_servers,
        )
        # the others wait for 20 s
        self.assertLess(time.monotonic() - begun, 5)

    def test_a_silent_keystone_ends_too(self) -> None:
        self.cloud.on("POST", fake_cloud.TOKENS, self.cloud.hang())
        clients = self.clients(read_timeout=0.3)
        error = self.assertRaises(
            exception.CloudUnavailable, clients.identity.check
        )
        self.assertIn("Connection timeout", error.message)

    def test_nobody_listens(self) -> None:
        compute = self.tenant(read_retries=1).compute
        self.cloud._server.shutdown()
        self.cloud._server.server_close()
        error = self.assertRaises(
            exception.CloudUnavailable, compute.list_servers
        )
        self.assertIn("Connection refused", error.message)
        self.assertEqual(1, len(self.clock.pauses))


class GuardTest(SessionTestCase):
    def test_it_is_asked_right_before_each_change(self) -> None:
        asked: list[list[str]] = []
        self.cloud.on("POST", "/servers$", Answer(202, {"server": {"id": 1}}))
        tenant = self.tenant(lambda: asked.append(self.cloud.sent()))
        tenant.compute.create_server({})
        tenant.compute.create_server({})
        # nothing but the change itself came after the question
        self.assertEqual([[], ["POST /compute/v2.1/servers"]], asked)
        self.assertEqual(1, len(self.cloud.sign_ins))

    def test_it_is_asked_again_when_a_change_is_sent_again(self) -> None:
        asked: list[int] = []
        busy = Answer(503, headers={"Retry-After": "1"})
        made = Answer(202, {"server": {"id": 1}})
        self.cloud.on("POST", "/servers$", busy, Answer(401), made)
        compute = self.tenant(lambda: asked.append(1)).compute
        compute.create_server({})
        self.assertEqual(3, len(asked))

    def test_a_lost_lease_lets_nothing_out(self) -> None:
        def lost() -> None:
            raise exception.LeaseLost("gone")

        compute = self.tenant(lost).compute
        self.assertRaises(exception.LeaseLost, compute.create_server, {})
        self.assertRaises(exception.LeaseLost, compute.delete_server, "s")
        self.assertEqual([], self.cloud.calls)

    def test_reading_and_signing_in_do_not_ask(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        compute = self.tenant(lambda: self.fail("asked")).compute
        self.assertEqual([], compute.list_servers())
        self.assertEqual(1, len(self.cloud.sign_ins))


class TokenTest(SessionTestCase):
    def test_one_token_per_scope_serves_all(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        clients = self.clients()
        for project in ("one", "two", "one"):
            clients.project(project).compute.list_servers()
        clients.service.compute.list_servers()
        self.assertEqual(3, len(self.cloud.sign_ins))
        self.assertEqual(
            "own-project", clients.service.project_id, "its own project"
        )
        tokens = {c.headers["X-Auth-Token"] for c in self.cloud.calls}
        self.assertEqual(3, len(tokens))

    def test_a_refused_token_is_renewed_once(self) -> None:
        self.cloud.on("GET", SERVERS, Answer(401), NONE)
        self.assertEqual([], self.tenant().compute.list_servers())
        self.assertEqual(2, len(self.cloud.sign_ins))
        self.cloud.on("GET", SERVERS, Answer(401, {}))
        self.assertRaises(
            exception.CloudForbidden, self.tenant().compute.list_servers
        )

    def test_a_new_password_takes_a_new_token(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        clouds = self.clients()._clouds
        for password in ("old", "new"):
            access = fake_cloud.access(self.cloud.url, password=password)
            clouds.site(access).project("t").compute.list_servers()
        self.assertEqual(
            ["old", "new"],
            [
                c.json["auth"]["identity"]["password"]["user"]["password"]
                for c in self.cloud.sign_ins
            ],
        )

    def test_wrong_credentials_are_forbidden(self) -> None:
        refusal = Answer(401, {"error": {"message": "Not you.", "code": 401}})
        self.cloud.on("POST", fake_cloud.TOKENS, refusal)
        error = self.assertRaises(
            exception.CloudForbidden, self.tenant().compute.list_servers
        )
        self.assertIn("Keystone at site site-b", error.message)
        self.assertIn("Not you.", error.message)

    def test_a_missing_keystone_is_not_a_missing_object(self) -> None:
        for answer in (Answer(404, {}), Answer(404, "<h1>Not Found</h1>")):
            self.cloud.on("POST", fake_cloud.TOKENS, answer)
            self.assertRaises(
                exception.CloudUnavailable, self.tenant().compute.get_server, 1
            )


class SharingTest(SessionTestCase):
    def test_versions_are_asked_once_per_site(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        clients = self.clients()
        clouds = clients._clouds
        for project in ("one", "two"):
            for _ in range(2):
                site = clouds.site(fake_cloud.access(self.cloud.url))
                site.project(project).compute.list_servers()
        self.assertEqual(1, len(self.cloud.discoveries))

    def test_versions_of_two_clouds_are_not_mixed_up(self) -> None:
        other = self.useFixture(fake_cloud.FakeCloud())
        other.maximum["compute"] = "2.79"
        clouds = self.clients()._clouds
        found = [
            clouds.site(fake_cloud.access(url, site_id="new"))
            .project("t")
            .compute.server_maximum
            for url in (self.cloud.url, other.url)
        ]
        self.assertEqual([(2, 100), (2, 79)], found)

    def test_a_failed_discovery_is_not_remembered(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        broken = Answer(500, "<h1>Error</h1>")
        good = {"version": self.cloud._version("v2.1", "compute")}
        self.cloud.on(
            "GET", "/compute/v2.1/?$", broken, broken, Answer(200, good)
        )
        self.cloud.on("GET", r"/compute/?$", broken)
        compute = self.tenant(read_retries=0).compute
        failures = 0
        while not self.cloud.calls:
            try:
                compute.list_servers()
            except exception.CloudUnavailable:
                failures += 1
        self.assertGreaterEqual(failures, 1)
        self.assertEqual("2.100", compute.microversion)

    def test_calls_under_way_are_bounded_per_service(self) -> None:
        inside: list[int] = []
        most: list[int] = []
        guard = threading.Lock()
        together = threading.Barrier(3)

        class Counted(Answer):
            @property
            def hold(self) -> Any:  # type: ignore[override]
                return self

            @hold.setter
            def hold(self, value: Any) -> None:
                return

            def wait(self, seconds: float) -> None:
                with guard:
                    inside.append(1)
                    most.append(len(inside))
                together.wait(seconds)
                with guard:
                    inside.pop()

        self.cloud.on("GET", SERVERS, Counted(200, {"servers": []}))
        tenant = self.tenant(concurrency=3)
        with futures.ThreadPoolExecutor(12) as pool:
            calls = [
                pool.submit(tenant.compute.list_servers) for _ in range(12)
            ]
            for call in calls:
                call.result(30)
        self.assertEqual(3, max(most))

    def test_the_request_id_is_passed_on(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        self.cloud.on("GET", "/volumes/detail$", Answer(200, {"volumes": []}))
        self.cloud.on("GET", "/networks$", Answer(200, {"networks": []}))
        clouds = self.clients()._clouds
        wanted = "req-3a0a9e5e-0b3c-4a53-8a3c-6a2f0d7b5f11"
        access = fake_cloud.access(self.cloud.url)
        tenant = clouds.site(access, request_id=wanted).project("t")
        for _ in range(2):
            tenant.compute.list_servers()
            tenant.volume.list()
            tenant.network.networks()
        calls = self.cloud.calls + self.cloud.sign_ins
        self.assertEqual(
            {wanted}, {c.headers["X-Openstack-Request-Id"] for c in calls}
        )

    def test_there_is_always_a_request_id(self) -> None:
        self.cloud.on("GET", SERVERS, NONE)
        self.tenant().compute.list_servers()
        found = self.cloud.calls[0].headers["X-Openstack-Request-Id"]
        self.assertTrue(found.startswith("req-"))


class TlsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = self.useFixture(certificates.Authority())
        certificate = self.authority.issue("127.0.0.1")
        self.cloud = self.useFixture(fake_cloud.FakeCloud(certificate))
        self.cloud.on("GET", SERVERS, NONE)
        self.clock = fake_cloud.QuickClock()

    def _compute(self, verify: str | bool) -> Any:
        made = fake_cloud.clients(self.cloud, None, self.clock)._clouds
        access = fake_cloud.access(self.cloud.url, verify=verify)
        return made.site(access).project("tenant").compute

    def test_an_unknown_authority_is_refused_at_once(self) -> None:
        error = self.assertRaises(
            exception.CloudUnavailable, self._compute(True).list_servers
        )
        self.assertIn("TLS failed", error.message)
        self.assertEqual([], self.cloud.sign_ins)
        self.assertEqual([], self.clock.pauses)

    def test_the_authority_of_the_site_is_accepted(self) -> None:
        compute = self._compute(self.authority.ca_file)
        self.assertEqual([], compute.list_servers())

    def test_it_can_be_switched_off(self) -> None:
        self.assertEqual([], self._compute(False).list_servers())


class SecrecyTest(SessionTestCase):
    def test_no_secret_in_logs_and_reprs(self) -> None:
        self.cloud.on(
            "POST",
            "/servers$",
            Answer(202, {"server": {"id": "s", "adminPass": "hidden-1"}}),
        )
        refusal = "Invalid input for field/attribute user_data. "
        refusal += "Value: hidden-2. It is too long"
        clients = self.clients()
        tenant = clients.project("tenant")
        tenant.compute.create_server({"user_data": "hidden-2"})
        self.cloud.on(
            "POST",
            "/servers$",
            Answer(400, {"badRequest": {"message": refusal}}),
        )
        error = self.assertRaises(
            exception.CloudError,
            tenant.compute.create_server,
            {"user_data": "hidden-2"},
        )
        shown = [
            self.log_output,
            *map(repr, (clients, tenant, tenant.compute, tenant._scope)),
            repr(fake_cloud.access(self.cloud.url)),
            repr(error),
            str(error.as_dict()),
        ]
        self.assertIn("POST", self.log_output)
        self.assertIn("user_data", error.message)
        for secret in (
            fake_cloud.PASSWORD,
            fake_cloud.TOKEN,
            "hidden-1",
            "hidden-2",
        ):
            for text in shown:
                self.assertNotIn(secret, text)
