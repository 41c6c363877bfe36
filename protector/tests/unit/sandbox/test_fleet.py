# SPDX-License-Identifier: Apache-2.0
"""What the processes are started with."""

import pathlib
from typing import Any

import fixtures

from protector.sandbox import fleet, layout
from protector.sandbox.array import command
from protector.sandbox.cloud import server
from protector.tests import base

PREFIX = "127.0.201"


class CommandTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.fleet = fleet.Fleet(layout.Layout(root, PREFIX))
        self.a, self.b = self.fleet.layout.sites

    def _arguments(self, name: str, module: str) -> list[str]:
        found = self.fleet.command(name)
        self.assertEqual(["-m", module], found[1:3])
        return found[3:]

    def test_an_array(self) -> None:
        given = self._arguments("array-b", "protector.sandbox.array")
        (settings,) = command.settings(command.parse(given))
        self.assertEqual("array-b", settings.name)
        self.assertEqual(f"{PREFIX}.2", settings.address)
        self.assertEqual(self.b.state("array-b"), settings.state)

    def test_a_cloud_knows_both_arrays(self) -> None:
        given = self._arguments("cloud-a", "protector.sandbox.cloud")
        options = server.parse(given)
        self.assertEqual("site-a", options.site)
        self.assertEqual(self.a.array_url, options.array_url)
        self.assertEqual("array-b", options.array_target)
        self.assertEqual(self.b.array_url, options.peer_array_url)
        self.assertEqual(str(self.b.array_ca), options.peer_array_ca)

    def test_a_site(self) -> None:
        given = self._arguments("site-b", "protector.sandbox.site")
        self.assertIn("site-b", given)
        self.assertIn(PREFIX, given)

    def test_nothing_runs(self) -> None:
        living = self.fleet.living()
        self.assertEqual(6, len(living))
        self.assertEqual([None] * 6, list(living.values()))
        self.assertEqual([], self.fleet.stop())
        self.assertFalse(self.fleet.kill("site-a"))


class EnvironmentTest(base.TestCase):
    def _environment(self, **variables: str) -> dict[str, Any]:
        for name, value in variables.items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        return fleet.environment()

    def test_no_proxy_for_loopback(self) -> None:
        found = self._environment(no_proxy="example.org", NO_PROXY="")
        for name in ("no_proxy", "NO_PROXY"):
            self.assertEqual(f"example.org,{fleet.LOOPBACK}", found[name])

    def test_the_users_own_cloud_stays_out(self) -> None:
        found = self._environment(OS_CLOUD="prod", OS_PASSWORD="x")
        self.assertEqual([], [k for k in found if k.startswith("OS_")])

    def test_the_code_is_the_same(self) -> None:
        source = str(pathlib.Path(fleet.__file__).parents[2])
        found = self._environment(PYTHONPATH="/elsewhere")
        self.assertEqual(f"{source}:/elsewhere", found["PYTHONPATH"])
