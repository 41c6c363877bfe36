# SPDX-License-Identifier: Apache-2.0
"""Faults that tests plant: errors, delays, hangs and dropped connections.

They are chosen by a regular expression on "METHOD /path" and are forgotten
when the array's process ends. Carrying them out is the server's job.
"""

from dataclasses import dataclass, fields
import re
import threading
from typing import Any

from protector.sandbox.array import errors


@dataclass
class Fault:
    """One planted fault.

    ``match``: a regular expression searched in e.g. "POST /api/1.19/volume/v".
    ``status``: answer with this status. ``hang``: seconds of silence before
    the connection is dropped. ``drop``: drop it at once. ``delay``: seconds
    to wait before going on as usual. ``count``: how often, None for always.
    ``after``: do the work first, so that only the answer is lost.
    """

    match: str
    status: int | None = None
    hang: float | None = None
    drop: bool = False
    delay: float | None = None
    count: int | None = None
    after: bool = False


class Faults:
    """The planted faults in the order in which they are tried."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def plant(self, values: list[dict[str, Any]]) -> None:
        """Replace all faults. Raises ``ArrayError`` for a bad one."""
        known = {field.name for field in fields(Fault)}
        faults = []
        for value in values:
            if "match" not in value or not set(value) <= known:
                raise errors.ArrayError("Not a fault.", str(sorted(value)))
            try:
                re.compile(value["match"])
            except re.error as error:
                raise errors.ArrayError(str(error), "match") from error
            faults.append(Fault(**value))
        with self._lock:
            self._faults = faults

    def listing(self) -> list[dict[str, Any]]:
        """Return the faults that are left."""
        with self._lock:
            return [vars(fault).copy() for fault in self._faults]

    def take(self, method: str, path: str) -> Fault | None:
        """Return the first fault that fits, and count it."""
        with self._lock:
            for fault in self._faults:
                if re.search(fault.match, f"{method} {path}"):
                    if fault.count is not None:
                        fault.count -= 1
                        if fault.count <= 0:
                            self._faults.remove(fault)
                    return fault
        return None
