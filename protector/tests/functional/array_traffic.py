# SPDX-License-Identifier: Apache-2.0
"""Listens to what this process asks of arrays, and to all that it logs.

At the one door that the SDKs of both generations of REST go through, which
is urllib3's pool.  It changes nothing and judges nothing.
"""

from collections.abc import Collection
import dataclasses
import inspect
import logging
import re
from typing import Any
import urllib.parse

import fixtures
from urllib3 import connectionpool
from urllib3.util import timeout as timeouts

_LOGGERS = ("", "protector", "pypureclient", "requests", "urllib3",
            "urllib3.connectionpool")  # fmt: skip
_API = "/api/"
_GENERATION = re.compile(_API + r"(\d+)\.")


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request to an array; timeouts in seconds, None for none."""

    method: str
    path: str
    connect: float | None
    read: float | None

    @property
    def generation(self) -> str:
        """Of REST: "1" or "2"; "" of the question which are spoken."""
        found = _GENERATION.match(self.path)
        return found[1] if found else ""


class Log(logging.Handler):
    """Keeps each record as a line, with what was raised."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.lines.append(self.format(record))


class ArrayTraffic(fixtures.Fixture):
    """:param targets: management addresses, ``host:port``.

    ``asked`` are the requests, ``log`` all that was logged at DEBUG, and
    ``sessions`` the tokens and cookies that arrays gave for a login.
    """

    def __init__(self, targets: Collection[str]) -> None:
        super().__init__()
        self._targets = frozenset(targets)
        self.asked: list[Asked] = []
        self.sessions: set[str] = set()
        self.log = Log()

    def _setUp(self) -> None:
        for name in _LOGGERS:
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        root = logging.getLogger()
        root.addHandler(self.log)
        self.addCleanup(root.removeHandler, self.log)
        ask = connectionpool.HTTPConnectionPool.urlopen
        shape = inspect.signature(ask)

        def urlopen(
            pool: connectionpool.HTTPConnectionPool, *args: Any, **kwargs: Any
        ) -> Any:
            answer = None
            try:
                answer = ask(pool, *args, **kwargs)
                return answer
            finally:
                if f"{pool.host}:{pool.port}" in self._targets:
                    given = shape.bind(pool, *args, **kwargs).arguments
                    self._note(pool, given, answer)

        self.useFixture(
            fixtures.MonkeyPatch(
                "urllib3.connectionpool.HTTPConnectionPool.urlopen", urlopen
            )
        )

    def _note(
        self,
        pool: connectionpool.HTTPConnectionPool,
        given: dict[str, Any],
        answer: Any,
    ) -> None:
        path = urllib.parse.urlsplit(given["url"]).path
        if not path.startswith(_API):
            return  # the emulation's own, which no array has
        waits = given.get("timeout", timeouts.Timeout.DEFAULT_TIMEOUT)
        if waits is timeouts.Timeout.DEFAULT_TIMEOUT:
            waits = pool.timeout
        if not isinstance(waits, timeouts.Timeout):
            waits = timeouts.Timeout.from_float(waits)
        self.asked.append(
            Asked(
                given["method"],
                path,
                _seconds(waits.connect_timeout),
                _seconds(waits.read_timeout),
            )
        )
        headers = answer.headers if answer is not None else {}
        self.sessions.update(
            value.partition(";")[0].rpartition("=")[2]
            for name in ("x-auth-token", "set-cookie")
            if (value := headers.get(name))
        )


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
