# SPDX-License-Identifier: Apache-2.0
"""Let only so many calls into a service at once."""

import collections
import collections.abc
import contextlib
import threading

from protector.sandbox.cloud import settings


class Gate:
    """Counts the calls inside each service; the cap is a live setting."""

    def __init__(self, options: settings.Settings) -> None:
        self._settings = options
        self._changed = threading.Condition()
        self._inside: collections.Counter[str] = collections.Counter()

    @contextlib.contextmanager
    def enter(self, service: str) -> collections.abc.Iterator[None]:
        """Wait for a place in the service, then hold it."""
        with self._changed:
            while not self._free(service):
                self._changed.wait(1.0)
            self._inside[service] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[service] -= 1
                self._changed.notify_all()

    def _free(self, service: str) -> bool:
        cap = self._settings.of("concurrency", service)
        return not cap or self._inside[service] < cap
