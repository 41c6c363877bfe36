# SPDX-License-Identifier: Apache-2.0
"""The entry point of uWSGI and gunicorn, in a process of its own."""

import subprocess
import sys

import fixtures

from protector.tests import base

ASK = """
import json
from protector.wsgi import api

def start(status, headers):
    print(status)

body = api.application(
    {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8788",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
    },
    start,
)
print(json.loads(b"".join(body))["versions"][0]["id"])
"""


class EntryTest(base.TestCase):
    def test_it_answers(self) -> None:
        directory = self.useFixture(fixtures.TempDir()).path
        done = subprocess.run(
            [sys.executable, "-c", ASK, "--not-ours"],
            cwd=directory,
            env={"HOME": directory, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            timeout=50,
        )
        self.assertEqual(
            ["200 OK", "v1"], done.stdout.splitlines(), done.stderr
        )
