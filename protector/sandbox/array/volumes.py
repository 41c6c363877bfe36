# SPDX-License-Identifier: Apache-2.0
"""Volumes: made, copied, resized, renamed, destroyed and brought back.

Snapshots are another module's; so is everything about the wire.
"""

import pathlib
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import blocks, errors, names, safemode, sizes
from protector.sandbox.array.core import Core
from protector.sandbox.array.pods import Pods
from protector.sandbox.array.snapshots import Snapshots
from protector.sandbox.array.space import Space

_KIND = "Volume"
_INSERT = (
    "INSERT INTO volumes (pod_id, name, serial, size, created, source, file)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_REHOME = {
    "volumes": "UPDATE volumes SET file = ? WHERE id = ?",
    "snapshots": "UPDATE snapshots SET file = ? WHERE id = ?",
}


class Volumes:
    """The volumes of one array. Every method is one transaction."""

    def __init__(
        self, core: Core, snapshots: Snapshots, pods: Pods, space: Space
    ) -> None:
        self._core = core
        self._store = core.store
        self._snapshots = snapshots
        self._pods = pods
        self._space = space

    def find(self, name: str) -> Row | None:
        """Return the volume, destroyed or not, or None."""
        names.refuse_volume_groups(name)
        return self._store.one("SELECT * FROM volumes WHERE name = ?", name)

    def show(self, name: str, pending: bool = False) -> Row:
        """Return a volume; a destroyed one only if ``pending``."""
        row = self.find(name)
        if row is None or (row["destroyed"] is not None and not pending):
            raise errors.missing(_KIND, name)
        return row

    def live(self, name: str) -> Row:
        """Return a volume that may be changed. Raises ``ArrayError``."""
        row = self.find(name)
        if row is None:
            raise errors.missing(_KIND, name)
        if row["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        return row

    def listing(self) -> list[Row]:
        """Return all volumes by name, destroyed ones included."""
        return self._store.all("SELECT * FROM volumes ORDER BY name")

    def create(self, name: str, size: Any) -> Row:
        """Make an empty volume of ``size`` (see ``sizes.parse``)."""
        with self._store.transaction():
            self._require_free(name)
            length = sizes.parse(size, name)
            self._space.require(name)
            file = self._core.new_file(self._pods.holding(name)["home"])
            blocks.create(file, length)
            self._insert(name, length, None, file)
            return self.show(name)

    def limit(self, name: str, limits: dict[str, int | None]) -> Row:
        """Set ``bandwidth_limit`` (bytes/s) and ``iops_limit``."""
        with self._store.transaction():
            row = {**dict(self.live(name)), **limits}
            self._store.run(
                "UPDATE volumes SET bandwidth_limit = ?, iops_limit = ?"
                " WHERE id = ?",
                row["bandwidth_limit"],
                row["iops_limit"],
                row["id"],
            )
            return self.show(name)

    def rename(self, name: str, new: str) -> Row:
        """Give a volume another name; its local snapshots follow."""
        with self._store.transaction():
            row = self.live(name)
            if names.split(name)[0] != names.split(new)[0]:
                raise errors.ArrayError(
                    "A new name cannot move a volume to another pod.", name
                )
            self._require_free(new)
            self._store.run(
                "UPDATE volumes SET name = ? WHERE id = ?", new, row["id"]
            )
            return self.show(new)

    def move(self, name: str, pod: str) -> Row:
        """Take a volume into a pod, or with "" out of one.

        Its snapshots go with it. Whether the pods let it is for the caller
        to have looked at.
        """
        with self._store.transaction():
            row = self.live(name)
            base = names.split(name)[1]
            new = f"{pod}::{base}" if pod else base
            self._require_free(new)
            self._refuse_grouped(row)
            target = self._pods.holding(new)
            self._store.run(
                "UPDATE volumes SET name = ?, pod_id = ?, elsewhere = 0"
                " WHERE id = ?",
                new,
                target["id"],
                row["id"],
            )
            with self._core.io:
                self._rehome("volumes", row, target["home"])
                for snapshot in self._snapshots.of_volume(row["id"]):
                    self._rehome("snapshots", snapshot, target["home"])
            return self.show(new)

    def _refuse_grouped(self, row: Row) -> None:
        if self._store.one(
            "SELECT 1 FROM pgroup_volumes WHERE volume_id = ?", row["id"]
        ):
            raise errors.ArrayError(
                "The volume is in a protection group.", row["name"]
            )

    def _rehome(self, table: str, row: Row, home: pathlib.Path | None) -> None:
        file = self._core.new_file(home)
        file.hardlink_to(row["file"])
        self._store.run(_REHOME[table], str(file), row["id"])
        self._core.discard(row["file"])

    def resize(self, name: str, size: Any, truncate: bool) -> Row:
        """Extend a volume, or with ``truncate`` cut it."""
        with self._store.transaction():
            row = self.live(name)
            length = sizes.parse(size, name)
            if length < row["size"] and not truncate:
                raise errors.ArrayError(
                    "Implicit truncation not permitted.", name
                )
            if length > row["size"] and truncate:
                raise errors.ArrayError(
                    "Truncate size must be smaller than the volume.", name
                )
            with self._core.io:
                blocks.resize(row["file"], length)
            self._store.run(
                "UPDATE volumes SET size = ? WHERE id = ?", length, row["id"]
            )
            return self.show(name)

    def destroy(self, name: str) -> Row:
        """Destroy a volume and its own snapshots; it keeps its name."""
        with self._store.transaction():
            row = self.live(name)
            if self.connected(row) or row["elsewhere"]:
                raise errors.ArrayError(
                    "Volume cannot be deleted due to existing connections.",
                    name,
                )
            now = self._core.clock.now()
            self._store.run(
                "UPDATE volumes SET destroyed = ? WHERE id = ?", now, row["id"]
            )
            self._store.run(
                "UPDATE snapshots SET destroyed = ? WHERE volume_id = ?"
                " AND pgsnap_id IS NULL AND destroyed IS NULL",
                now,
                row["id"],
            )
            return self.show(name, pending=True)

    def recover(self, name: str) -> Row:
        """Bring a destroyed volume back, with what went down with it."""
        with self._store.transaction():
            row = self._pending(name)
            self._store.run(
                "UPDATE snapshots SET destroyed = NULL WHERE volume_id = ?"
                " AND pgsnap_id IS NULL AND destroyed = ?",
                row["id"],
                row["destroyed"],
            )
            self._store.run(
                "UPDATE volumes SET destroyed = NULL WHERE id = ?", row["id"]
            )
            return self.show(name)

    def eradicate(self, name: str) -> Row:
        """Remove a destroyed volume and its own snapshots for good."""
        with self._store.transaction():
            row = self._pending(name)
            self._require_eradicable(row)
            self.remove(row)
            return row

    def remove(self, row: Row) -> None:
        """Remove a volume's row, files and own snapshots."""
        self._snapshots.remove_of_volume(row["id"])
        self._store.run("DELETE FROM volumes WHERE id = ?", row["id"])
        self._core.discard(row["file"])

    def copy(self, source: str, name: str, overwrite: bool) -> Row:
        """Copy a volume or a snapshot to a new or an existing volume.

        An existing one needs ``overwrite``; it keeps its serial and its
        connections and takes the source's size. An array overwrites a
        connected volume too; how often that was done is counted in
        ``overwritten_while_connected``.
        """
        with self._store.transaction():
            target = self.find(name)
            if target is None or not overwrite:
                self._require_free(name)
            if target is not None and target["destroyed"] is not None:
                raise errors.destroyed(_KIND, name)
            origin = self._source(source)
            self._space.require(name)
            file = self._core.new_file(self._pods.holding(name)["home"])
            with self._core.io:
                blocks.clone(origin["file"], file)
                if target is None:
                    self._insert(name, origin["size"], origin["of"], file)
                else:
                    self._replace(target, origin, file)
            return self.show(name)

    def connected(self, row: Row) -> int:
        """Return the number of a volume's host connections."""
        return self._store.value(
            "SELECT COUNT(*) FROM connections WHERE volume_id = ?", row["id"]
        )

    def _source(self, name: str) -> dict[str, Any]:
        """Return file, size and source volume name of a copy's source."""
        row = self.find(name)
        if row is not None:
            if row["destroyed"] is not None:
                raise errors.destroyed(_KIND, name)
            return {"file": row["file"], "size": row["size"], "of": name}
        snapshot = self._snapshots.readable(name)
        return {
            "file": snapshot["file"],
            "size": snapshot["size"],
            "of": snapshot["source"],
        }

    def _insert(
        self, name: str, size: int, source: str | None, file: pathlib.Path
    ) -> None:
        serial = self._core.new_serial()
        self._store.run(
            _INSERT,
            self._pods.holding(name)["id"],
            name,
            serial,
            size,
            self._core.clock.now(),
            source,
            str(file),
        )

    def _replace(
        self, target: Row, origin: dict[str, Any], file: pathlib.Path
    ) -> None:
        self._store.run(
            "UPDATE volumes SET file = ?, size = ?, source = ?, created = ?,"
            " overwritten_while_connected = overwritten_while_connected + ?"
            " WHERE id = ?",
            str(file),
            origin["size"],
            origin["of"],
            self._core.clock.now(),
            int(self.connected(target) + target["elsewhere"] > 0),
            target["id"],
        )
        self._core.discard(target["file"])

    def _pending(self, name: str) -> Row:
        row = self.find(name)
        if row is None:
            raise errors.missing(_KIND, name)
        if row["destroyed"] is None:
            raise errors.ArrayError("Volume has not been destroyed.", name)
        return row

    def _require_eradicable(self, row: Row) -> None:
        safemode.refuse_eradication(self._core, row["name"])
        for group in self._store.all(
            "SELECT g.* FROM pgroups g JOIN pgroup_volumes m"
            " ON m.pgroup_id = g.id WHERE m.volume_id = ?",
            row["id"],
        ):
            safemode.refuse(group, "eradicate volumes")

    def _require_free(self, name: str) -> None:
        names.check(_KIND, name)
        row = self.find(name)
        if row is not None and row["destroyed"] is not None:
            raise errors.destroyed(_KIND, name)
        if row is not None:
            raise errors.exists(_KIND, name)
