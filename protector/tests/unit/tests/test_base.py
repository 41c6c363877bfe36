# SPDX-License-Identifier: Apache-2.0
"""The base class keeps its promises."""

import logging
import socket

import testtools

from protector.tests import base


class TestCaseTest(base.TestCase):
    def test_logs_are_captured(self) -> None:
        logging.getLogger("protector.x").debug("a line")
        self.assertIn("[protector.x] a line", self.log_output)

    def test_a_connection_beyond_loopback_is_refused(self) -> None:
        with socket.socket() as sock:
            sock.settimeout(1)
            # TEST-NET-1, RFC 5737
            self.assertRaisesRegex(
                AssertionError, "192.0.2.1", sock.connect, ("192.0.2.1", 80)
            )

    def test_a_connection_to_loopback_is_made(self) -> None:
        with socket.socket() as server, socket.socket() as sock:
            server.bind(("127.0.0.1", 0))
            server.listen()
            sock.settimeout(5)
            sock.connect(server.getsockname())
            self.assertEqual(server.getsockname(), sock.getpeername())

    def test_a_long_log_is_cut_in_the_middle(self) -> None:
        class Noisy(base.TestCase):
            def test(self) -> None:
                logger = logging.getLogger("protector.noisy")
                logger.info("the first line")
                for _ in range(6):
                    logger.info("é" * 500_000)
                logger.info("the last line")

        case = Noisy("test")
        case.run(testtools.TestResult())
        size = 0
        for detail in case.getDetails().values():
            size = max(size, len(b"".join(detail.iter_bytes())))
        log = "".join(d.as_text() for d in case.getDetails().values())
        self.assertIn("the first line", log)
        self.assertIn("bytes left out", log)
        self.assertIn("the last line", log)
        # what a packet of the test protocol holds
        self.assertTrue(1_000_000 < size < 4_000_000, size)

    def test_a_handler_that_fails_ends_no_run(self) -> None:
        class Failing(base.TestCase):
            def test(self) -> None:
                self.addOnException(lambda _: self.fail("of the handler"))
                self.fail("of the test")

        result = testtools.TestResult()
        case = Failing("test")
        case.run(result)
        ((_, told),) = result.failures
        self.assertIn("of the test", told)
        self.assertIn("of the handler", told)
