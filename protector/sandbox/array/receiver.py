# SPDX-License-Identifier: Apache-2.0
"""The target side of replication: takes in what another array sends.

A transfer begins with the manifests of all its volumes: which chunks they
consist of. What the last complete snapshot of the same volume, or an earlier
attempt, already holds is not asked for. It ends with every chunk verified;
only then is the snapshot complete. Restarted, the array has forgotten the
manifests and asks for them again; the bytes that arrived are still there.
"""

from dataclasses import dataclass, field
import json
from sqlite3 import Row
import threading
from typing import Any

from protector.sandbox.array import blocks, errors, plans
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgsnaps import Pgsnaps
from protector.sandbox.array.space import Space

_INSERT_GROUP = (
    "INSERT INTO pgroups (uid, origin, name, changed, schedule, retention)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_INSERT_SNAPSHOT = (
    "INSERT INTO snapshots (pgsnap_id, suffix, member, source_serial,"
    " serial, size, created, file) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_BASE = (
    "SELECT s.file FROM snapshots s JOIN pgsnaps p ON p.id = s.pgsnap_id"
    " JOIN pgroups g ON g.id = p.pgroup_id WHERE g.origin = ?"
    " AND s.source_serial = ? AND p.completed IS NOT NULL"
    " ORDER BY p.created DESC LIMIT 1"
)
_MOST = 0.99

Manifest = dict[int, tuple[int, str]]


@dataclass
class _Arriving:
    """A transfer's manifests and what each volume still lacks."""

    pgsnap_id: int
    files: dict[str, str]
    manifests: dict[str, Manifest] = field(default_factory=dict)


class Receiver:
    """What arrives at one array. Each method answers one request."""

    def __init__(self, core: Core, pgsnaps: Pgsnaps, space: Space) -> None:
        self._core = core
        self._store = core.store
        self._pgsnaps = pgsnaps
        self._space = space
        self._lock = threading.Lock()
        self._arriving: dict[str, _Arriving] = {}

    def announce(self, origin: str, body: dict[str, Any]) -> dict[str, Any]:
        """Learn of a group that is to be replicated here, or no longer."""
        with self._store.transaction():
            row = self._group(origin, body["uid"])
            if body["removed"]:
                self._let_go(row)
                return {"allowed": False, "next_suffix": 1}
            if row is None:
                row = self._learn(origin, body)
            retention = {**plans.RETENTION, **body["retention"]}
            self._store.run(
                "UPDATE pgroups SET name = ?, members = ?, retention = ?"
                " WHERE id = ?",
                body["name"],
                json.dumps(body["members"]),
                json.dumps(retention),
                row["id"],
            )
            return {
                "allowed": bool(row["allowed"]) and row["destroyed"] is None,
                "next_suffix": self._next_suffix(row["id"]),
            }

    def allowed(self, origin: str, body: dict[str, Any]) -> dict[str, Any]:
        """Learn, at the source, whether a target takes a group."""
        with self._store.transaction():
            row = self._store.one(
                "SELECT id FROM pgroups WHERE origin = '' AND uid = ?",
                body["uid"],
            )
            if row is not None:
                self._store.run(
                    "UPDATE pgroup_targets SET allowed = ?"
                    " WHERE pgroup_id = ? AND array = ? AND NOT removed",
                    body["allowed"],
                    row["id"],
                    origin,
                )
                if not body["allowed"]:
                    self._pgsnaps.abort_sends(row["id"], origin)
            self._store.after_commit(self._core.wake)
        return {}

    def begin(self, origin: str, body: dict[str, Any]) -> dict[str, Any]:
        """Begin or resume a transfer; say whether it is complete already.

        A full array refuses, and the source waits.
        """
        with self._store.transaction():
            row = self._taking(origin, body["uid"])
            self._space.require(row["name"])
            snapshot = self._store.one(
                "SELECT * FROM pgsnaps WHERE pgroup_id = ? AND suffix = ?",
                row["id"],
                body["suffix"],
            )
            number = snapshot["id"] if snapshot else self._insert(row, body)
            if snapshot is not None:
                if snapshot["created"] != body["created"]:
                    raise errors.Conflict("Another snapshot has that name.")
                if snapshot["destroyed"] is not None:
                    raise errors.Conflict("The snapshot was destroyed.")
                if snapshot["completed"] is not None:
                    return {"completed": True}
                self._store.run(
                    "UPDATE pgsnaps SET transfer = ? WHERE id = ?",
                    body["id"],
                    number,
                )
            files = self._store.all(
                "SELECT source_serial, file FROM snapshots"
                " WHERE pgsnap_id = ?",
                number,
            )
        arriving = _Arriving(
            number, {f["source_serial"]: f["file"] for f in files}
        )
        with self._lock:
            self._arriving[body["id"]] = arriving
        return {"completed": False}

    def manifest(
        self, origin: str, transfer: str, serial: str, chunks: list[list[Any]]
    ) -> dict[str, Any]:
        """Take a volume's manifest; return the offsets that are needed."""
        arriving = self._find(transfer)
        file = arriving.files[serial]
        manifest = {c[0]: (c[1], c[2]) for c in chunks}
        base = self._store.value(_BASE, origin, serial)
        needed = [
            offset
            for offset, (length, digest) in manifest.items()
            if not _holds(file, offset, length, digest)
            and not _taken_over(base, file, offset, length, digest)
        ]
        arriving.manifests[serial] = manifest
        return {"needed": needed}

    def chunk(
        self, transfer: str, serial: str, offset: int, data: bytes
    ) -> dict[str, Any]:
        """Take in one chunk that a manifest has announced."""
        arriving = self._find(transfer)
        length, digest = arriving.manifests[serial].get(offset, (0, ""))
        if len(data) != length or blocks.chunk_hash(data) != digest:
            raise errors.ArrayError("The chunk is damaged.", serial)
        self._space.require(serial)
        try:
            blocks.write(arriving.files[serial], offset, data)
        except FileNotFoundError as error:
            raise self._given_up(transfer) from error
        self._store.run(
            "UPDATE pgsnaps SET data_transferred = data_transferred + ?"
            " WHERE id = ?",
            len(data),
            arriving.pgsnap_id,
        )
        return {}

    def progress(self, transfer: str, progress: float) -> dict[str, Any]:
        """Note how far the source is, from 0 to 1."""
        arriving = self._find(transfer)
        with self._store.transaction():
            if not self._store.one(
                "SELECT 1 FROM pgsnaps WHERE id = ?", arriving.pgsnap_id
            ):
                raise self._given_up(transfer)
            self._store.run(
                "UPDATE pgsnaps SET progress = MAX(progress, ?) WHERE id = ?",
                min(_MOST, progress),
                arriving.pgsnap_id,
            )
        return {}

    def complete(
        self, origin: str, transfer: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """Verify every chunk; only then is the snapshot complete."""
        arriving = self._find(transfer)
        if set(arriving.manifests) != set(arriving.files):
            raise errors.ArrayError("The transfer lacks volumes.")
        for serial, manifest in arriving.manifests.items():
            for offset, (length, digest) in manifest.items():
                if not _holds(arriving.files[serial], offset, length, digest):
                    raise errors.ArrayError("The transfer lacks data.", serial)
        with self._store.transaction():
            self._taking(origin, body["uid"])
            if not self._store.one(
                "SELECT 1 FROM pgsnaps WHERE id = ? AND destroyed IS NULL",
                arriving.pgsnap_id,
            ):
                raise self._given_up(transfer)
            self._store.run(
                "UPDATE pgsnaps SET completed = ?, progress = 1 WHERE id = ?",
                self._core.clock.now(),
                arriving.pgsnap_id,
            )
        with self._lock:
            self._arriving.pop(transfer, None)
        self._core.wake()
        return {}

    def drop(self, transfer: str) -> dict[str, Any]:
        """Drop what has arrived of a transfer that the source gave up."""
        with self._store.transaction():
            row = self._store.one(
                "SELECT id FROM pgsnaps WHERE transfer = ?"
                " AND completed IS NULL",
                transfer,
            )
            if row is not None:
                self._pgsnaps.remove(row["id"])
        self._given_up(transfer)
        return {}

    def _find(self, transfer: str) -> _Arriving:
        with self._lock:
            arriving = self._arriving.get(transfer)
        if arriving is None:
            raise errors.NotFound("Unknown transfer.", transfer)
        return arriving

    def _given_up(self, transfer: str) -> errors.Conflict:
        with self._lock:
            self._arriving.pop(transfer, None)
        return errors.Conflict("The transfer was given up.", transfer)

    def _group(self, origin: str, uid: str) -> Row | None:
        return self._store.one(
            "SELECT * FROM pgroups WHERE origin = ? AND uid = ?", origin, uid
        )

    def _taking(self, origin: str, uid: str) -> Row:
        row = self._group(origin, uid)
        if row is None or not row["allowed"] or row["destroyed"] is not None:
            raise errors.Conflict("The group is not allowed here.", uid)
        return row

    def _learn(self, origin: str, body: dict[str, Any]) -> Row:
        """Make a group's row, or adopt that of a namesake that is gone."""
        adopted = self._store.one(
            "SELECT * FROM pgroups WHERE origin = ? AND name = ?",
            origin,
            body["name"],
        )
        if adopted is not None:
            self._store.run(
                "UPDATE pgroups SET uid = ?, allowed = 0, destroyed = NULL"
                " WHERE id = ?",
                body["uid"],
                adopted["id"],
            )
        else:
            self._store.run(
                _INSERT_GROUP,
                body["uid"],
                origin,
                body["name"],
                self._core.clock.now(),
                json.dumps(plans.SCHEDULE),
                json.dumps(plans.RETENTION),
            )
        row = self._group(origin, body["uid"])
        if row is None:
            raise errors.ArrayError("The group was not stored.", body["name"])
        return row

    def _let_go(self, row: Row | None) -> None:
        """A source has taken this array from a group's targets."""
        if row is None:
            return
        self._pgsnaps.drop_incomplete(row["id"])
        self._store.run(
            "UPDATE pgroups SET allowed = 0 WHERE id = ?", row["id"]
        )
        if not self._pgsnaps.listing(row["id"]):
            self._pgsnaps.remove_group(row["id"])

    def _next_suffix(self, pgroup_id: int) -> int:
        taken = [
            int(snapshot["suffix"])
            for snapshot in self._pgsnaps.listing(pgroup_id)
            if snapshot["suffix"].isdigit()
        ]
        return max(taken, default=0) + 1

    def _insert(self, row: Row, body: dict[str, Any]) -> int:
        number = self._store.run(
            "INSERT INTO pgsnaps (pgroup_id, suffix, created, ages, transfer,"
            " started, progress) VALUES (?, ?, ?, ?, ?, ?, 0)",
            row["id"],
            body["suffix"],
            body["created"],
            body["ages"],
            body["id"],
            self._core.clock.now(),
        )
        for volume in body["volumes"]:
            file = self._core.new_file()
            blocks.create(file, volume["size"])
            self._store.run(
                _INSERT_SNAPSHOT,
                number,
                body["suffix"],
                volume["name"],
                volume["serial"],
                self._core.new_serial(),
                volume["size"],
                body["created"],
                str(file),
            )
        return number


def _holds(file: str, offset: int, length: int, digest: str) -> bool:
    try:
        data = blocks.read(file, offset, length)
    except FileNotFoundError:
        return False
    return blocks.chunk_hash(data) == digest


def _taken_over(
    base: str | None, file: str, offset: int, length: int, digest: str
) -> bool:
    """Copy a chunk from the base snapshot if it has the same one."""
    if base is None:
        return False
    try:
        data = blocks.read(base, offset, length)
    except FileNotFoundError:
        return False
    if blocks.chunk_hash(data) != digest:
        return False
    try:
        blocks.write(file, offset, data)
    except FileNotFoundError:
        return False
    return True
