# SPDX-License-Identifier: Apache-2.0
"""Keep the emulated cloud's documents, in memory and on disk at once.

Every change is written through to SQLite before it returns, so that a
cloud killed at any moment starts again with what it had answered.  Knows
nothing of what the documents mean.
"""

import collections.abc
import json
import pathlib
import sqlite3
import threading
import types
import typing

Document = dict[str, typing.Any]
Predicate = collections.abc.Callable[[Document], bool]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (kind, id))
"""
_PUT = """
INSERT INTO documents (kind, id, body) VALUES (?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
"""
_DELETE = "DELETE FROM documents WHERE kind = ? AND id = ?"


def copy_document(value: typing.Any) -> typing.Any:
    """Return a deep copy of a JSON value (dict, list, scalar)."""
    if isinstance(value, dict):
        return {key: copy_document(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [copy_document(item) for item in value]
    return value


class _Lock:
    """A re-entrant lock whose outermost holder is one transaction.

    Leaving it by an exception takes back every change made inside.
    """

    def __init__(self, store: "Store") -> None:
        self._store = store
        self._mutex = threading.RLock()
        self._depth = 0

    def __enter__(self) -> "_Lock":
        self._mutex.acquire()
        self._depth += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if self._depth == 1:
                self._store._settle(failed=kind is not None)
        finally:
            self._depth -= 1
            self._mutex.release()


class Table:
    """Documents of one kind, in order of creation, by their ``id``.

    What goes in and what comes out are copies: changing a returned
    document changes nothing until it is ``put`` again.
    """

    def __init__(self, store: "Store", name: str) -> None:
        self.name = name
        self._store = store
        self._rows: dict[str, Document] = {}

    def get(self, key: str) -> Document | None:
        """Return the document, or None."""
        with self._store.lock:
            return copy_document(self._rows.get(key))

    def put(self, document: Document) -> Document:
        """Write a document under its ``id``; return it unchanged."""
        with self._store.lock:
            key = str(document["id"])
            self._store._write(self.name, key, document)
            self._store._undo.append((self, key, self._rows.get(key)))
            self._rows[key] = copy_document(document)
        return document

    def update(self, key: str, **changes: typing.Any) -> Document:
        """Set fields of an existing document and return it.

        :raises KeyError: nothing has that id.
        """
        with self._store.lock:
            return self.put({**copy_document(self._rows[key]), **changes})

    def delete(self, key: str) -> bool:
        """Remove a document; tell whether it was there."""
        with self._store.lock:
            if key not in self._rows:
                return False
            self._store._write(self.name, key, None)
            self._store._undo.append((self, key, self._rows.pop(key)))
            return True

    def list(
        self, predicate: Predicate | None = None, **equal: typing.Any
    ) -> list[Document]:
        """Return the documents that match, oldest first.

        :param predicate: sees the stored document: it must not change it.
        :param equal: fields that must have exactly these values.
        """
        with self._store.lock:
            return [
                copy_document(row)
                for row in self._rows.values()
                if all(row.get(k) == v for k, v in equal.items())
                and (predicate is None or predicate(row))
            ]

    def first(
        self, predicate: Predicate | None = None, **equal: typing.Any
    ) -> Document | None:
        """Return the oldest document that matches, or None."""
        return next(iter(self.list(predicate, **equal)), None)

    def count(
        self, predicate: Predicate | None = None, **equal: typing.Any
    ) -> int:
        """Tell how many documents match."""
        return len(self.list(predicate, **equal))

    def __contains__(self, key: str) -> bool:
        with self._store.lock:
            return key in self._rows


class Store:
    """All tables of one cloud.

    ``with store.lock:`` makes several reads and writes one transaction:
    nobody else sees a part of it, and an exception undoes all of it.
    Never hold it during a call to something outside (the array).

    :param path: the SQLite file; made when missing.
    """

    def __init__(self, path: str | pathlib.Path) -> None:
        self.lock = _Lock(self)
        self._undo: list[tuple[Table, str, Document | None]] = []
        self._tables: dict[str, Table] = {}
        self._db = sqlite3.connect(
            path, check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(_SCHEMA)
        self._load()

    def table(self, name: str) -> Table:
        """Return the table of that name, empty when new."""
        with self.lock:
            if name not in self._tables:
                self._tables[name] = Table(self, name)
            return self._tables[name]

    def names(self) -> list[str]:
        """Return the names of all tables, sorted."""
        with self.lock:
            return sorted(self._tables)

    def close(self) -> None:
        """Close the file; later changes are errors."""
        with self.lock._mutex:
            self._db.close()

    def _load(self) -> None:
        rows = self._db.execute(
            "SELECT kind, id, body FROM documents ORDER BY seq"
        )
        for kind, key, body in rows:
            self.table(kind)._rows[key] = json.loads(body)

    def _write(self, kind: str, key: str, document: Document | None) -> None:
        if not self._db.in_transaction:
            self._db.execute("BEGIN")
        if document is None:
            self._db.execute(_DELETE, (kind, key))
        else:
            self._db.execute(_PUT, (kind, key, json.dumps(document)))

    def _settle(self, failed: bool) -> None:
        undo, self._undo = self._undo, []
        if not self._db.in_transaction:
            return
        if not failed:
            self._db.execute("COMMIT")
            return
        self._db.execute("ROLLBACK")
        self._take_back(undo)

    def _take_back(
        self, undo: list[tuple[Table, str, Document | None]]
    ) -> None:
        for table, key, before in reversed(undo):
            if before is None:
                table._rows.pop(key, None)
            else:
                table._rows[key] = before
