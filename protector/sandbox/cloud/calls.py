# SPDX-License-Identifier: Apache-2.0
"""Remember which calls changed something, and count the others.

Secrets never get in: what is kept is masked first.
"""

import collections
import re
import threading
import typing

from protector.sandbox.cloud import clock, store

MASK = "***"
_SECRET = re.compile(
    r"pass(word)?$|password_hash|secret|token|auth_key|private_key|user_data|api_key",
    re.IGNORECASE,
)
_KEEP = 20000


def masked(value: typing.Any) -> typing.Any:
    """Return a copy of a JSON value without its secrets."""
    if isinstance(value, dict):
        return {
            key: MASK
            if _SECRET.search(str(key)) and not isinstance(item, dict)
            else masked(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [masked(item) for item in value]
    return value


class Calls:
    """The log of changing calls, kept in the store, oldest first."""

    def __init__(self, storage: store.Store, time: clock.Clock) -> None:
        self._table = storage.table("calls")
        self._clock = time
        self._lock = threading.Lock()
        rows = self._table.list()
        self._next = int(rows[-1]["id"]) + 1 if rows else 1
        self._counts: collections.Counter[str] = collections.Counter()

    def count(self, service: str, method: str) -> None:
        """Count a call of any kind."""
        with self._lock:
            self._counts[f"{service} {method}"] += 1

    def counts(self) -> dict[str, int]:
        """Return calls since the cloud started, by ``service METHOD``."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def record(self, **entry: typing.Any) -> None:
        """Add an entry; its ``body`` is masked here."""
        entry["body"] = masked(entry.get("body"))
        with self._lock:
            number, self._next = self._next, self._next + 1
        entry.update(id=f"{number:010d}", time=self._clock.micro())
        self._table.put(entry)
        self._table.delete(f"{number - _KEEP:010d}")

    def since(self, since: str | None) -> list[store.Document]:
        """Return the entries after an id or at and after a time."""
        if not since:
            return self._table.list()
        if since.isdecimal():
            number = f"{int(since):010d}"
            return self._table.list(lambda row: row["id"] > number)
        return self._table.list(lambda row: row["time"] >= since)
