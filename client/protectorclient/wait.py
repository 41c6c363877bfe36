# SPDX-License-Identifier: Apache-2.0
"""Waits for operations with a deadline.

It polls as the server's Retry-After asks, bears short outages, and calls back
after each look. It must not print, nor decide what a failure means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
import time
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions

from protectorclient import errors

Callback = Callable[[Any], None]
Look = Callable[[str], Any]

DEFAULT_INTERVAL = 2.0
LONGEST_INTERVAL = 30.0
_PASSING = frozenset({429, 500, 502, 503, 504})


@dataclass
class Patience:
    """How long to wait; spans in seconds, clock and sleep injected.

    ``outage`` is how long the server may fail to answer before the wait is
    given up.
    """

    timeout: float | None = None
    outage: float = 120.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = field(default=time.sleep)


def is_outage(error: BaseException) -> bool:
    """Whether the error says that nobody answered, rather than a refusal."""
    if isinstance(error, errors.ProtectorHttpException):
        return error.status_code in _PASSING
    return isinstance(
        error,
        ksa_exceptions.ConnectFailure
        | ksa_exceptions.RetriableConnectionFailure
        | ksa_exceptions.DiscoveryFailure,
    )


def wait_for_operations(
    look: Look,
    operations: list[Any],
    callback: Callback | None = None,
    patience: Patience | None = None,
) -> list[Any]:
    """Poll until each operation has ended.

    :param look: takes an operation's id and returns it as it is now
    :param operations: operations as last seen (``id`` and ``status``)
    :param callback: called with each operation after each look at it
    :param patience: deadline, bearable outage, clock and sleep
    :returns: the operations as they ended, in the order given
    :raises errors.WaitTimeout: the deadline passed first
    """
    patience = patience or Patience()
    started = patience.clock()
    answered = started
    latest = {op.id: op for op in operations}
    while True:
        try:
            pause = _look_at_all(look, latest, callback)
            answered = patience.clock()
        except Exception as error:
            if not is_outage(error):
                raise
            if patience.clock() - answered >= patience.outage:
                raise
            pause = DEFAULT_INTERVAL
        running = [op for op in latest.values() if not op.is_finished]
        if not running:
            return [latest[op.id] for op in operations]
        _pause(patience, started, pause, running[0])


def _look_at_all(
    look: Look, latest: dict[str, Any], callback: Callback | None
) -> float:
    """Refresh what has not ended; returns the seconds to wait."""
    pauses = [DEFAULT_INTERVAL]
    for op_id, known in list(latest.items()):
        if not known.is_finished or known.is_bare:
            latest[op_id] = look(op_id)
            pauses.append(latest[op_id].retry_after_seconds)
            if callback is not None:
                callback(latest[op_id])
    return min(max(pauses[1:] or pauses), LONGEST_INTERVAL)


def _pause(
    patience: Patience, started: float, pause: float, running: Any
) -> None:
    """Sleep, but not beyond the deadline."""
    if patience.timeout is not None:
        left = started + patience.timeout - patience.clock()
        if left <= 0:
            raise errors.WaitTimeout(running, patience.timeout)
        pause = min(pause, left)
    patience.sleep(pause)
