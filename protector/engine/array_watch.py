# SPDX-License-Identifier: Apache-2.0
"""Whether the configured arrays answer, asked from time to time and kept in
memory for whoever pings the engine.  Changes nothing."""

from typing import Any

from oslo_log import log as logging

from protector import exception, times
from protector.engine import reading
from protector.storage import base

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


class ArrayWatch:
    """Call ``run`` often: it asks at each ``[engine] observe_interval``."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self._next = 0.0
        self._seen: dict[str, Json] = {}

    @property
    def seen(self) -> list[Json]:
        """``name``, ``ok``, ``message`` and ``checked_at`` of each array
        that was asked; by name."""
        return [found for _, found in sorted(self._seen.items())]

    def run(self) -> None:
        now = self._runtime.clock.monotonic()
        if now < self._next:
            return
        self._next = now + self._runtime.conf.engine.observe_interval
        driver = self._runtime.storage.reader(reading.forbid)
        for array in self._runtime.storage.arrays():
            message = _refusal(driver, array)
            self._seen[array.name] = {
                "name": array.name,
                "ok": message is None,
                "message": message,
                "checked_at": times.iso(self._runtime.clock.now()),
            }


def _refusal(driver: base.ReplicationDriver, array: base.Array) -> str | None:
    """Why the array is of no use; None when it answers."""
    try:
        driver.check(array)
    except exception.ProtectorError as e:
        return e.message
    except Exception:
        LOG.exception("Array %s could not be asked", array.name)
        return "Its answer was not understood."
    return None
