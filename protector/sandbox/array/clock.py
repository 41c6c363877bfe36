# SPDX-License-Identifier: Apache-2.0
"""The array's clock: the machine's, moved by a settable offset.

Schedules, retention and the eradication timer run by it, so a test can let
days pass. It never waits for anything.
"""

from collections.abc import Callable
from datetime import UTC, datetime
import time


class ArrayClock:
    """Tells the time in seconds since the epoch, UTC."""

    def __init__(self, offset: Callable[[], float]) -> None:
        """``offset`` returns the seconds to add to the machine's clock."""
        self._offset = offset

    def now(self) -> float:
        """Return the array's time in seconds since the epoch."""
        return time.time() + self._offset()


def stamp(seconds: float | None) -> str | None:
    """Return ``2026-11-23T05:13:04Z`` for ``seconds``; None stays None.

    REST 1.x tells times in whole seconds, so two snapshots of one second
    cannot be told apart by it.
    """
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
