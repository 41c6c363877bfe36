# SPDX-License-Identifier: Apache-2.0
"""The process: it serves, stops, and comes back as it was."""

import pathlib
import signal
import subprocess
import sys
import threading

import fixtures

from protector.tests import base
from protector.tests.fixtures import emulated_cloud

_READY = 20
_PORT = 5000


class ServerTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.state = self.useFixture(fixtures.TempDir()).path
        self.address = emulated_cloud.loopback_address()

    def start(self) -> tuple[subprocess.Popen[str], str]:
        """Start it; return the process and its address."""
        root = pathlib.Path(__file__).parents[5]
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "protector.sandbox.cloud"),
                *("--site", "site-a", "--address", self.address),
                *("--port", str(_PORT), "--state", self.state),
            ],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.addCleanup(self.end, process)
        watch = threading.Timer(_READY, process.kill)
        watch.start()
        self.addCleanup(watch.cancel)
        words = process.stdout.readline().split()
        watch.cancel()
        self.assertEqual("ready", words[0])
        return process, words[1]

    def end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait(10)
        process.stdout.close()

    def test_a_killed_cloud_comes_back_as_it_was(self) -> None:
        process, url = self.start()
        client = emulated_cloud.connect(url)
        made = client.network.create_security_group(name="survivor")
        process.kill()
        process.wait(10)
        again, url = self.start()
        found = emulated_cloud.connect(url).network.get_security_group(made.id)
        self.assertEqual("survivor", found.name)
        same = client.network.get_security_group(made.id)
        self.assertEqual("survivor", same.name)
        again.send_signal(signal.SIGTERM)
        self.assertEqual(0, again.wait(10))
