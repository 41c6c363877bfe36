# SPDX-License-Identifier: Apache-2.0
"""To which arrays a protection group goes, and whether they take it.

The source keeps its targets, the target keeps whether it allows the group.
Telling the other side is the links' job: the rows say what is yet untold.
"""

from sqlite3 import Row

from protector.sandbox.array import errors, safemode
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.pgsnaps import Pgsnaps


class Targets:
    """Both ends of the right to replicate."""

    def __init__(self, core: Core, pgroups: Pgroups, pgsnaps: Pgsnaps) -> None:
        self._core = core
        self._store = core.store
        self._pgroups = pgroups
        self._pgsnaps = pgsnaps

    def add(self, name: str, arrays: list[str]) -> None:
        """Add target arrays. Raises "already includes" for present ones."""
        with self._store.transaction():
            row = self._pgroups.own(name)
            if arrays and row["pod_id"] is not None:
                raise errors.ArrayError(
                    "A protection group in a pod is not replicated by this"
                    " array.",
                    name,
                )
            present = self._names(row)
            for array in arrays:
                if array in present:
                    raise errors.ArrayError(
                        "The protection group already includes the target.",
                        array,
                    )
                self._require_connected(array)
                self._store.run(
                    "INSERT OR REPLACE INTO pgroup_targets"
                    " (pgroup_id, array) VALUES (?, ?)",
                    row["id"],
                    array,
                )
            self._changed(row)

    def remove(self, name: str, arrays: list[str]) -> None:
        """Remove target arrays; what they hold stays with them."""
        with self._store.transaction():
            row = self._pgroups.own(name)
            if arrays:
                safemode.refuse(row, "remove targets")
            present = self._names(row)
            for array in arrays:
                if array not in present:
                    raise errors.ArrayError(
                        "The target could not be found in the protection"
                        " group.",
                        array,
                    )
                self._store.run(
                    "UPDATE pgroup_targets SET removed = 1, announced = 0,"
                    " allowed = 0 WHERE pgroup_id = ? AND array = ?",
                    row["id"],
                    array,
                )
                self._pgsnaps.abort_sends(row["id"], array)
            self._changed(row)

    def replace(self, name: str, arrays: list[str]) -> None:
        """Make the targets exactly these."""
        with self._store.transaction():
            present = self._names(self._pgroups.own(name))
            self.remove(name, [a for a in present if a not in arrays])
            wanted = dict.fromkeys(arrays)
            self.add(name, [a for a in wanted if a not in present])

    def allow(self, name: str, allowed: bool) -> Row:
        """Allow or disallow a replicated group; on the target array.

        Disallowing gives up a running transfer and drops what has arrived of
        it. Raises "already allowed on" and the like.
        """
        with self._store.transaction():
            row = self._pgroups.live(name)
            if not row["origin"]:
                raise errors.ArrayError(
                    "Replication is allowed on the target array.", name
                )
            if bool(row["allowed"]) == allowed:
                word = "allowed" if allowed else "disallowed"
                raise errors.ArrayError(
                    f"The protection group is already {word} on the target"
                    " array.",
                    name,
                )
            self._store.run(
                "UPDATE pgroups SET allowed = ?, allowed_told = 0"
                " WHERE id = ?",
                allowed,
                row["id"],
            )
            if not allowed:
                self._pgsnaps.drop_incomplete(row["id"])
            self._store.after_commit(self._core.wake)
            return self._pgroups.show(name)

    def _names(self, row: Row) -> list[str]:
        return [t["array"] for t in self._pgroups.targets(row)]

    def _require_connected(self, array: str) -> None:
        if not self._store.one("SELECT 1 FROM arrays WHERE name = ?", array):
            raise errors.ArrayError("The array is not connected.", array)

    def _changed(self, row: Row) -> None:
        self._store.run(
            "UPDATE pgroups SET changed = ? WHERE id = ?",
            self._core.clock.now(),
            row["id"],
        )
        self._store.after_commit(self._core.wake)
