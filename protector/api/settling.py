# SPDX-License-Identifier: Apache-2.0
"""Waits for short changes, so that their answer can be the final one.

Bounded twice: each wait in time, all of them in number.
"""

import threading

from protector import constants as c
from protector import exception, runtime
from protector.db import models
from protector.db.api import operations

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5


class Settling:
    """The waits of one API process."""

    def __init__(self, built: runtime.Runtime) -> None:
        self._runtime = built
        self._places = threading.BoundedSemaphore(
            max(built.conf.api.settle_waiters, 1)
        )
        self._stopping = threading.Event()

    def stop(self) -> None:
        """End all waits: their requests are answered 202."""
        self._stopping.set()

    def wait(self, operation_id: str) -> models.Operation | None:
        """The completed operation; None when it takes longer.

        :raises ProtectorError: what the operation failed of.
        """
        if self._runtime.conf.api.settle_waiters == 0:
            return None
        if not self._places.acquire(blocking=False):
            return None
        try:
            found = self._poll(operation_id)
        finally:
            self._places.release()
        return None if found is None else _outcome(found)

    def _poll(self, operation_id: str) -> models.Operation | None:
        clock = self._runtime.clock
        deadline = clock.monotonic() + self._runtime.conf.api.settle_timeout
        pause = FIRST_PAUSE
        while True:
            with self._runtime.db.reader() as session:
                found = operations.get(session, operation_id)
            if found.status not in c.UNFINISHED:
                return found
            left = deadline - clock.monotonic()
            if left <= 0 or self._stopping.is_set():
                return None
            clock.wait(self._stopping, min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)


def _outcome(operation: models.Operation) -> models.Operation:
    if operation.status == c.OperationStatus.COMPLETED:
        return operation
    if operation.error:
        raise exception.from_dict(operation.error)
    raise exception.Superseded(f"Operation {operation.id} was cancelled.")
