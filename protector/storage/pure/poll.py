# SPDX-License-Identifier: Apache-2.0
"""Waits for one array to learn what another one was told."""

from collections.abc import Callable
import dataclasses
import threading

from protector import clock as clocks
from protector import exception


@dataclasses.dataclass(frozen=True)
class Poll:
    """How long and how often to look, in seconds.

    The deadline is that of Cinder's driver: 36 times 5 seconds.
    """

    clock: clocks.Clock = dataclasses.field(default_factory=clocks.Clock)
    interval: float = 2.0
    deadline: float = 180.0

    def until(self, done: Callable[[], bool], awaited: str) -> None:
        """:raises ArrayError: ``awaited`` did not come in time."""
        never = threading.Event()
        end = self.clock.monotonic() + self.deadline
        while not done():
            if self.clock.monotonic() >= end:
                raise exception.ArrayError(
                    f"{awaited} did not come within {self.deadline:g} s.",
                    remedy="Check the connection between the arrays and "
                    "retry the operation.",
                )
            self.clock.wait(never, self.interval)
