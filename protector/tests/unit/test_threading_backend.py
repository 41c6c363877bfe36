# SPDX-License-Identifier: Apache-2.0
"""Threads are chosen, whatever is imported afterwards, and quietly."""

import os
import subprocess
import sys

from oslo_service import backend

from protector import threading_backend
from protector.tests import base, source

_PROGRAM = """
import protector.cmd
import oslo_messaging
from oslo_service import backend
print(backend.get_backend_type().value)
"""


class SelectTest(base.TestCase):
    def test_again_is_harmless(self) -> None:
        threading_backend.select()
        self.assertEqual(
            backend.BackendType.THREADING, backend.get_backend_type()
        )

    def test_a_command_is_quiet(self) -> None:
        environment = dict(os.environ, PYTHONPATH=str(source.ROOT))
        environment.pop("PYTHONWARNINGS", None)
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            capture_output=True,
            text=True,
            timeout=30,
            env=environment,
        )
        self.assertEqual(("threading\n", ""), (done.stdout, done.stderr))
