# SPDX-License-Identifier: Apache-2.0
"""Connections to other arrays: made, kept alive, cut, throttled, ended.

Through them each side learns what the other has decided: which groups come,
which are allowed. What is untold is in the rows, so nothing is lost while a
link is down. Moving data is the sender's job.
"""

from collections.abc import Mapping
import contextlib
import json
import logging
import secrets
from sqlite3 import Row
import threading
import time
from typing import Any

from protector.sandbox.array import errors, peer
from protector.sandbox.array.core import Core

LOG = logging.getLogger(__name__)

_FRESH = 3.0
_BEAT = 1.0
SYNC = "sync-replication"
_TYPES = {
    "async": "async-replication",
    "async-replication": "async-replication",
    "sync": SYNC,
    "sync-replication": SYNC,
}
_INSERT = (
    "INSERT INTO arrays (name, id, version, url, ca, type, secret, initiator,"
    " management_address, replication_address)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_RENAME = (
    "UPDATE arrays SET name = ? WHERE name = ?",
    "UPDATE pgroups SET origin = ? WHERE origin = ?",
    "UPDATE pgroup_targets SET array = ? WHERE array = ?",
    "UPDATE sends SET array = ? WHERE array = ?",
)
_THROTTLE = ("default_limit", "window", "window_limit")


class Links:
    """The array connections of one array."""

    def __init__(self, core: Core, url: str, ca: str) -> None:
        """``url`` and ``ca`` (PEM text): how others reach this array."""
        self._core = core
        self._store = core.store
        self.url = url
        self._ca = ca
        self._seen: dict[str, float] = {}
        self._telling = threading.Lock()
        self._authorities = core.state / "peers"
        self._authorities.mkdir(exist_ok=True)

    def listing(self) -> list[dict[str, Any]]:
        """Return the connections with ``connected`` and ``throttle``."""
        rows = self._store.all("SELECT * FROM arrays ORDER BY name")
        return [
            {
                **dict(row),
                "connected": self.is_up(row["name"]),
                "throttle": json.loads(row["throttle"]),
            }
            for row in rows
        ]

    def row(self, name: str) -> Row:
        """Return a connection. Raises ``ArrayError``."""
        row = self._store.one("SELECT * FROM arrays WHERE name = ?", name)
        if row is None:
            raise errors.missing("Array connection", name)
        return row

    def name_of(self, array: str) -> str:
        """Return what the array with that id is called. Raises
        ``ArrayError``."""
        name = self._store.value("SELECT name FROM arrays WHERE id = ?", array)
        if name is None:
            raise errors.missing("Array connection", array)
        return name

    def is_up(self, name: str) -> bool:
        """Tell whether the other array has answered a moment ago."""
        return (
            not self.row(name)["cut"]
            and time.monotonic() - self._seen.get(name, -_FRESH) < _FRESH
        )

    def connect(
        self, address: str, key: str, types: list[str], replication: str | None
    ) -> str:
        """Connect to the array at ``address``; return its name.

        ``key``: that array's connection key. Raises ``ArrayError``.
        """
        if len(types) != 1 or types[0] not in _TYPES:
            raise errors.ArrayError(
                "Only async-replication and sync-replication are supported"
                " by this array.",
                address,
            )
        nonce, kind = secrets.token_hex(16), _TYPES[types[0]]
        try:
            theirs = peer.introduce(
                _url_of(address, self.url), self._card(nonce, kind), key
            )
        except peer.PeerUnreachable as error:
            raise errors.ArrayError(
                "The array could not be reached.", address
            ) from error
        except peer.PeerRefused as error:
            raise errors.ArrayError(error.msg, address) from error
        secret = peer.link_secret((nonce, theirs["nonce"]), key)
        self._add(theirs, secret, (1, address, replication or address))
        return theirs["name"]

    def accept(self, message: dict[str, Any]) -> dict[str, Any]:
        """Answer another array's ``connect``. Raises ``ArrayError``."""
        key = self._core.connection_key
        try:
            theirs = peer.opened(message, key)
        except peer.PeerRefused as error:
            raise errors.ArrayError(error.msg) from error
        nonce = secrets.token_hex(16)
        secret = peer.link_secret((theirs["nonce"], nonce), key)
        self._add(theirs, secret, (0, None, None))
        return peer.sealed(self._card(nonce, theirs["type"]), key)

    def disconnect(self, name: str) -> None:
        """End a connection; only the array that made it may."""
        row = self.row(name)
        if not row["initiator"]:
            raise errors.ArrayError(
                "Only the array that initiated the connection can disconnect"
                " it.",
                name,
            )
        if self._store.one(
            "SELECT 1 FROM pgroup_targets WHERE array = ? AND NOT removed",
            name,
        ):
            raise errors.ArrayError(
                "The array is a target of protection groups.", name
            )
        with contextlib.suppress(peer.PeerUnreachable, peer.PeerRefused):
            self.ask(name, "DELETE", "connect")
        self.forget(name)

    def forget(self, name: str) -> None:
        """Remove a connection's row."""
        with self._store.transaction():
            self._store.run("DELETE FROM arrays WHERE name = ?", name)
        self._seen.pop(name, None)

    def throttle(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        """Set ``default_limit``, ``window``, ``window_limit`` (bytes/s)."""
        with self._store.transaction():
            limits = {**json.loads(self.row(name)["throttle"]), **values}
            self._store.run(
                "UPDATE arrays SET throttle = ? WHERE name = ?",
                json.dumps(limits),
                name,
            )
        return {"array_name": name, **{k: limits.get(k) for k in _THROTTLE}}

    def cut(self, name: str, cut: bool) -> None:
        """Cut or mend a link, for tests."""
        with self._store.transaction():
            self.row(name)
            self._store.run(
                "UPDATE arrays SET cut = ? WHERE name = ?", cut, name
            )
        self._seen.pop(name, None)
        self._core.wake()

    def authenticate(self, headers: Mapping[str, str]) -> str:
        """Return the calling array's name. Raises ``Unauthorized``."""
        name = headers.get(peer.NAME_HEADER, "")
        row = self._store.one(
            "SELECT * FROM arrays WHERE id = ?", headers.get(peer.ID_HEADER)
        )
        if row is None or not secrets.compare_digest(
            row["secret"], headers.get(peer.SECRET_HEADER, "")
        ):
            raise errors.Unauthorized("Unknown array.", name)
        if row["cut"]:
            return row["name"]
        if row["name"] != name:
            self._renamed(row["name"], name)
        self._seen[name] = time.monotonic()
        return name

    def _renamed(self, old: str, new: str) -> None:
        """Follow another array's new name, in what it replicates to here
        and in what is replicated to it."""
        with self._store.transaction():
            for change in _RENAME:
                self._store.run(change, new, old)
        self._seen.pop(old, None)

    def open(self, name: str) -> peer.Peer:
        """Return a session with a connected array.

        Raises ``PeerUnreachable`` if the link is cut or ended.
        """
        row = self._store.one("SELECT * FROM arrays WHERE name = ?", name)
        if row is None or row["cut"]:
            raise peer.PeerUnreachable(name)
        ca = self._authorities / f"{row['id']}.pem"
        if not ca.exists():
            ca.write_text(row["ca"])
        caller = self._core.id, self._core.name
        return peer.Peer(row["url"], caller, row["secret"], ca)

    def run(self) -> None:
        """Keep the links alive and tell what is untold, until stopped."""
        while not self._core.stopping.is_set():
            for row in self._store.all("SELECT name FROM arrays"):
                self._beat(row["name"])
            self._core.stopping.wait(_BEAT)

    def tell(self, name: str) -> None:
        """Tell an array what it has not been told; give up if it is away."""
        try:
            with self._telling:
                self._announce(name)
                self._tell_allowed(name)
        except (peer.PeerUnreachable, peer.PeerRefused) as error:
            LOG.info("Array %s is not told yet: %s", name, error)

    def tell_all(self) -> None:
        """Tell every array that is there what it has not been told."""
        for link in self.listing():
            if link["connected"]:
                self.tell(link["name"])

    def _beat(self, name: str) -> None:
        try:
            self.ask(name, "GET", "ping")
        except (peer.PeerUnreachable, peer.PeerRefused):
            self._seen.pop(name, None)
            return
        self._seen[name] = time.monotonic()
        self.tell(name)

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        patience: float = _FRESH,
    ) -> dict[str, Any]:
        """Return another array's answer; ``patience`` in seconds.

        Raises ``PeerUnreachable`` or ``PeerRefused``.
        """
        session = self.open(name)
        try:
            return session.call(method, path, body, patience=patience)
        finally:
            session.close()

    def _announce(self, name: str) -> None:
        delay = self._core.tuning.knobs.announce_delay
        rows = self._store.all(
            "SELECT g.*, t.removed FROM pgroup_targets t"
            " JOIN pgroups g ON g.id = t.pgroup_id WHERE t.array = ?"
            " AND t.announced != g.version AND g.changed <= ?"
            " AND (g.destroyed IS NULL OR t.removed)",
            name,
            self._core.clock.now() - delay,
        )
        for row in rows:
            answer = self.ask(
                name, "POST", "groups", announcement(self._store, row)
            )
            self._announced(name, row, answer)

    def _announced(self, name: str, row: Row, answer: dict[str, Any]) -> None:
        with self._store.transaction():
            self._store.run(
                "UPDATE pgroups SET next_suffix = MAX(next_suffix, ?)"
                " WHERE id = ?",
                answer["next_suffix"],
                row["id"],
            )
            self._store.run(
                "UPDATE pgroup_targets SET announced = ?, allowed = ?"
                " WHERE pgroup_id = ? AND array = ? AND removed = ?",
                row["version"],
                answer["allowed"],
                row["id"],
                name,
                row["removed"],
            )
            self._store.run(
                "DELETE FROM pgroup_targets WHERE removed AND announced"
                " AND pgroup_id = ? AND array = ?",
                row["id"],
                name,
            )
        self._core.wake()

    def _tell_allowed(self, name: str) -> None:
        rows = self._store.all(
            "SELECT * FROM pgroups WHERE origin = ? AND NOT allowed_told", name
        )
        for row in rows:
            body = {"uid": row["uid"], "allowed": bool(row["allowed"])}
            self.ask(name, "POST", "allowed", body)
            self._store.run(
                "UPDATE pgroups SET allowed_told = 1 WHERE id = ?"
                " AND allowed = ?",
                row["id"],
                row["allowed"],
            )

    def _card(self, nonce: str, kind: str) -> dict[str, Any]:
        return {
            "type": kind,
            "name": self._core.name,
            "id": self._core.id,
            "version": self._core.tuning.knobs.purity,
            "url": self.url,
            "ca": self._ca,
            "nonce": nonce,
        }

    def _add(
        self,
        theirs: dict[str, Any],
        secret: str,
        ours: tuple[int, str | None, str | None],
    ) -> None:
        name = theirs["name"]
        if name == self._core.name:
            raise errors.ArrayError(
                "An array cannot be connected to itself.", name
            )
        with self._store.transaction():
            if self._store.one("SELECT 1 FROM arrays WHERE name = ?", name):
                raise errors.exists("Array connection", name)
            values = [
                theirs[k] for k in ("id", "version", "url", "ca", "type")
            ]
            self._store.run(_INSERT, name, *values, secret, *ours)
        self._seen[name] = time.monotonic()


def announcement(store: Any, row: Row) -> dict[str, Any]:
    """Return what a target is told of a group (``row`` of pgroups)."""
    members = store.all(
        "SELECT v.name FROM pgroup_volumes m"
        " JOIN volumes v ON v.id = m.volume_id"
        " WHERE m.pgroup_id = ? AND v.destroyed IS NULL ORDER BY v.name",
        row["id"],
    )
    return {
        "uid": row["uid"],
        "name": row["name"],
        "members": [member["name"] for member in members],
        "retention": json.loads(row["retention"]),
        "removed": bool(row["removed"]),
    }


def _url_of(address: str, own: str) -> str:
    """Return the URL of an address, at this array's own port by default."""
    if ":" in address:
        return f"https://{address}"
    return f"https://{address}:{own.rpartition(':')[2]}"
