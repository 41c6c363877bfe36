# SPDX-License-Identifier: Apache-2.0
"""What holds for every request, over HTTP."""

import gc
import inspect
import json
from typing import Any
from unittest import mock

from protector import constants as c
from protector.api import microversion
from protector.tests import base
from protector.tests.unit.api import served


class FrameTest(served.ApiTest):
    def raw(self, method: str, path: str, data: bytes, **headers: str) -> Any:
        given = {"Content-Type": "application/json", **headers}
        return self.ask(method, path, headers=given, data=data)

    def test_the_versions_need_no_token(self) -> None:
        answer = self.served.session.get(f"{self.served.url}/", timeout=10)
        (version,) = self.ok(answer)["versions"]
        self.assertEqual("v1", version["id"])
        self.assertEqual("1.0", version["min_version"])
        self.assertEqual("1.2", version["max_version"])
        href = version["links"][0]["href"]
        self.assertEqual(f"{self.served.url}/v1", href)
        answer = self.served.session.get(href, timeout=10)
        self.assertEqual(version, self.ok(answer)["version"])

    def test_the_healthcheck(self) -> None:
        url = f"{self.served.url}/healthcheck"
        self.assertEqual(
            200, self.served.session.get(url, timeout=10).status_code
        )

    def test_the_answer_carries_the_version_served(self) -> None:
        for asked, given in (("1.1", "1.1"), ("latest", "1.2")):
            answer = self.ask("GET", "/", version=asked)
            header = answer.headers[microversion.HEADER]
            self.assertEqual(f"protector {given}", header)
            self.assertIn(microversion.HEADER, answer.headers["Vary"])

    def test_signatures_are_not_taken_again(self) -> None:
        path = "/v1/p-here/protection-groups"
        self.ok(self.ask("GET", path))
        taken = inspect.getfullargspec
        with mock.patch.object(inspect, "getfullargspec", wraps=taken) as take:
            self.ok(self.ask("GET", path))
        asked = [call.args[0].__module__ for call in take.mock_calls]
        # oslo.policy takes those of its checks
        self.assertEqual({"oslo_policy._checks"}, set(asked))

    def test_an_answered_request_is_let_go(self) -> None:
        for _ in range(30):
            self.ok(self.ask("GET", "/"))
        gc.collect()
        kept = [
            found
            for found in gc.get_objects()
            if type(found) is dict and "wsgi.input" in found
        ]
        self.assertLess(len(kept), 20)

    def test_a_version_out_of_range(self) -> None:
        error = self.refused(
            self.ask("GET", "/v1/p-here/sites", version="1.99"),
            406,
            "VersionNotAcceptable",
        )
        self.assertEqual("1.0", error["min_version"])
        self.assertEqual("1.2", error["max_version"])
        answer = self.ask("GET", "/", version="one")
        self.refused(answer, 400, "MalformedVersion")

    def test_the_request_id_goes_to_the_engine_and_the_log(self) -> None:
        answer = self.admin("GET", "/health")
        request_id = answer.headers["x-openstack-request-id"]
        self.assertEqual([request_id], self.engine.request_ids)

    def test_a_callers_id_is_not_taken_for_ours(self) -> None:
        theirs = "req-11111111-1111-4111-8111-111111111111"
        headers = {"X-Openstack-Request-Id": theirs}
        answer = self.ask("GET", "/", headers=headers)
        self.assertNotEqual(theirs, answer.headers["x-openstack-request-id"])

    def test_unknown_paths_and_methods(self) -> None:
        for path in (
            "/nothing",
            "/v2",
            "/v1/p-here",
            "/v1/p-here/protection-groups/web",
            "/v1/p-here/protection-groups/__class__",
            "/v1/p-here/__init__",
            "/v1/admin",
            "/v1/peer/sites",
            "/v1/p-here/%ff",
            "/v1/p-here/sites/x.json",
        ):
            self.refused(self.ask("GET", path), 404, "NotFound")
        answer = self.tenant("PATCH", "/protection-groups")
        self.refused(answer, 405, "MethodNotAllowed")
        self.assertEqual("GET, POST", answer.headers["Allow"])

    def test_a_slash_more_is_the_same_path(self) -> None:
        self.ok(self.tenant("GET", "/protection-groups/"))

    def test_only_json_goes_in_and_out(self) -> None:
        path = "/v1/p-here/protection-groups"
        answer = self.raw("POST", path, b"a=1", **{"Content-Type": "text/x"})
        self.refused(answer, 415, "UnsupportedMediaType")
        answer = self.ask("GET", path, headers={"Accept": "text/csv"})
        self.refused(answer, 406, "NotAcceptable")

    def test_bad_json(self) -> None:
        path = "/v1/p-here/protection-groups"
        for data in (
            b"{",
            b'{"a": 1, "a": 2}',
            b"[" * 100000,
            b'{"a":' * 5000,
            b'{"a": NaN}',
            b"\xff\xfe",
            b'{"protection_group": {"name": "\\ud800"}}',
            b'{"n": ' + b"9" * 5000 + b"}",
        ):
            answer = self.raw("POST", path, data)
            self.refused(answer, 400, "BadRequest")

    def test_large_bodies(self) -> None:
        path = "/v1/p-here/protection-groups"
        limit = self.served.runtime.conf.api.max_body_bytes
        answer = self.raw("POST", path, b" " * (limit + 1))
        self.refused(answer, 413, "BodyTooLarge")

        def parts() -> Any:
            for _ in range(limit // 65536 + 2):
                yield b" " * 65536

        answer = self.ask(
            "POST",
            path,
            headers={"Content-Type": "application/json"},
            data=parts(),
        )
        self.refused(answer, 413, "BodyTooLarge")

    def test_bodies_that_never_reach_the_application(self) -> None:
        limit = self.served.runtime.conf.api.max_document_bytes
        answer = self.served.session.post(
            f"{self.served.url}/v1/p-here/protection-groups",
            headers={"Content-Length": str(limit * 2)},
            data=b"",
            timeout=10,
        )
        self.assertEqual(413, answer.status_code)
        self.assertEqual(413, answer.json()["error"]["code"])

    def test_a_failure_of_ours_tells_no_inside(self) -> None:
        self.site.runtime.db.engine.dispose()
        group_id = self.site.group()
        self.set_group(group_id, conditions={"PeerReachable": "broken"})
        answer = self.tenant("GET", f"/protection-groups/{group_id}")
        error = self.refused(answer, 500, "ProtectorError")
        self.assertNotIn("Traceback", json.dumps(error))
        self.assertIn("Traceback", self.log_output)
        self.assertEqual(c.GroupStatus.ACTIVE, self.group_row(group_id).status)


class TokenTest(served.ApiTest):
    OPTIONS = {"auth_strategy": "keystone"}

    def test_without_a_token(self) -> None:
        for path in ("/v1/p-here/sites", "/v1/peer/identity", "/nothing"):
            answer = self.ask("GET", path)
            self.refused(answer, 401, "Unauthorized")
            self.assertIn("Keystone", answer.headers["WWW-Authenticate"])

    def test_identity_headers_are_worth_nothing(self) -> None:
        answer = self.admin("GET", "/health")
        self.refused(answer, 401, "Unauthorized")

    def test_a_dead_keystone_is_a_503(self) -> None:
        headers = {"X-Auth-Token": "t"}
        answer = self.ask("GET", "/v1/p-here/sites", headers=headers)
        self.refused(answer, 503, "ServiceUnavailable")

    def test_the_versions_stay_open(self) -> None:
        self.ok(self.ask("GET", "/"))
        self.ok(self.ask("GET", "/v1"))


class TwoTest(base.TestCase):
    """Two sites in one process know nothing of each other."""

    def test_each_has_its_own(self) -> None:
        one = self.useFixture(served.ServedApi(max_limit=1))
        two = self.useFixture(served.ServedApi(auth_strategy="keystone"))
        ids = [one.site.group(), one.site.group()]
        headers = {"X-Project-Id": "p-here", "X-Roles": "member"}
        path = "/v1/p-here/protection-groups"
        first = one.session.get(one.url + path, headers=headers, timeout=10)
        self.assertEqual(1, len(first.json()["protection_groups"]))
        self.assertIn("protection_groups_links", first.json())
        second = two.session.get(two.url + path, headers=headers, timeout=10)
        self.assertEqual(401, second.status_code)
        two.engine.calls.clear()
        health = one.session.get(
            f"{one.url}/v1/health", headers={"X-Roles": "admin"}, timeout=10
        )
        self.assertTrue(health.json()["health"]["ok"])
        self.assertEqual(([], 2), (two.engine.calls, len(ids)))
