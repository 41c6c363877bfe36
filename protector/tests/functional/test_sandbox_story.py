# SPDX-License-Identifier: Apache-2.0
"""The sandbox as its users run it: the whole story, and two sites to keep.

Each test has a sandbox of its own, on whatever prefix is free.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any

import fixtures

from protector.sandbox import fleet, layout
from protector.tests import base

STORY_SECONDS = 320
COMMAND_SECONDS = 90
_END_SECONDS = 30
_SOURCE = str(pathlib.Path(fleet.__file__).parents[2])


class SandboxTest(base.TestCase):
    DEFAULT_TIMEOUT = 180
    # whatever the deadline of a test is, a story is a long one
    TIMEOUT_SCALING_FACTOR = 2

    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.addCleanup(self._end_all, self.root)
        self.addCleanup(self._end_all, self.root / "demo")

    def _end_all(self, root: pathlib.Path) -> None:
        found = layout.load(root)
        if found is not None:
            fleet.Fleet(found).stop()

    def _run(self, seconds: float, *arguments: str) -> tuple[int, str]:
        """The exit status and what was printed."""
        command = [sys.executable, "-m", "protector.sandbox.cli"]
        command += ["--state-dir", str(self.root), *arguments]
        child = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": _SOURCE},
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            printed, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            # it ends its processes itself
            child.send_signal(signal.SIGTERM)
            printed, _ = child.communicate(timeout=_END_SECONDS)
            self.fail(f"not within {seconds} s:\n{printed}")
        return child.returncode, printed

    def _do(self, *arguments: str) -> str:
        status, printed = self._run(COMMAND_SECONDS, *arguments)
        self.assertEqual(0, status, printed)
        return printed


class StoryTest(SandboxTest):
    def _story(self, *arguments: str) -> str:
        status, printed = self._run(
            STORY_SECONDS, "demo", "--plain", *arguments
        )
        self.assertEqual(0, status, printed)
        self.assertIn(" 0 failed", printed)
        demo = layout.load(self.root / "demo")
        self.assertIsNotNone(demo)
        living = fleet.Fleet(demo).living()
        self.assertEqual({None}, set(living.values()))
        return printed

    def test_the_story(self) -> None:
        printed = self._story()
        for phase in ("failover", "failback", "audit"):
            self.assertIn(f"| {phase}", printed)

    def test_the_story_with_a_site_killed_in_each_move(self) -> None:
        printed = self._story(
            *("--kill", "site-b@failover:volumes.overwrite"),
            *("--kill", "site-a@failback:servers.start"),
        )
        self.assertIn("site-b killed at volumes.overwrite", printed)
        self.assertIn("site-a killed at servers.start", printed)


class TwoSitesTest(SandboxTest):
    def _described(self) -> dict[str, Any]:
        return json.loads((self.root / "sandbox.json").read_text())

    def test_up_kill_start_and_down(self) -> None:
        self._do("up")
        first = self._described()
        self.assertEqual(3, len(first["servers"]))
        self._do("status")
        self._do("kill", "site-a")
        status, printed = self._run(COMMAND_SECONDS, "status")
        self.assertEqual(1, status, printed)
        self._do("start", "site-a")
        self._do("up")
        again = self._described()
        self.assertEqual(first["servers"], again["servers"])
        changed = {
            name
            for name, pid in first["processes"].items()
            if again["processes"][name] != pid
        }
        self.assertEqual({"site-a"}, changed)
        self._do("down")
        self.assertEqual({None}, set(self._described()["processes"].values()))

    def test_two_sandboxes_side_by_side(self) -> None:
        self._do("up", "--empty", "--unpaired")
        one = self._described()
        self.assertEqual([], one["servers"])
        self.root = self.root / "other"
        self.addCleanup(self._end_all, self.root)
        self.root.mkdir()
        self._do("up", "--empty", "--unpaired")
        self.assertNotEqual(one["prefix"], self._described()["prefix"])
