# SPDX-License-Identifier: Apache-2.0
"""HTTP connections whose answers end in time and within a size.

A read timeout bounds the wait for the next bytes only, so an answer that
drips never ends.  Here it bounds the whole answer, status line to last byte.
Who is called, and what a failure means, is not its business.
"""

import errno
import functools
import http.client
import io
import socket
import time
from typing import Any

from oslo_utils import units
import requests
from requests import adapters
import urllib3

# bytes on the wire; a list of thousands of rows has some millions
MOST = 256 * units.Mi


class _Reader(io.RawIOBase):
    """What an answer is read from.

    The time is the operating system's, as it is for the socket's timeout.

    :raises TimeoutError: on reading: the socket's timeout, counted from
        the beginning of the answer, is over.
    :raises OSError: on reading: the answer is larger than ``MOST``.
    """

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._sock = sock
        self._raw = raw
        timeout = sock.gettimeout()
        self._until = None if timeout is None else time.monotonic() + timeout
        self._left = MOST

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None:
            seconds = self._until - time.monotonic()
            if seconds <= 0:
                raise TimeoutError("The answer did not end in time.")
            self._sock.settimeout(seconds)
        found: int | None = self._raw.readinto(buffer)  # type: ignore
        self._left -= found or 0
        if self._left < 0:
            raise OSError(errno.EFBIG, "The answer is too large")
        return found

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """Reads all of itself, the head too, through the bounded reader."""

    def __init__(self, sock: socket.socket, *args: Any, **kw: Any) -> None:
        super().__init__(sock, *args, **kw)
        self.fp: Any = io.BufferedReader(_Reader(sock, self.fp.detach()))


def bound(manager: urllib3.PoolManager) -> None:
    """Let all connections that a pool manager will make be bounded.

    Can be repeated.
    """
    manager.pool_classes_by_scheme = {
        scheme: _bounded(pool)
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@functools.cache
def _bounded(pool: Any) -> Any:
    known = pool.ConnectionCls
    if known.response_class is _Answer:
        return pool
    made = type(known.__name__, (known,), {"response_class": _Answer})
    return type(pool.__name__, (pool,), {"ConnectionCls": made})


class Adapter(adapters.HTTPAdapter):
    """For sessions of requests: what goes through it is bounded."""

    def init_poolmanager(self, *args: Any, **kw: Any) -> None:
        super().init_poolmanager(*args, **kw)
        bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kw: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kw)
        bound(manager)
        return manager


def session() -> requests.Session:
    """A session of requests with nothing but bounded connections."""
    made = requests.Session()
    for scheme in ("http://", "https://"):
        made.mount(scheme, Adapter())
    return made
