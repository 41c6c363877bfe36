# SPDX-License-Identifier: Apache-2.0
"""The log of changing requests, for tests that audit what was done.

Secrets are masked before anything is kept.
"""

import json
from typing import Any

from protector.sandbox.array.core import Core

_SECRET = ("token", "password", "key", "secret")


class Calls:
    """The changing requests that an array was asked, in order."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._store = core.store

    def add(
        self,
        method: str,
        path: str,
        params: dict[str, Any],
        status: int,
        notes: list[str],
    ) -> None:
        """Record a request and its answer's status."""
        self._store.run(
            "INSERT INTO calls (time, method, path, params, status, notes)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            self._core.clock.now(),
            method,
            path,
            json.dumps({k: _masked(k, v) for k, v in params.items()}),
            status,
            json.dumps(notes),
        )

    def listing(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the calls with an ``id`` above ``after``, oldest first."""
        rows = self._store.all(
            "SELECT * FROM calls WHERE id > ? ORDER BY id", after
        )
        return [
            {
                **dict(row),
                "params": json.loads(row["params"]),
                "notes": json.loads(row["notes"]),
            }
            for row in rows
        ]


def _masked(key: str, value: Any) -> Any:
    return "***" if any(word in key for word in _SECRET) else value
