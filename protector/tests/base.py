# SPDX-License-Identifier: Apache-2.0
"""The base class of every test.

It gives each test a deadline, captured output and logs, an own home and
temporary directory, and refuses connections that leave the machine. It knows
nothing of Protector itself.
"""

from collections.abc import Callable
import ipaddress
import logging
import os
import socket
import sys
from typing import Any, ClassVar

import fixtures
from oslotest import base, output
from testtools import content

_FALSE_VALUES = ("0", "false", "no")
# A packet of the test protocol holds 4 MiB (subunit/v2.py, _write_packet);
# one longer detail breaks the report of the whole run.
_DETAIL_LIMIT = 1 << 20


class LoopbackOnly(fixtures.Fixture):
    """Refuses connections to anything but loopback and Unix sockets."""

    def _setUp(self) -> None:
        connect = socket.socket.connect

        def guarded(sock: socket.socket, address: Any) -> None:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                _require_loopback(address[0])
            return connect(sock, address)

        self.useFixture(fixtures.MonkeyPatch("socket.socket.connect", guarded))


def _require_loopback(host: str) -> None:
    """Raise ``AssertionError`` unless ``host`` is a loopback address."""
    if host == "localhost":
        return
    try:
        if ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    raise AssertionError(f"a test tried to connect to {host!r}")


class TestCase(base.BaseTestCase):
    """A test with a deadline, captured streams and captured logs.

    ``DEFAULT_TIMEOUT`` is in seconds; ``OS_TEST_TIMEOUT`` overrides it.
    ``OS_STDOUT_CAPTURE=0``, ``OS_STDERR_CAPTURE=0`` and ``OS_LOG_CAPTURE=0``
    let the output through, for work on a single test.
    """

    DEFAULT_TIMEOUT = 60
    LOOPBACK_ONLY: ClassVar[bool] = True

    def setUp(self) -> None:
        # registered first, hence run when the fixtures have left their logs
        self.addCleanup(self._shorten_details)
        super().setUp()
        if self.LOOPBACK_ONLY:
            self.useFixture(LoopbackOnly())

    def _fake_output(self) -> None:
        self.output_fixture = self.useFixture(
            output.CaptureOutput(
                do_stdout=_wanted("OS_STDOUT_CAPTURE"),
                do_stderr=_wanted("OS_STDERR_CAPTURE"),
            )
        )

    def _fake_logs(self) -> None:
        self.logger: fixtures.FakeLogger | None = None
        if _wanted("OS_LOG_CAPTURE"):
            self.logger = self.useFixture(
                fixtures.FakeLogger(
                    format="%(levelname)8s [%(name)s] %(message)s",
                    level=logging.DEBUG,
                    nuke_handlers=True,
                )
            )

    def addOnException(self, handler: Callable[[Any], None]) -> None:
        """As testtools has it, but a handler that fails is told with the
        test: it would end the run, and nobody would miss the rest."""

        def guarded(error: Any) -> None:
            try:
                handler(error)
            except Exception:
                told = content.TracebackContent(sys.exc_info(), self)
                self.addDetailUniqueName("on-exception", told)

        super().addOnException(guarded)

    def _shorten_details(self) -> None:
        """Cut the middle out of what is too long to be reported."""
        details = self.getDetails()
        for name, detail in details.items():
            data = b"".join(detail.iter_bytes())
            if len(data) > _DETAIL_LIMIT:
                details[name] = _ends(detail.content_type, data)

    def hear(self, *names: str) -> None:
        """Capture these loggers at DEBUG, whatever an earlier test of the
        process made of their levels."""
        for name in names:
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)

    @property
    def log_output(self) -> str:
        """All that was logged so far, one record per line."""
        return self.logger.output if self.logger else ""


def _ends(kind: content.ContentType, data: bytes) -> content.Content:
    """The first quarter and the last three of what a detail may hold."""
    head, tail = _DETAIL_LIMIT // 4, 3 * _DETAIL_LIMIT // 4
    cut = f"\n[... {len(data) - head - tail} bytes left out ...]\n".encode()
    pieces = [data[:head], cut, data[-tail:]]
    # a cut may fall inside a character
    text = b"".join(pieces).decode(errors="replace").encode()
    return content.Content(kind, lambda: [text])


def _wanted(name: str) -> bool:
    return os.environ.get(name, "1").lower() not in _FALSE_VALUES
