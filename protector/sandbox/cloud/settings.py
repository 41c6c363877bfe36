# SPDX-License-Identifier: Apache-2.0
"""How slow, how narrow and how patient the emulated cloud is just now."""

import typing

from protector.sandbox.cloud import store

_ID = "settings"
_DEFAULTS: dict[str, typing.Any] = {
    "latency": {},
    "concurrency": {},
    "task_delays": {},
    "token_seconds": 3600,
    "quotas": {},
}


class Settings:
    """Settings that ``/control/settings`` changes; kept in the store.

    ``latency``: seconds per service name (``*``: all others).
    ``concurrency``: calls served at once per service; more wait.
    ``task_delays``: seconds per kind of task (``*``: all others).
    ``token_seconds``: how long a new token is valid.
    ``quotas``: free for the services: ``{"volume": {...}}``.
    """

    def __init__(self, storage: store.Store) -> None:
        self._table = storage.table("settings")

    def all(self) -> dict[str, typing.Any]:
        """Return every setting, the defaults included."""
        row = self._table.get(_ID) or {}
        row.pop("id", None)
        return {**store.copy_document(_DEFAULTS), **row}

    def get(self, name: str) -> typing.Any:
        """Return one setting, None when nobody set it."""
        return self.all().get(name)

    def merge(self, changes: dict[str, typing.Any]) -> dict[str, typing.Any]:
        """Set what is given; in a dict, key by key (None removes)."""
        merged = self.all()
        for name, value in changes.items():
            if isinstance(value, dict) and isinstance(merged.get(name), dict):
                both = {**merged[name], **value}
                value = {k: v for k, v in both.items() if v is not None}
            merged[name] = value
        self._table.put({"id": _ID, **merged})
        return merged

    def reset(self) -> None:
        """Go back to the defaults."""
        self._table.delete(_ID)

    def of(self, name: str, key: str) -> typing.Any:
        """Return entry ``key`` of a dict setting, else its ``*``, or None."""
        entries = self.get(name) or {}
        return entries.get(key, entries.get("*"))
