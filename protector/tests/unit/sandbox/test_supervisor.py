# SPDX-License-Identifier: Apache-2.0
"""Processes are started, seen, and ended by what was recorded of them."""

import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys

import fixtures

from protector.sandbox import supervisor
from protector.tests import base

SECONDS = 20
_SERVE = """
import signal, sys
print("hello", flush=True)
print("ready http://127.0.0.1:1", flush=True)
signal.pause()
"""
_STUBBORN = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{_SERVE}
"""
_SILENT = "import signal; signal.pause()"
_BROKEN = "import sys; print('no such thing'); sys.exit(3)"


class SupervisorTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.run_dir, log = self.root / "run", self.root / "log"
        self.supervisor = supervisor.Supervisor(self.run_dir, log)

    def _launch(self, code: str, name: str = "p") -> supervisor.Record:
        command = [sys.executable, "-c", code]
        self.supervisor.launch(name, command, os.environ)
        record = self.supervisor.record(name)
        self.assertIsNotNone(record)
        self.addCleanup(self.supervisor.kill, name)
        return record

    def _stranger(self) -> subprocess.Popen[bytes]:
        """A process that is nobody's business here."""
        child = subprocess.Popen([sys.executable, "-c", _SILENT])
        self.addCleanup(child.wait, SECONDS)
        self.addCleanup(child.kill)
        return child

    def _record(self, record: supervisor.Record) -> None:
        path = self.run_dir / "p.json"
        path.write_text(json.dumps(dataclasses.asdict(record)))

    def test_a_process_becomes_ready(self) -> None:
        record = self._launch(_SERVE)
        url = self.supervisor.wait_ready("p", SECONDS)
        self.assertEqual("http://127.0.0.1:1", url)
        self.assertTrue(self.supervisor.alive("p"))
        self.assertEqual(record.pid, os.getsid(record.pid))

    def test_another_supervisor_finds_it(self) -> None:
        self._launch(_SERVE)
        later = supervisor.Supervisor(self.run_dir, self.root / "log")
        later.wait_ready("p", SECONDS)
        self.assertTrue(later.alive("p"))
        self.assertTrue(later.kill("p", SECONDS))
        self.assertFalse(self.supervisor.alive("p"))

    def test_a_process_is_not_started_twice(self) -> None:
        self._launch(_SERVE)
        self.assertRaises(supervisor.ProcessError, self._launch, _SERVE)

    def test_a_former_run_is_not_taken_for_this_one(self) -> None:
        self._launch(_SERVE)
        self.supervisor.wait_ready("p", SECONDS)
        self.supervisor.kill("p", SECONDS)
        self._launch(_SILENT)
        self.assertRaises(
            supervisor.ProcessError, self.supervisor.wait_ready, "p", 0.3
        )

    def test_what_a_broken_process_said_is_told(self) -> None:
        self._launch(_BROKEN)
        error = self.assertRaises(
            supervisor.ProcessError, self.supervisor.wait_ready, "p", SECONDS
        )
        self.assertIn("no such thing", str(error))
        self.assertFalse(self.supervisor.alive("p"))

    def test_stop_ends_it_cleanly(self) -> None:
        self._launch(_SERVE)
        self.supervisor.wait_ready("p", SECONDS)
        self.assertTrue(self.supervisor.stop("p", SECONDS))
        self.assertFalse(self.supervisor.stop("p", SECONDS))

    def test_stop_kills_what_does_not_listen(self) -> None:
        self._launch(_STUBBORN)
        self.supervisor.wait_ready("p", SECONDS)
        self.assertTrue(self.supervisor.stop("p", 0.2))
        self.assertFalse(self.supervisor.alive("p"))

    def test_nothing_was_ever_started(self) -> None:
        self.assertFalse(self.supervisor.alive("p"))
        self.assertFalse(self.supervisor.kill("p"))
        self.assertIsNone(self.supervisor.record("p"))

    def test_a_number_that_went_to_another_process(self) -> None:
        """The pid of the record lives, but started at another time."""
        record = self._launch(_SERVE)
        self.supervisor.wait_ready("p", SECONDS)
        self.supervisor.kill("p", SECONDS)
        stranger = self._stranger()
        self._record(dataclasses.replace(record, pid=stranger.pid))
        self.assertFalse(self.supervisor.alive("p"))
        self.assertFalse(self.supervisor.kill("p"))
        self.assertFalse(self.supervisor.stop("p"))
        self.assertFalse(self.supervisor.signal("p", signal.SIGKILL, SECONDS))
        self.assertIsNone(stranger.poll())

    def test_a_dead_child_is_dead(self) -> None:
        """Even if nobody has asked for its exit status yet."""
        child = subprocess.Popen([sys.executable, "-c", ""])
        self.addCleanup(child.wait, SECONDS)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        self.assertIsNone(supervisor.started(child.pid))
