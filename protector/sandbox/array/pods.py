# SPDX-License-Identifier: Apache-2.0
"""Pods: containers of volumes and protection groups, made and unmade here.

What is in a pod is called ``pod::name`` and has its bytes in the pod's own
directory, its ``home``. On which arrays a pod is, and in what state, is the
stretch's to say.
"""

from collections.abc import Mapping
import json
import pathlib
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors, names
from protector.sandbox.array.core import Core

_KIND = "Pod"
RESTRETCH = ".restretch"
"""What the name of a pod ends with on an array that was taken out of it."""


class Pods:
    """The pods that one array knows. Every method is a transaction."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._store = core.store

    def find(self, name: str) -> Row | None:
        """Return a pod, destroyed or not, or None."""
        return self._store.one("SELECT * FROM pods WHERE name = ?", name)

    def of_uid(self, uid: str) -> Row | None:
        """Return the pod with that identity, or None."""
        return self._store.one("SELECT * FROM pods WHERE uid = ?", uid)

    def show(self, name: str, pending: bool = False) -> Row:
        """Return a pod; a destroyed one only if ``pending``."""
        row = self.find(name)
        if row is None or (row["destroyed"] is not None and not pending):
            raise errors.missing(_KIND, name)
        return row

    def live(self, name: str) -> Row:
        """Return a pod that is not destroyed. Raises ``ArrayError``."""
        row = self.find(name)
        if row is None:
            raise errors.missing(_KIND, name)
        if row["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        return row

    def holding(self, name: str) -> Mapping[str, Any]:
        """Return ``id`` and ``home`` of the pod of an object called so.

        Both are None for a name outside of pods. Raises ``ArrayError``.
        """
        pod, _ = names.split(name)
        if not pod:
            return {"id": None, "home": None}
        row = self.live(pod)
        return {"id": row["id"], "home": pathlib.Path(row["home"])}

    def listing(self) -> list[Row]:
        """Return all pods by name, destroyed ones included."""
        return self._store.all("SELECT * FROM pods ORDER BY name")

    def insert(self, uid: str, name: str, home: pathlib.Path) -> int:
        """Write down a pod, made here or at another array."""
        return self._store.run(
            "INSERT INTO pods (uid, name, home, created) VALUES (?, ?, ?, ?)",
            uid,
            name,
            str(home),
            self._core.clock.now(),
        )

    def change(self, name: str, values: dict[str, Any]) -> Row:
        """Set ``mediator`` (text) or ``failover`` (ids of arrays)."""
        with self._store.transaction():
            row = {**dict(self.live(name)), **values}
            if not isinstance(row["failover"], str):
                row["failover"] = json.dumps(row["failover"])
            self._store.run(
                "UPDATE pods SET mediator = ?, failover = ? WHERE id = ?",
                row["mediator"],
                row["failover"],
                row["id"],
            )
            return self.show(name)

    def rename(self, name: str, new: str) -> Row:
        """Give a pod another name; all that is in it follows."""
        with self._store.transaction():
            row = self.live(name)
            names.check(_KIND, new)
            self.require_free(new)
            self.name_anew(row["id"], new)
            return self.show(new)

    def name_anew(self, pod_id: int, new: str) -> None:
        """Write another name down, which is known to be free."""
        self._store.run("UPDATE pods SET name = ? WHERE id = ?", new, pod_id)
        for sql in _FOLLOW:
            self._store.run(sql, new, pod_id)

    def destroy(self, name: str, contents: bool) -> Row:
        """Destroy a pod, with its ``contents`` or only without any.

        Raises ``ArrayError``.
        """
        with self._store.transaction():
            row, now = self.live(name), self._core.clock.now()
            if self._store.one(_CONNECTED, row["id"]):
                raise errors.ArrayError(
                    "Pod cannot be deleted due to existing connections.", name
                )
            if not contents and any(
                self._store.one(sql, row["id"]) for sql in _CONTENT
            ):
                raise errors.ArrayError("Pod is not empty.", name)
            for sql in _DESTROY:
                self._store.run(sql, now, row["id"])
            self.mark(row["id"], now)
            return self.show(name, pending=True)

    def require_empty(self, row: Row) -> None:
        """Raise ``ArrayError`` if a pod holds anything, destroyed or not."""
        if any(self._store.one(sql, row["id"]) for sql in _HELD):
            raise errors.ArrayError("Pod is not empty.", row["name"])

    def mark(self, pod_id: int, destroyed: float | None) -> None:
        """Write down when a pod was destroyed, None for not at all."""
        self._store.run(
            "UPDATE pods SET destroyed = ? WHERE id = ?", destroyed, pod_id
        )

    def recover(self, name: str) -> Row:
        """Bring a destroyed pod back."""
        with self._store.transaction():
            self.mark(self.pending(name)["id"], None)
            return self.show(name)

    def pending(self, name: str) -> Row:
        """Return a destroyed pod. Raises ``ArrayError`` for others."""
        row = self.find(name)
        if row is None:
            raise errors.missing(_KIND, name)
        if row["destroyed"] is None:
            raise errors.ArrayError("Pod has not been destroyed.", name)
        return row

    def require_free(self, name: str) -> None:
        """Raise ``ArrayError`` if a pod is called so already."""
        row = self.find(name)
        if row is not None and row["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        if row is not None:
            raise errors.exists(_KIND, name)

    def empty(self, pod_id: int) -> None:
        """Forget all that is in a pod; its files are another's business."""
        for sql in _EMPTY:
            self._store.run(sql, pod_id)

    def remove(self, pod_id: int) -> None:
        """Forget a pod with all that is in it."""
        with self._store.transaction():
            self.empty(pod_id)
            self._store.run("DELETE FROM pods WHERE id = ?", pod_id)


_FOLLOW = (
    "UPDATE volumes SET name = ? || substr(name, instr(name, '::'))"
    " WHERE pod_id = ?",
    "UPDATE pgroups SET name = ? || substr(name, instr(name, '::'))"
    " WHERE pod_id = ?",
)
_CONNECTED = (
    "SELECT 1 FROM connections c JOIN volumes v ON v.id = c.volume_id"
    " WHERE v.pod_id = ?"
)
_HELD = (
    "SELECT 1 FROM volumes WHERE pod_id = ?",
    "SELECT 1 FROM pgroups WHERE pod_id = ?",
)
_DESTROY = (
    "UPDATE volumes SET destroyed = ? WHERE pod_id = ? AND destroyed IS NULL",
    "UPDATE pgroups SET destroyed = ? WHERE pod_id = ? AND destroyed IS NULL",
)
_CONTENT = (
    "SELECT 1 FROM volumes WHERE pod_id = ? AND destroyed IS NULL",
    "SELECT 1 FROM pgroups WHERE pod_id = ? AND destroyed IS NULL",
)
_EMPTY = (
    "DELETE FROM snapshots WHERE pgsnap_id IS NULL AND volume_id IN"
    " (SELECT id FROM volumes WHERE pod_id = ?)",
    "DELETE FROM pgroups WHERE pod_id = ?",
    "DELETE FROM volumes WHERE pod_id = ?",
)
