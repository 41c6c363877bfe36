# SPDX-License-Identifier: Apache-2.0
"""An answer that never ends is given up in time, wherever it drips."""

from collections.abc import Callable
import http.server
import threading
import time
from typing import Any
from unittest import mock

import requests
import urllib3

from protector import bounded_http
from protector.tests import base
from protector.tests.fixtures import dripping

SECONDS = 0.3
# beyond it, it was the end of the test that ended the wait
LONG = 20


class BoundedTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.answer: Callable[[Any], None] = self.well
        self.hung_up = threading.Event()
        self.served: list[Any] = []
        handler = type("Handler", (_Handler,), {"test": self})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(
            target=server.serve_forever, args=(0.02,), daemon=True
        )
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join, 10)
        self.addCleanup(server.shutdown)
        self.session = requests.Session()
        self.addCleanup(self.session.close)
        self.session.mount("http://", bounded_http.Adapter())

    @staticmethod
    def well(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "4")
        handler.end_headers()
        handler.wfile.write(b"well")

    def drips(self, begin: bytes) -> Callable[[Any], None]:
        def answer(handler: Any) -> None:
            handler.close_connection = True
            dripping.drip(handler.connection, begin)
            self.hung_up.set()

        return answer

    def get(self) -> str:
        return self.session.get(self.url, timeout=(LONG, SECONDS)).text

    def test_it_ends_in_time_wherever_it_drips(self) -> None:
        for where, begin in dripping.ALL.items():
            with self.subTest(where):
                self.hung_up.clear()
                self.answer = self.drips(begin)
                begun = time.monotonic()
                error = self.assertRaises(
                    requests.exceptions.RequestException, self.get
                )
                self.assertLess(time.monotonic() - begun, LONG)
                self.assertIn("Read timed out", str(error))
                # the connection is not kept
                self.assertTrue(self.hung_up.wait(LONG))

    def test_before_the_head_it_is_a_read_timeout(self) -> None:
        self.answer = self.drips(dripping.HEAD)
        self.assertRaises(requests.exceptions.ReadTimeout, self.get)

    def test_bare_urllib3(self) -> None:
        manager = urllib3.PoolManager()
        bounded_http.bound(manager)
        bounded_http.bound(manager)
        self.addCleanup(manager.clear)
        timeout = urllib3.Timeout(connect=LONG, read=SECONDS)
        for begin in (dripping.HEAD, dripping.BODY):
            self.answer = self.drips(begin)
            self.assertRaises(
                urllib3.exceptions.ReadTimeoutError,
                manager.request,
                "GET",
                self.url,
                timeout=timeout,
                retries=False,
            )

    def test_through_a_proxy(self) -> None:
        self.answer = self.drips(dripping.BODY)
        begun = time.monotonic()
        error = self.assertRaises(
            requests.exceptions.RequestException,
            self.session.get,
            "http://there.invalid/",
            timeout=(LONG, SECONDS),
            proxies={"http": self.url},
        )
        self.assertLess(time.monotonic() - begun, LONG)
        self.assertIn("Read timed out", str(error))

    def test_each_answer_has_its_own_time(self) -> None:
        self.assertEqual("well", self.get())
        # later than the first answer had to be there
        self.hung_up.wait(SECONDS)
        self.assertEqual("well", self.get())
        # and on the same connection
        self.assertEqual(1, len(set(self.served)))

    def test_one_that_is_too_large(self) -> None:
        with mock.patch.object(bounded_http, "MOST", 50):
            error = self.assertRaises(
                requests.exceptions.RequestException, self.get
            )
        self.assertIn("too large", str(error))


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    test: BoundedTest

    def do_GET(self) -> None:
        self.test.served.append(self.client_address)
        self.test.answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing on standard error."""
