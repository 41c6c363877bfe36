# SPDX-License-Identifier: Apache-2.0
"""What every service does alike: manners, refusals, tokens."""

import json

from keystonemiddleware import auth_token
import requests
from werkzeug import test as werkzeug_test
from werkzeug.wrappers import response as werkzeug_response

from protector.tests import base
from protector.tests.fixtures import emulated_cloud


class ApplicationTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fixture = self.useFixture(emulated_cloud.EmulatedCloud())
        self.token = self.fixture.session().get_token()

    def call(self, method: str, path: str, **given) -> requests.Response:
        headers = {"X-Auth-Token": self.token, **given.pop("headers", {})}
        return requests.request(
            method,
            f"{self.fixture.url}{path}",
            headers=headers,
            timeout=10,
            **given,
        )

    def test_each_service_refuses_in_its_own_shape(self) -> None:
        for path, key in (
            ("/identity/v3/users/absent", "error"),
            ("/network/v2.0/networks/absent", "NeutronError"),
            ("/compute/v2.1/servers/absent", "itemNotFound"),
        ):
            answer = self.call("GET", path)
            self.assertEqual([key], list(answer.json()), path)
            self.assertTrue(
                answer.headers["X-Openstack-Request-Id"].startswith("req-")
            )
        answer = self.call("GET", "/image/v2/images/absent")
        self.assertEqual(404, answer.status_code)
        self.assertIn("text/html", answer.headers["Content-Type"])

    def test_no_token_no_answer(self) -> None:
        for path in ("/network/v2.0/ports", "/compute/v2.1/absent"):
            answer = self.call("GET", path, headers={"X-Auth-Token": "x"})
            self.assertEqual(401, answer.status_code)
            self.assertIn("Keystone uri=", answer.headers["WWW-Authenticate"])
            self.assertEqual(401, answer.json()["error"]["code"])

    def test_bodies_that_are_refused(self) -> None:
        path, kind = "/network/v2.0/networks", "application/json"
        for status, data, content_type in (
            (400, b"{", kind),
            (400, b"[]", kind),
            (413, b" " * 200000, kind),
            (415, b"a=b", "application/x-www-form-urlencoded"),
        ):
            answer = self.call(
                "POST", path, data=data, headers={"Content-Type": content_type}
            )
            self.assertEqual(status, answer.status_code, answer.text)
        self.assertEqual(405, self.call("PATCH", path).status_code)

    def test_a_connection_serves_many_calls(self) -> None:
        with requests.Session() as session:
            for _ in range(3):
                answer = session.get(
                    f"{self.fixture.url}/network/v2.0/ports",
                    headers={"X-Auth-Token": self.token},
                    timeout=10,
                )
                self.assertEqual(200, answer.status_code)
            (adapter,) = {id(a) for a in [session.get_adapter("http://x")]}
            pool = session.get_adapter("http://x").poolmanager
            (kept,) = [pool.pools[key] for key in pool.pools.keys()]
            self.assertEqual(1, kept.num_connections)

    def test_keystonemiddleware_accepts_its_tokens(self) -> None:
        def inner(environ, start_response):
            roles = environ["HTTP_X_ROLES"].split(",")
            body = json.dumps([environ["HTTP_X_PROJECT_NAME"], sorted(roles)])
            return werkzeug_response.Response(body)(environ, start_response)

        middleware = auth_token.AuthProtocol(
            inner,
            {
                "auth_type": "password",
                "auth_url": self.fixture.auth_url,
                "www_authenticate_uri": self.fixture.auth_url,
                "username": "protector",
                "password": emulated_cloud.PASSWORD,
                "user_domain_name": "Default",
                "project_name": "service",
                "project_domain_name": "Default",
                "service_token_roles_required": True,
            },
        )
        client = werkzeug_test.Client(middleware)
        good = client.get("/", headers={"X-Auth-Token": self.token})
        self.assertEqual(["demo", ["member", "reader"]], json.loads(good.data))
        bad = client.get("/", headers={"X-Auth-Token": "forged"})
        self.assertEqual(401, bad.status_code)
        self.assertEqual(401, client.get("/").status_code)

    def test_the_service_user_acts_for_every_tenant(self) -> None:
        for project in ("demo", "other", "service"):
            found = self.fixture.connect("protector", project)
            self.assertIsNotNone(found.current_project_id)
            list(found.network.ports())
