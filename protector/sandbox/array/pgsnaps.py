# SPDX-License-Identifier: Apache-2.0
"""Snapshots of protection groups: taken at one instant, queued to be sent.

The sends are rows: the sender's threads carry them out, and find them again
after a restart.
"""

from sqlite3 import Row
from typing import Any
import uuid

from protector.sandbox.array import errors, names, safemode
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.snapshots import Snapshots

_KIND = "Protection group snapshot"
_SELECT = (
    "SELECT p.*, g.origin AS origin, g.name AS grp FROM pgsnaps p"
    " JOIN pgroups g ON g.id = p.pgroup_id"
)


class Pgsnaps:
    """The protection group snapshots of one array."""

    def __init__(
        self, core: Core, pgroups: Pgroups, snapshots: Snapshots
    ) -> None:
        self._core = core
        self._store = core.store
        self._pgroups = pgroups
        self._snapshots = snapshots

    def create(
        self,
        group: str,
        suffix: str | None = None,
        ages: bool = False,
        replicate: str | None = None,
    ) -> dict[str, Any]:
        """Take a snapshot of all members at one instant.

        ``ages``: retention applies to it. ``replicate``: "now" sends it at
        once, "queue" behind what is running, None keeps it local. Sending
        needs a target that allows the group.
        """
        if suffix is not None:
            names.check_suffix(suffix)
        with self._store.transaction():
            row = self._pgroups.own(group)
            text = suffix or self._next_suffix(row)
            self._require_free(f"{group}.{text}")
            now = self._core.clock.now()
            number = self._store.run(
                "INSERT INTO pgsnaps (pgroup_id, suffix, created, ages)"
                " VALUES (?, ?, ?, ?)",
                row["id"],
                text,
                now,
                ages,
            )
            with self._core.io:
                for volume in self._pgroups.volumes(row):
                    self._snapshots.take(volume, number, text, now)
            if replicate:
                self._queue(row, number, replicate == "now")
            return self.show(f"{group}.{text}")

    def send(self, name: str) -> dict[str, Any]:
        """Send an existing snapshot to the targets that lack it."""
        with self._store.transaction():
            snapshot = self.live(name)
            self._queue(
                self._pgroups.own(snapshot["group_name"]),
                snapshot["id"],
                True,
            )
            return snapshot

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a snapshot, destroyed or not, or None."""
        parsed = names.parse_group(name)
        row = self._store.one(
            _SELECT + " WHERE g.origin = ? AND g.name = ? AND p.suffix = ?",
            parsed.origin,
            parsed.group,
            parsed.suffix,
        )
        return self._named(row) if row else None

    def show(self, name: str, pending: bool = False) -> dict[str, Any]:
        """Return a snapshot; a destroyed one only if ``pending``."""
        snapshot = self.find(name)
        if snapshot is None:
            raise errors.missing(_KIND, name)
        if snapshot["destroyed"] is not None and not pending:
            raise errors.missing(_KIND, name)
        return snapshot

    def live(self, name: str) -> dict[str, Any]:
        """Return a snapshot that is not destroyed. Raises ``ArrayError``."""
        snapshot = self.show(name, pending=True)
        if snapshot["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        return snapshot

    def listing(self, pgroup_id: int | None = None) -> list[dict[str, Any]]:
        """Return snapshots, newest first, destroyed ones included."""
        rows = self._store.all(
            _SELECT + " WHERE p.pgroup_id = COALESCE(?, p.pgroup_id)"
            " ORDER BY p.created DESC, p.id DESC",
            pgroup_id,
        )
        return [self._named(row) for row in rows]

    def destroy(self, name: str) -> dict[str, Any]:
        """Destroy a snapshot; a transfer of it is given up."""
        with self._store.transaction():
            snapshot = self.live(name)
            self._store.run(
                "UPDATE pgsnaps SET destroyed = ? WHERE id = ?",
                self._core.clock.now(),
                snapshot["id"],
            )
            self._store.run(
                "UPDATE sends SET state = 'aborting' WHERE pgsnap_id = ?"
                " AND state IN ('queued', 'running')",
                snapshot["id"],
            )
            return self.show(name, pending=True)

    def recover(self, name: str) -> dict[str, Any]:
        """Bring a destroyed snapshot back."""
        with self._store.transaction():
            snapshot = self._pending(name)
            self._store.run(
                "UPDATE pgsnaps SET destroyed = NULL WHERE id = ?",
                snapshot["id"],
            )
            return self.show(name)

    def eradicate(self, name: str) -> dict[str, Any]:
        """Remove a destroyed snapshot for good."""
        with self._store.transaction():
            snapshot = self._pending(name)
            safemode.refuse_eradication(self._core, name)
            self.remove(snapshot["id"])
            return snapshot

    def remove(self, pgsnap_id: int) -> None:
        """Remove a snapshot's rows and files."""
        for member in self._snapshots.of_pgsnap(pgsnap_id):
            self._core.discard(member["file"])
        self._store.run("DELETE FROM pgsnaps WHERE id = ?", pgsnap_id)

    def eradicate_group(self, name: str) -> None:
        """Remove a destroyed group and all that it holds for good."""
        with self._store.transaction():
            row = self._pgroups.pending(name)
            safemode.refuse_eradication(self._core, name)
            self.remove_group(row["id"])

    def remove_group(self, pgroup_id: int) -> None:
        """Remove a group and all that it holds."""
        rows = self._store.all(
            "SELECT id FROM pgsnaps WHERE pgroup_id = ?", pgroup_id
        )
        for row in rows:
            self.remove(row["id"])
        self._store.run("DELETE FROM pgroups WHERE id = ?", pgroup_id)

    def drop_incomplete(self, pgroup_id: int) -> None:
        """Remove what is arriving from another array and not complete."""
        rows = self._store.all(
            "SELECT id FROM pgsnaps WHERE pgroup_id = ?"
            " AND transfer IS NOT NULL AND completed IS NULL",
            pgroup_id,
        )
        for row in rows:
            self.remove(row["id"])

    def abort_sends(self, pgroup_id: int, array: str) -> None:
        """Give up what is queued or running to one array."""
        self._store.run(
            "UPDATE sends SET state = 'aborted' WHERE array = ? AND pgsnap_id"
            " IN (SELECT id FROM pgsnaps WHERE pgroup_id = ?)"
            " AND state IN ('queued', 'running')",
            array,
            pgroup_id,
        )

    def sending(self, pgroup_id: int) -> bool:
        """Tell whether a snapshot of the group is queued or on its way."""
        return bool(
            self._store.one(
                "SELECT 1 FROM sends WHERE pgsnap_id IN"
                " (SELECT id FROM pgsnaps WHERE pgroup_id = ?)"
                " AND state IN ('queued', 'running')",
                pgroup_id,
            )
        )

    def _queue(self, row: Row, pgsnap_id: int, immediate: bool) -> None:
        allowed = [t for t in self._pgroups.targets(row) if t["allowed"]]
        if not allowed:
            raise errors.ArrayError(
                "The protection group is not allowed on any target.",
                row["name"],
            )
        for target in allowed:
            if self._has(pgsnap_id, target["array"]):
                continue
            self._store.run(
                "INSERT INTO sends (id, pgsnap_id, array, state, immediate)"
                " VALUES (?, ?, ?, 'queued', ?)",
                str(uuid.uuid4()),
                pgsnap_id,
                target["array"],
                immediate,
            )
        self._store.after_commit(self._core.wake)

    def _has(self, pgsnap_id: int, array: str) -> bool:
        return bool(
            self._store.one(
                "SELECT 1 FROM sends WHERE pgsnap_id = ? AND array = ?"
                " AND state NOT IN ('aborting', 'aborted')",
                pgsnap_id,
                array,
            )
        )

    def _next_suffix(self, row: Row) -> str:
        number = self._store.value(
            "SELECT next_suffix FROM pgroups WHERE id = ?", row["id"]
        )
        self._store.run(
            "UPDATE pgroups SET next_suffix = ? WHERE id = ?",
            number + 1,
            row["id"],
        )
        return str(number)

    def _require_free(self, name: str) -> None:
        snapshot = self.find(name)
        if snapshot is None:
            return
        if snapshot["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        raise errors.exists(_KIND, name)

    def _pending(self, name: str) -> dict[str, Any]:
        snapshot = self.show(name, pending=True)
        if snapshot["destroyed"] is None:
            raise errors.ArrayError(
                "Protection group snapshot has not been destroyed.", name
            )
        return snapshot

    def _named(self, row: Row) -> dict[str, Any]:
        """Return the row with names and, for own ones, the sends' progress."""
        group = names.qualified(row["origin"], row["grp"])
        result = {
            **dict(row),
            "group_name": group,
            "name": f"{group}.{row['suffix']}",
        }
        if row["origin"]:
            return result
        sends = self._store.all(
            "SELECT * FROM sends WHERE pgsnap_id = ?"
            " AND state NOT IN ('aborting', 'aborted')",
            row["id"],
        )
        return {**result, **_joined(sends)}


def _joined(sends: list[Row]) -> dict[str, Any]:
    """Return the transfer fields over all targets of one snapshot."""
    if not sends:
        return {"started": None, "completed": None, "progress": None}
    done = all(send["completed"] is not None for send in sends)
    started = [s["started"] for s in sends if s["started"] is not None]
    return {
        "started": min(started, default=None),
        "completed": max(s["completed"] for s in sends) if done else None,
        "progress": min(send["progress"] for send in sends),
        "data_transferred": sum(send["data_transferred"] for send in sends),
    }
