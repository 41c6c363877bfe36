# SPDX-License-Identifier: Apache-2.0
"""The array's state in SQLite, and the lock that serialises its changes.

It knows tables and transactions and nothing of what the rows mean. Nothing is
kept in memory: what is committed is what a killed array shows when it starts
again. Write-ahead logging without syncing survives the death of the process,
which is all that is asked for here.
"""

from collections.abc import Callable, Iterator
import contextlib
import pathlib
import sqlite3
import threading
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pods (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE, home TEXT NOT NULL,
    created REAL NOT NULL, destroyed REAL,
    mediator TEXT NOT NULL DEFAULT 'purestorage',
    failover TEXT NOT NULL DEFAULT '[]', told TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS volumes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pod_id INTEGER REFERENCES pods(id),
    elsewhere INTEGER NOT NULL DEFAULT 0,
    name TEXT NOT NULL UNIQUE, serial TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, created REAL NOT NULL, source TEXT,
    file TEXT NOT NULL, destroyed REAL, next_suffix INTEGER NOT NULL DEFAULT 1,
    bandwidth_limit INTEGER, iops_limit INTEGER,
    overwritten_while_connected INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    volume_id INTEGER REFERENCES volumes(id) ON DELETE SET NULL,
    pgsnap_id INTEGER REFERENCES pgsnaps(id) ON DELETE CASCADE,
    suffix TEXT NOT NULL, member TEXT NOT NULL,
    source_serial TEXT NOT NULL, serial TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL, created REAL NOT NULL, file TEXT NOT NULL,
    destroyed REAL, received INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS tags (
    volume_id INTEGER NOT NULL REFERENCES volumes(id) ON DELETE CASCADE,
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT,
    copyable INTEGER NOT NULL,
    PRIMARY KEY (volume_id, namespace, key));
CREATE TABLE IF NOT EXISTS hosts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
    personality TEXT, host_user TEXT, host_password TEXT);
CREATE TABLE IF NOT EXISTS host_ports (
    host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    kind TEXT NOT NULL, value TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS connections (
    host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    volume_id INTEGER NOT NULL REFERENCES volumes(id) ON DELETE CASCADE,
    lun INTEGER NOT NULL, PRIMARY KEY (host_id, volume_id));
CREATE TABLE IF NOT EXISTS pgroups (
    id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL,
    pod_id INTEGER REFERENCES pods(id),
    origin TEXT NOT NULL DEFAULT '', name TEXT NOT NULL,
    destroyed REAL, next_suffix INTEGER NOT NULL DEFAULT 1,
    retention_lock TEXT NOT NULL DEFAULT 'unlocked',
    version INTEGER NOT NULL DEFAULT 1, changed REAL NOT NULL,
    allowed INTEGER NOT NULL DEFAULT 0,
    allowed_told INTEGER NOT NULL DEFAULT 1,
    members TEXT NOT NULL DEFAULT '[]',
    schedule TEXT NOT NULL, retention TEXT NOT NULL,
    replicated_at REAL, snapped_at REAL, UNIQUE (origin, name));
CREATE TABLE IF NOT EXISTS pgroup_volumes (
    pgroup_id INTEGER NOT NULL REFERENCES pgroups(id) ON DELETE CASCADE,
    volume_id INTEGER NOT NULL REFERENCES volumes(id) ON DELETE CASCADE,
    PRIMARY KEY (pgroup_id, volume_id));
CREATE TABLE IF NOT EXISTS pgroup_hosts (
    pgroup_id INTEGER NOT NULL REFERENCES pgroups(id) ON DELETE CASCADE,
    host_id INTEGER NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    PRIMARY KEY (pgroup_id, host_id));
CREATE TABLE IF NOT EXISTS pgroup_targets (
    pgroup_id INTEGER NOT NULL REFERENCES pgroups(id) ON DELETE CASCADE,
    array TEXT NOT NULL, allowed INTEGER NOT NULL DEFAULT 0,
    announced INTEGER NOT NULL DEFAULT 0,
    removed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (pgroup_id, array));
CREATE TABLE IF NOT EXISTS pgsnaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    pgroup_id INTEGER NOT NULL REFERENCES pgroups(id) ON DELETE CASCADE,
    suffix TEXT NOT NULL, created REAL NOT NULL, destroyed REAL,
    ages INTEGER NOT NULL DEFAULT 0, transfer TEXT,
    started REAL, completed REAL, progress REAL,
    data_transferred INTEGER NOT NULL DEFAULT 0,
    UNIQUE (pgroup_id, suffix));
CREATE TABLE IF NOT EXISTS sends (
    id TEXT PRIMARY KEY,
    pgsnap_id INTEGER NOT NULL REFERENCES pgsnaps(id) ON DELETE CASCADE,
    array TEXT NOT NULL, state TEXT NOT NULL,
    immediate INTEGER NOT NULL, started REAL, completed REAL,
    progress REAL NOT NULL DEFAULT 0,
    data_transferred INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS arrays (
    name TEXT PRIMARY KEY, id TEXT NOT NULL, version TEXT NOT NULL,
    type TEXT NOT NULL DEFAULT 'async-replication',
    url TEXT NOT NULL, ca TEXT NOT NULL, secret TEXT NOT NULL,
    initiator INTEGER NOT NULL, management_address TEXT,
    replication_address TEXT, cut INTEGER NOT NULL DEFAULT 0,
    throttle TEXT NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL,
    method TEXT NOT NULL, path TEXT NOT NULL, params TEXT NOT NULL,
    status INTEGER NOT NULL, notes TEXT NOT NULL);
"""


class Store:
    """One SQLite connection, shared by all threads under one lock."""

    def __init__(self, path: pathlib.Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        self._db = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock; commit at the end, roll back on any exception.

        Nested use joins the outer transaction.
        """
        with self._lock:
            if self._depth:
                yield
                return
            self._depth = 1
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                self._after.clear()
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth = 0
            after, self._after = self._after, []
        for call in after:
            call()

    def after_commit(self, call: Callable[[], None]) -> None:
        """Have ``call`` made once the running transaction is committed."""
        self._after.append(call)

    def run(self, sql: str, *args: Any) -> int:
        """Execute a changing statement; return the row id of an insert."""
        with self._lock:
            return self._db.execute(sql, args).lastrowid or 0

    def all(self, sql: str, *args: Any) -> list[sqlite3.Row]:
        """Return every row of a query."""
        with self._lock:
            return self._db.execute(sql, args).fetchall()

    def one(self, sql: str, *args: Any) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            return self._db.execute(sql, args).fetchone()

    def value(self, sql: str, *args: Any) -> Any:
        """Return the first column of the first row, or None."""
        row = self.one(sql, *args)
        return row[0] if row else None

    def meta(self, key: str) -> str | None:
        """Return a stored setting, or None."""
        return self.value("SELECT value FROM meta WHERE key = ?", key)

    def set_meta(self, key: str, value: str) -> None:
        """Store a setting."""
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)

    def close(self) -> None:
        """Close the database. No call may follow."""
        with self._lock:
            self._db.close()
