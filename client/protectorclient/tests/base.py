# SPDX-License-Identifier: Apache-2.0
"""The base of the tests: a deadline, two sites, a ``clouds.yaml``."""

from __future__ import annotations

import logging
import os
import signal

import fixtures
import openstack
from openstack import connection
from oslotest import base
import yaml

from protectorclient import sdk
from protectorclient.tests import fake_protector


class TestCase(base.BaseTestCase):
    """A test that ends, and that knows no cloud but its own.

    ``DEFAULT_TIMEOUT`` is in seconds; ``OS_TEST_TIMEOUT`` overrides it.
    """

    DEFAULT_TIMEOUT = 120

    def setUp(self) -> None:
        super().setUp()
        # what a shell runs in the background ignores Ctrl-C, and so would
        # the processes that a test starts
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        for name in list(os.environ):
            if name.startswith("OS_") and "TEST" not in name:
                self.useFixture(fixtures.EnvironmentVariable(name))
        self.logs = self.useFixture(
            fixtures.FakeLogger(level=logging.DEBUG, nuke_handlers=False)
        )
        self.home = self.useFixture(fixtures.TempHomeDir()).path


class SitesCase(TestCase):
    """Two sites are running and in ``clouds.yaml`` as site-a and site-b."""

    def setUp(self) -> None:
        super().setUp()
        self.site_a = self._start("site-a", fake_protector.SITE_A)
        self.site_b = self._start("site-b", fake_protector.SITE_B)
        self.clouds = os.path.join(self.home, "clouds.yaml")
        self.write_clouds()
        self.useFixture(
            fixtures.EnvironmentVariable("OS_CLIENT_CONFIG_FILE", self.clouds)
        )

    def _start(self, name: str, site_id: str) -> fake_protector.FakeProtector:
        site = fake_protector.FakeProtector(name, site_id)
        site.start()
        self.addCleanup(site.stop)
        return site

    def write_clouds(self, **extra: object) -> None:
        """Write ``clouds.yaml``; ``extra`` goes into each cloud."""
        clouds = {
            site.name: {
                "auth": {
                    "auth_url": f"{site.url}/identity/v3",
                    "username": "tester",
                    "password": "secret",
                    "project_name": "demo",
                    "user_domain_name": "Default",
                    "project_domain_name": "Default",
                },
                "region_name": "RegionOne",
                **extra,
            }
            for site in (self.site_a, self.site_b)
        }
        with open(self.clouds, "w") as file:
            yaml.safe_dump({"clouds": clouds}, file)

    def connect(self, cloud: str = "site-a") -> connection.Connection:
        """A connection with the service loaded."""
        conn = openstack.connect(cloud=cloud)
        self.addCleanup(conn.close)
        sdk.load(conn)
        return conn
