# SPDX-License-Identifier: Apache-2.0
"""The command line: what it takes, what it refuses, how it ends."""

import pathlib
from typing import Any

import fixtures

from protector.sandbox import cli, demo
from protector.tests import base


class CliTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # main changes both for its own process
        self.useFixture(fixtures.EnvironmentVariable("no_proxy", ""))
        self.useFixture(fixtures.EnvironmentVariable("NO_PROXY", ""))
        self._patch("signal.signal", lambda *_: None)

    def _patch(self, name: str, value: Any) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(f"protector.sandbox.cli.{name}", value)
        )

    def _main(self, *arguments: str) -> int:
        return cli.main(["--state-dir", str(self.root), *arguments])

    def test_no_sandbox(self) -> None:
        for arguments in (["status"], ["kill", "site-a"], ["start", "site-a"]):
            self.assertEqual(1, self._main(*arguments))

    def test_down_without_a_sandbox(self) -> None:
        self.assertEqual(0, self._main("down"))
        self.assertEqual(0, self._main("down", "--purge"))

    def test_an_unknown_process(self) -> None:
        self.assertRaises(SystemExit, self._main, "kill", "site-c")

    def test_a_blow_that_makes_no_sense(self) -> None:
        self.assertRaises(SystemExit, self._main, "demo", "--kill", "site-a")

    def test_what_the_demo_is_told(self) -> None:
        told: list[demo.Options] = []

        def play(options: demo.Options, console: Any) -> bool:
            told.append(options)
            return False

        self._patch("demo.play", play)
        status = self._main(
            *("demo", "--plain", "--keep", "--prefix", "127.0.99"),
            *("--kill", "site-b@servers.start", "--kill", "cloud-a@a.b"),
        )
        self.assertEqual(1, status)
        options = told[0]
        self.assertEqual(self.root / "demo", options.root)
        self.assertTrue(options.plain and options.keep)
        self.assertEqual("127.0.99", options.prefix)
        self.assertEqual(
            ["site-b@servers.start", "cloud-a@a.b"],
            [str(blow) for blow in options.blows],
        )

    def test_a_part_becomes_the_process(self) -> None:
        became: list[Any] = []
        self._patch("os.execve", lambda *given: became.append(given))
        self._patch("_parser", lambda: self.fail("went on"))
        self.assertRaises(
            self.failureException, cli.main, ["array", "--name", "x"]
        )
        _path, command, _environment = became[0]
        self.assertEqual(
            ["-m", "protector.sandbox.array", "--name", "x"], command[1:]
        )
