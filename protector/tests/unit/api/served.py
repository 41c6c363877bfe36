# SPDX-License-Identifier: Apache-2.0
"""One site's API on loopback, in front of a fake engine."""

from collections.abc import Callable
import pathlib
import socket
import threading
import time
from typing import Any
import uuid

import fixtures
from keystoneauth1 import loading
from oslo_messaging import conffixture
from oslo_policy import opts as policy_opts
import requests

from protector import exception, secrets
from protector.cmd import api
from protector.db import models
from protector.db.api import operations
from protector.tests import base, timeform
from protector.tests.fixtures import emulated_cloud, site_runtime
from protector.tests.unit.api import fake_engine

Json = dict[str, Any]
PROJECT = "p-here"
DEADLINE = 30


class ServedApi(fixtures.Fixture):
    """``url``, ``site``, ``engine``; options of [api] may be given.

    :param connection: URL of an empty database; by default an SQLite file.
    :param keystone: address of an emulated Keystone that checks tokens;
        without one the identity headers of requests are trusted.
    """

    def __init__(
        self,
        keystone: str | None = None,
        connection: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._connection = connection
        self._keystone = keystone
        self._options = {
            "bind_host": "127.0.0.1",
            "port": 0,
            "threads": 8,
            "auth_strategy": "keystone" if keystone else "noauth",
            "response_validation": "error",
            "settle_timeout": 10,
            **options,
        }

    def _setUp(self) -> None:
        self.site = self.useFixture(
            site_runtime.SiteRuntime(connection=self._connection)
        )
        self.runtime = self.site.runtime
        conf = self.runtime.conf
        for name, value in self._options.items():
            conf.set_override(name, value, "api")
        uri = self._keystone or "http://127.0.0.1:1/v3"
        conf.set_override("auth_url", uri, "service_auth")
        if self._keystone:
            _authtoken(conf, self._keystone)
        self.useFixture(conffixture.ConfFixture(conf, "fake:/"))
        # the fake transport is one for the whole process
        conf.set_override("rpc_exchange", str(uuid.uuid4()))
        conf.set_override("rpc_timeout", 5)
        keys = self.useFixture(fixtures.TempDir()).path
        conf.set_override("key_repository", keys, "secrets")
        secrets.add_key(keys)
        self.engine = self.useFixture(fake_engine.FakeEngine(self.site))
        self.server = api.serve(self.runtime)
        # how soon it notices the end
        self.server._server.expiration_interval = 0.02
        self.addCleanup(self.server.stop)
        self.url = "http://{}:{}".format(*self.server.address)
        self.session = requests.Session()
        self.session.trust_env = False
        self.addCleanup(self.session.close)

    def policy_file(self, text: str) -> pathlib.Path:
        """What an operator put into policy.yaml; before the first request."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).path, "p.yaml")
        path.write_text(text)
        policy_opts.set_defaults(self.runtime.conf, policy_file=str(path))
        return path


def _authtoken(conf: Any, auth_url: str) -> None:
    """What [keystone_authtoken] of a configuration file holds."""
    group = "keystone_authtoken"
    loading.register_auth_conf_options(conf, group)
    conf.register_opts(loading.get_auth_plugin_conf_options("password"), group)
    for name, value in (
        ("auth_type", "password"),
        ("auth_url", auth_url),
        ("username", "protector"),
        ("password", emulated_cloud.PASSWORD),
        ("user_domain_name", "Default"),
        ("project_name", "service"),
        ("project_domain_name", "Default"),
    ):
        conf.set_override(name, value, group)


class ApiTest(base.TestCase):
    """A test with a served API; requests as a member of ``p-here``."""

    OPTIONS: Json = {}

    def connection(self, name: str) -> str | None:
        """URL of an empty database; None for an SQLite file."""
        return None

    def setUp(self) -> None:
        super().setUp()
        self.served = self.useFixture(
            ServedApi(connection=self.connection("a"), **self.OPTIONS)
        )
        self.site = self.served.site
        self.engine = self.served.engine
        self.db = self.served.runtime.db

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        roles: str = "member,reader",
        project: str = PROJECT,
        version: str = "1.2",
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> requests.Response:
        given = {
            "X-Project-Id": project,
            "X-Roles": roles,
            "X-User-Id": "u-1",
            "X-User-Name": "someone",
            "X-User-Domain-Name": "Default",
            "OpenStack-API-Version": f"protector {version}",
            **(headers or {}),
        }
        if body is not None:
            kwargs["json"] = body
        answer = self.served.session.request(
            method,
            self.served.url + path,
            headers=given,
            timeout=DEADLINE,
            allow_redirects=False,
            **kwargs,
        )
        self.assertIn("x-openstack-request-id", answer.headers)
        if answer.content and not path.startswith("/v1/peer/"):
            self.assertEqual([], timeform.strange(answer.json()), path)
        return answer

    def tenant(self, method: str, path: str, *args: Any, **kw: Any) -> Any:
        """A request below ``/v1/<project>``."""
        project = kw.get("project", PROJECT)
        return self.ask(method, f"/v1/{project}{path}", *args, **kw)

    def admin(self, method: str, path: str, *args: Any, **kw: Any) -> Any:
        """A request of an administrator, below ``/v1``."""
        given = {"roles": "admin,member,reader", "project": "p-admin", **kw}
        return self.ask(method, f"/v1{path}", *args, **given)

    def ok(self, answer: requests.Response, status: int = 200) -> Any:
        self.assertEqual(status, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def refused(
        self, answer: requests.Response, status: int, reason: str
    ) -> Json:
        """The error of a refusal, in its one form."""
        self.assertEqual(status, answer.status_code, answer.text)
        error = answer.json()["error"]
        self.assertEqual(reason, error["reason"], error)
        self.assertEqual(status, error["code"])
        self.assertEqual(
            {"code", "title", "message", "reason", "details", "request_id"},
            set(error) - {"min_version", "max_version"},
        )
        self.assertEqual(
            answer.headers["x-openstack-request-id"], error["request_id"]
        )
        return error

    def until(self, done: Callable[[], object]) -> None:
        """Look until it is true; it fails after ``DEADLINE`` seconds."""
        never = threading.Event()
        end = time.monotonic() + DEADLINE
        while not done():
            self.assertLess(time.monotonic(), end, "it does not come true")
            never.wait(0.02)

    def group_row(self, group_id: str) -> models.ProtectionGroup:
        with self.db.reader() as session:
            return session.get(models.ProtectionGroup, group_id)

    def set_group(self, group_id: str, **values: Any) -> None:
        with self.db.writer() as session:
            row = session.get(models.ProtectionGroup, group_id)
            for name, value in values.items():
                setattr(row, name, value)

    def operation_row(self, answer: requests.Response) -> models.Operation:
        """The operation that ``Location`` names."""
        operation_id = answer.headers["Location"].rsplit("/", 1)[1]
        with self.db.reader() as session:
            return operations.get(session, operation_id)

    def all_operations(self) -> list[models.Operation]:
        with self.db.reader() as session:
            return list(session.query(models.Operation))


def unreachable() -> exception.PeerUnreachable:
    return exception.PeerUnreachable(
        "remote site unreachable - cannot modify protection group"
    )


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
