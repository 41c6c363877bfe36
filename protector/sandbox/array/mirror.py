# SPDX-License-Identifier: Apache-2.0
"""Mirror mode: presents a directory of plain volume files as array volumes.

For a test bed whose Cinder keeps volumes as files. ``volume-<uuid>`` is shown
as array volume ``volume-<uuid>-cinder``, ``groups/<id>.json`` as protection
group ``consisgroup-<id>-cinder``. The files belong to Cinder: the mirror only
reads which there are, and looks whenever it is asked.
"""

import json
import pathlib
import re
from sqlite3 import Row
import uuid

from protector.sandbox.array import blocks, plans
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.volumes import Volumes

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_VOLUME = re.compile(f"volume-{_UUID}")
_GROUP = re.compile(f"({_UUID})\\.json")


class Mirror:
    """Follows the files of one directory."""

    def __init__(
        self,
        core: Core,
        directory: pathlib.Path,
        volumes: Volumes,
        pgroups: Pgroups,
    ) -> None:
        self._core = core
        self._store = core.store
        self._directory = directory
        self._volumes = volumes
        self._pgroups = pgroups

    def look(self) -> None:
        """Make the array's rows follow the files.

        A directory that is not there, as before a mount, says nothing.
        """
        if not self._directory.is_dir():
            return
        with self._store.transaction():
            self._follow_volumes()
            self._follow_groups()

    def _follow_volumes(self) -> None:
        sizes = self._sizes()
        rows = self._store.all("SELECT * FROM volumes WHERE mirrored")
        for row in rows:
            size = sizes.pop(row["file"], None)
            if size is None:
                self._volumes.remove(row)
            elif size != row["size"]:
                self._store.run(
                    "UPDATE volumes SET size = ? WHERE id = ?", size, row["id"]
                )
        for file, size in sizes.items():
            self._store.run(
                "INSERT INTO volumes (name, serial, size, created, file,"
                " mirrored) VALUES (?, ?, ?, ?, ?, 1)",
                f"{pathlib.Path(file).name}-cinder",
                self._core.new_serial(),
                size,
                self._core.clock.now(),
                file,
            )

    def _sizes(self) -> dict[str, int]:
        """Return path -> bytes of the volume files."""
        sizes = {}
        for path in sorted(self._directory.glob("volume-*")):
            if _VOLUME.fullmatch(path.name):
                try:
                    sizes[str(path)] = blocks.size_of(path)
                except FileNotFoundError:
                    continue
        return sizes

    def _follow_groups(self) -> None:
        found = {}
        for path in sorted((self._directory / "groups").glob("*.json")):
            match = _GROUP.fullmatch(path.name)
            if match:
                found[f"consisgroup-{match[1]}-cinder"] = path
        for row in self._store.all("SELECT * FROM pgroups WHERE mirrored"):
            if row["name"] not in found and row["destroyed"] is None:
                self._pgroups.mark_destroyed(row)
        for name, path in found.items():
            self._follow_group(name, path)

    def _follow_group(self, name: str, path: pathlib.Path) -> None:
        row = self._pgroups.find(name)
        if row is None:
            row = self._insert_group(name)
        elif row["destroyed"] is not None:
            row = self._pgroups.recover(name)
        try:
            wanted = json.loads(path.read_text())["volumes"]
        except (OSError, ValueError, KeyError):
            return  # being written: the next look will see it
        self._follow_members(row, {f"{volume}-cinder" for volume in wanted})

    def _follow_members(self, row: Row, wanted: set[str]) -> None:
        present = {v["name"]: v["id"] for v in self._pgroups.volumes(row)}
        gone = [number for n, number in present.items() if n not in wanted]
        added = [
            volume["id"]
            for volume in map(self._volumes.find, sorted(wanted))
            if volume is not None and volume["name"] not in present
        ]
        for number in gone:
            self._store.run(
                "DELETE FROM pgroup_volumes WHERE pgroup_id = ?"
                " AND volume_id = ?",
                row["id"],
                number,
            )
        for number in added:
            self._store.run(
                "INSERT OR IGNORE INTO pgroup_volumes VALUES (?, ?)",
                row["id"],
                number,
            )
        if gone or added:
            self._store.run(
                "UPDATE pgroups SET version = version + 1, changed = ?"
                " WHERE id = ?",
                self._core.clock.now(),
                row["id"],
            )

    def _insert_group(self, name: str) -> Row:
        self._store.run(
            "INSERT INTO pgroups (uid, name, changed, schedule, retention,"
            " mirrored) VALUES (?, ?, ?, ?, ?, 1)",
            str(uuid.uuid4()),
            name,
            self._core.clock.now(),
            json.dumps(plans.SCHEDULE),
            json.dumps(plans.RETENTION),
        )
        return self._pgroups.show(name)
