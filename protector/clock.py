# SPDX-License-Identifier: Apache-2.0
"""Time, injected: tests replace the object, nobody else reads a clock."""

import datetime
import threading
import time


class Clock:
    """The real clock."""

    def now(self) -> datetime.datetime:
        """The time in UTC, aware."""
        return datetime.datetime.now(datetime.UTC)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for ``event`` at most ``seconds``; whether it was set."""
        return event.wait(seconds)
