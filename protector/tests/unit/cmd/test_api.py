# SPDX-License-Identifier: Apache-2.0
"""protector-api: in a process of its own, over TLS, and its end."""

import pathlib
import signal
import subprocess
import sys
import threading
import time
from unittest import mock

import fixtures
import requests

from protector import notifications
from protector.tests import base
from protector.tests.fixtures import certificates, told
from protector.tests.unit.api import served

CONFIG_FILE = """
[api]
bind_host = 127.0.0.1
port = {port}
[database]
connection = sqlite:///{directory}/db.sqlite
"""


class TlsTest(base.TestCase):
    def test_it_speaks_tls_only(self) -> None:
        authority = self.useFixture(certificates.Authority())
        file = authority.issue("127.0.0.1")
        api = self.useFixture(
            served.ServedApi(tls_cert_file=file, tls_key_file=file)
        )
        url = "https" + api.url.removeprefix("http")
        answer = api.session.get(url, verify=authority.ca_file, timeout=10)
        self.assertEqual(200, answer.status_code)
        link = answer.json()["versions"][0]["links"][0]["href"]
        self.assertTrue(link.startswith("https://"), link)
        self.assertRaises(
            requests.exceptions.SSLError, api.session.get, url, timeout=10
        )


class EndTest(served.ApiTest):
    def test_a_request_that_waits_is_answered_at_the_end(self) -> None:
        self.engine.finishes = False
        group_id = self.site.group()
        answers: list[requests.Response] = []

        def ask() -> None:
            body = {"protection_group": {"description": "d"}}
            path = f"/protection-groups/{group_id}"
            answers.append(self.tenant("PUT", path, body))

        thread = threading.Thread(target=ask)
        thread.start()
        self.until(lambda: self.engine.called("start"))
        began = time.monotonic()
        self.served.server.stop()
        thread.join(20)
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual([202], [a.status_code for a in answers])

    def test_what_others_are_told_is_sent_before_the_end(self) -> None:
        broker = self.useFixture(told.Told(self.served.runtime))
        broker.open.clear()
        event = notifications.Event("protection_group.condition.change", {})
        self.served.runtime.notifications.tell(event)
        server = self.served.server
        # when no request is left
        ended = mock.patch.object(
            server._thread, "join", lambda seconds: broker.open.set()
        )
        with ended:
            server.stop()
        self.assertEqual([event.type], [s[1] for s in broker.sent])


class BoundsTest(served.ApiTest):
    def test_headers_end_somewhere(self) -> None:
        headers = {"X-Long": "x" * (1 << 20)}
        answer = self.ask("GET", "/", headers=headers)
        self.assertEqual(413, answer.status_code)
        error = answer.json()["error"]
        self.assertEqual(
            answer.headers["x-openstack-request-id"], error["request_id"]
        )

    def test_a_token_of_many_roles_fits(self) -> None:
        headers = {"X-Auth-Token": "x" * 16000}
        self.assertEqual(
            200, self.ask("GET", "/", headers=headers).status_code
        )


class ProcessTest(base.TestCase):
    def test_it_ends_by_sigterm(self) -> None:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        file = directory / "protector.conf"
        port = served.free_port()
        file.write_text(CONFIG_FILE.format(port=port, directory=directory))
        command = [sys.executable, "-m", "protector.cmd.api"]
        process = subprocess.Popen(
            [*command, "--config-file", str(file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.addCleanup(process.kill)
        url = f"http://127.0.0.1:{port}/"
        end = time.monotonic() + 40
        while not self._answers(url):
            self.assertIsNone(process.poll())
            self.assertLess(time.monotonic(), end)
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=30)
        self.assertEqual(0, process.returncode, log)
        self.assertIn('"GET /" 200', log)

    def _answers(self, url: str) -> bool:
        session = requests.Session()
        session.trust_env = False
        try:
            return session.get(url, timeout=5).ok
        except requests.ConnectionError:
            threading.Event().wait(0.1)
            return False
