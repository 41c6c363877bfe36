# SPDX-License-Identifier: Apache-2.0
"""The demo stops where it must, ends its processes, and tells why."""

import contextlib
import io
import pathlib
from typing import Any

import fixtures
from rich import console

from protector.sandbox import bringup, demo, report, supervisor
from protector.tests import base

PREFIX = "127.0.205"


class DemoTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.out = io.StringIO()
        self.stopped = 0
        self._patch("fleet.Fleet.stop", self._stop)

    def _patch(self, name: str, value: Any) -> None:
        target = f"protector.sandbox.{name}"
        self.useFixture(fixtures.MonkeyPatch(target, value))

    def _stop(self, _fleet: Any) -> list[str]:
        self.stopped += 1
        return ["site-a"]

    def _acts(self, *acts: Any) -> None:
        named = tuple((f"act {n}", act) for n, act in enumerate(acts))
        self._patch("demo.Demo._acts", lambda _demo: named)

    def _play(self, **options: Any) -> bool:
        given = demo.Options(self.root, PREFIX, **options)
        shown = console.Console(file=self.out, width=160)
        return demo.play(given, shown)

    @staticmethod
    def _good(phase: report.Phase) -> None:
        phase.check("bytes", True)

    @staticmethod
    def _bad(phase: report.Phase) -> None:
        phase.check("ports", False, "another MAC")

    @staticmethod
    def _broken(phase: report.Phase) -> None:
        raise supervisor.ProcessError("site-b ended")

    def test_all_is_well(self) -> None:
        self._acts(self._good, self._good)
        self.assertTrue(self._play())
        self.assertEqual(1, self.stopped)
        self.assertIn("passed: 3 checks passed", self.out.getvalue())

    def test_a_failed_check_does_not_hide_the_others(self) -> None:
        self._acts(self._bad, self._good)
        self.assertFalse(self._play())
        shown = self.out.getvalue()
        self.assertIn("FAILED act 0: ports: another MAC", shown)
        self.assertIn("2 checks passed, 1 failed", shown)
        self.assertIn(f"logs: {self.root / 'log'}", shown)

    def test_an_act_that_breaks_ends_the_story(self) -> None:
        self._acts(self._broken, self._good)
        self.assertFalse(self._play())
        shown = self.out.getvalue()
        self.assertIn("site-b ended", shown)
        self.assertNotIn("act 1", shown)
        self.assertEqual(1, self.stopped)

    def test_an_interrupt_ends_the_processes_too(self) -> None:
        def interrupted(phase: report.Phase) -> None:
            raise KeyboardInterrupt

        self._acts(interrupted)
        with contextlib.suppress(KeyboardInterrupt):
            self._play()
        self.assertEqual(1, self.stopped)

    def test_kept(self) -> None:
        self._acts(self._good)
        self.assertTrue(self._play(keep=True))
        self.assertEqual(0, self.stopped)
        self.assertIn("still running", self.out.getvalue())

    def test_the_state_is_fresh_each_time(self) -> None:
        self._acts(self._good)
        self._play()
        old = self.root / "state" / "array-a"
        old.mkdir(parents=True)
        self._play()
        self.assertFalse(old.exists())

    def test_two_cannot_share_a_directory(self) -> None:
        self._patch("bringup.LOCK_SECONDS", 0.1)
        self._acts(self._good)
        with bringup.lock(self.root):
            self.assertRaises(bringup.BringUpError, self._play)
