# SPDX-License-Identifier: Apache-2.0
"""Volume snapshots: taken, found by name, listed and removed.

Members of protection group snapshots and what was replicated from another
array are rows of the same table; who makes and ages them is not decided here.
"""

from collections.abc import Iterable
import pathlib
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import blocks, errors, names, safemode
from protector.sandbox.array.core import Core
from protector.sandbox.array.space import Space

_KIND = "Snapshot"
_NO_SUCH = "No such volume or snapshot."
_SELECT = (
    "SELECT s.*, v.name AS volume, v.destroyed AS volume_destroyed,"
    " g.origin AS origin, g.name AS grp, p.suffix AS grp_suffix,"
    " p.destroyed AS grp_destroyed, p.started AS started,"
    " p.completed AS completed, p.progress AS progress"
    " FROM snapshots s"
    " LEFT JOIN volumes v ON v.id = s.volume_id"
    " LEFT JOIN pgsnaps p ON p.id = s.pgsnap_id"
    " LEFT JOIN pgroups g ON g.id = p.pgroup_id"
)
_OF_GROUP = (
    _SELECT + " WHERE g.origin = ? AND g.name = ? AND p.suffix = ?"
    " AND s.member = ?"
)
_OF_VOLUME = (
    _SELECT + " WHERE s.pgsnap_id IS NULL AND v.name = ? AND s.suffix = ?"
)
_OF_PGSNAP = _SELECT + " WHERE s.pgsnap_id = ? ORDER BY s.member"
_INSERT = (
    "INSERT INTO snapshots (volume_id, pgsnap_id, suffix, member,"
    " source_serial, serial, size, created, file)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Snapshots:
    """The volume snapshots of one array."""

    def __init__(self, core: Core, space: Space) -> None:
        self._core = core
        self._space = space
        self._store = core.store

    def create(
        self, volumes: Iterable[Row], suffix: str | None
    ) -> list[dict[str, Any]]:
        """Take a snapshot of each volume, all at one instant."""
        if suffix is not None:
            names.check_suffix(suffix)
        with self._store.transaction():
            made = []
            now = self._core.clock.now()
            with self._core.io:
                for volume in volumes:
                    text = suffix or self._next_suffix(volume)
                    name = f"{volume['name']}.{text}"
                    self._require_free(name)
                    self.take(volume, None, text, now)
                    made.append(name)
            return [self._found(name) for name in made]

    def take(
        self, volume: Row, pgsnap_id: int | None, suffix: str, now: float
    ) -> None:
        """Copy a volume's bytes; the caller holds ``io``."""
        self._space.require(volume["name"])
        file = self._core.new_file(pathlib.Path(volume["file"]).parent)
        blocks.clone(volume["file"], file)
        self._store.run(
            _INSERT,
            volume["id"],
            pgsnap_id,
            suffix,
            names.split(volume["name"])[1],
            volume["serial"],
            self._core.new_serial(),
            blocks.size_of(file),
            now,
            str(file),
        )

    def find(self, name: str) -> dict[str, Any] | None:
        """Return a snapshot, destroyed or not, or None."""
        parsed = names.parse_snapshot(name)
        if parsed is None:
            return None
        if parsed.group is None:
            row = self._store.one(_OF_VOLUME, parsed.volume, parsed.suffix)
        else:
            row = self._store.one(
                _OF_GROUP,
                parsed.origin,
                parsed.group,
                parsed.suffix,
                parsed.volume,
            )
        return _named(row) if row else None

    def readable(self, name: str) -> dict[str, Any]:
        """Return a snapshot that may be copied from.

        Raises ``ArrayError`` for one that is not there, is destroyed, or has
        not arrived completely.
        """
        snapshot = self.find(name)
        if snapshot is None:
            raise errors.ArrayError(_NO_SUCH, name)
        if snapshot["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        if not snapshot["complete"]:
            raise errors.ArrayError(
                "Snapshot has not been completely replicated.", name
            )
        return snapshot

    def listing(self) -> list[dict[str, Any]]:
        """Return every snapshot, newest first, destroyed ones included."""
        rows = self._store.all(_SELECT + " ORDER BY s.created DESC, s.id")
        return [_named(row) for row in rows]

    def of_pgsnap(self, pgsnap_id: int) -> list[dict[str, Any]]:
        """Return the members of a protection group's snapshot."""
        rows = self._store.all(_OF_PGSNAP, pgsnap_id)
        return [_named(row) for row in rows]

    def destroy(self, name: str) -> dict[str, Any]:
        """Destroy a volume's own snapshot."""
        with self._store.transaction():
            snapshot = self._own(name)
            if snapshot["destroyed"] is not None:
                raise errors.destroyed(_KIND, name)
            return self._mark(snapshot, self._core.clock.now())

    def recover(self, name: str) -> dict[str, Any]:
        """Bring a destroyed snapshot back."""
        with self._store.transaction():
            return self._mark(self._pending(name), None)

    def eradicate(self, name: str) -> dict[str, Any]:
        """Remove a destroyed snapshot for good."""
        with self._store.transaction():
            snapshot = self._pending(name)
            safemode.refuse_eradication(self._core, name)
            self.remove(snapshot)
            return snapshot

    def remove(self, snapshot: Row | dict[str, Any]) -> None:
        """Remove a snapshot's row and file."""
        self._store.run("DELETE FROM snapshots WHERE id = ?", snapshot["id"])
        self._core.discard(snapshot["file"])

    def remove_of_volume(self, volume_id: int) -> None:
        """Remove a volume's own snapshots; those of groups stay."""
        for row in self.of_volume(volume_id):
            self.remove(row)

    def of_volume(self, volume_id: int) -> list[Row]:
        """Return the rows of a volume's own snapshots."""
        return self._store.all(
            "SELECT * FROM snapshots WHERE volume_id = ?"
            " AND pgsnap_id IS NULL",
            volume_id,
        )

    def _next_suffix(self, volume: Row) -> str:
        number = self._store.value(
            "SELECT next_suffix FROM volumes WHERE id = ?", volume["id"]
        )
        self._store.run(
            "UPDATE volumes SET next_suffix = ? WHERE id = ?",
            number + 1,
            volume["id"],
        )
        return str(number)

    def _require_free(self, name: str) -> None:
        snapshot = self.find(name)
        if snapshot is None:
            return
        if snapshot["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        raise errors.exists(_KIND, name)

    def _found(self, name: str) -> dict[str, Any]:
        snapshot = self.find(name)
        if snapshot is None:
            raise errors.ArrayError(_NO_SUCH, name)
        return snapshot

    def _own(self, name: str) -> dict[str, Any]:
        snapshot = self._found(name)
        if snapshot["pgsnap_id"] is not None:
            raise errors.ArrayError(
                "Snapshot belongs to a protection group snapshot.", name
            )
        return snapshot

    def _pending(self, name: str) -> dict[str, Any]:
        snapshot = self._own(name)
        if snapshot["destroyed"] is None:
            raise errors.ArrayError("Snapshot has not been destroyed.", name)
        return snapshot

    def _mark(
        self, snapshot: dict[str, Any], destroyed: float | None
    ) -> dict[str, Any]:
        self._store.run(
            "UPDATE snapshots SET destroyed = ? WHERE id = ?",
            destroyed,
            snapshot["id"],
        )
        return {**snapshot, "destroyed": destroyed}


def _named(row: Row) -> dict[str, Any]:
    """Return the row with ``name``, ``source`` and ``complete``."""
    if row["pgsnap_id"] is None:
        return {
            **dict(row),
            "name": f"{row['volume']}.{row['suffix']}",
            "source": row["volume"],
            "complete": True,
        }
    origin = row["origin"]
    member = f"{row['grp']}.{row['grp_suffix']}.{row['member']}"
    source = row["member"] if origin else row["volume"] or row["member"]
    return {
        **dict(row),
        "name": names.qualified(origin, member),
        "source": names.qualified(origin, source),
        "complete": not origin or row["completed"] is not None,
        "destroyed": row["grp_destroyed"],
    }
