# SPDX-License-Identifier: Apache-2.0
"""The source side of replication: carries out the queued sends.

One thread per send. A send waits while the link is down, begins again where
the target says, and is over when the target has verified everything or does
not want it any more. Which snapshots are sent is decided elsewhere.
"""

import json
import logging
from sqlite3 import Row
import threading
import time
from typing import Any

from protector.sandbox.array import blocks, errors, peer
from protector.sandbox.array.core import Core
from protector.sandbox.array.links import Links

LOG = logging.getLogger(__name__)

_RETRY = 0.3
_STEP = 0.1
_LOOK = 1.0
_PATIENT = 120.0
_DAY = 86400
_OPEN = ("queued", "running", "aborting")
_LATER = (peer.PeerUnreachable, errors.ArrayError, FileNotFoundError)
_SEND = (
    "SELECT t.*, p.suffix, p.created, p.ages, p.pgroup_id, g.uid"
    " FROM sends t JOIN pgsnaps p ON p.id = t.pgsnap_id"
    " JOIN pgroups g ON g.id = p.pgroup_id WHERE t.id = ?"
)
_EARLIER = (
    "SELECT 1 FROM sends o JOIN pgsnaps p ON p.id = o.pgsnap_id"
    " WHERE p.pgroup_id = ? AND o.array = ? AND o.state IN"
    " ('queued', 'running') AND o.rowid < (SELECT rowid FROM sends"
    " WHERE id = ?)"
)


class Sender:
    """Starts a thread for each send that has none."""

    def __init__(self, core: Core, links: Links) -> None:
        self._core = core
        self._store = core.store
        self._links = links
        self._bell = core.bell()
        self._threads: dict[str, threading.Thread] = {}

    def run(self) -> None:
        """Look after the sends until the array stops."""
        while not self._core.stopping.is_set():
            self._bell.clear()
            rows = self._store.all(
                "SELECT id FROM sends"
                " WHERE state IN ('queued', 'running', 'aborting')"
            )
            for row in rows:
                self._start(row["id"])
            self._bell.wait(_LOOK)

    def _start(self, send_id: str) -> None:
        thread = self._threads.get(send_id)
        if thread is not None and thread.is_alive():
            return
        send = Send(self._core, self._links, send_id)
        thread = threading.Thread(target=send.run, daemon=True)
        self._threads = {
            number: other
            for number, other in self._threads.items()
            if other.is_alive()
        }
        self._threads[send_id] = thread
        thread.start()


class Send:
    """One snapshot on its way to one array."""

    def __init__(self, core: Core, links: Links, send_id: str) -> None:
        self._core = core
        self._store = core.store
        self._links = links
        self._id = send_id

    def run(self) -> None:
        """Work until the send is completed or aborted."""
        while not self._core.stopping.is_set():
            row = self._row()
            if row is None:
                return
            try:
                if row["state"] == "aborting":
                    self._cancel(row)
                    return
                if self._is_its_turn(row) and self._attempt(row):
                    return
            except peer.PeerRefused as error:
                LOG.info("Send %s was refused: %s", self._id, error.msg)
                if error.status == 409:
                    self._settle("aborted")
                    return
            except _LATER as error:
                LOG.info("Send %s waits: %s", self._id, error)
            self._core.stopping.wait(_RETRY)

    def _row(self) -> Row | None:
        """Return the send if there is still something to do."""
        row = self._store.one(_SEND, self._id)
        return row if row and row["state"] in _OPEN else None

    def _cancel(self, row: Row) -> None:
        """Have the target drop what it has of a send that was aborted."""
        session = self._links.open(row["array"])
        try:
            session.call("DELETE", f"transfers/{self._id}")
        finally:
            session.close()
        self._settle("aborted")

    def _is_its_turn(self, row: Row) -> bool:
        return bool(row["immediate"]) or not self._store.one(
            _EARLIER, row["pgroup_id"], row["array"], self._id
        )

    def _attempt(self, row: Row) -> bool:
        session = self._links.open(row["array"])
        try:
            volumes = self._store.all(
                "SELECT * FROM snapshots WHERE pgsnap_id = ?", row["pgsnap_id"]
            )
            answer = session.call(
                "POST", "transfers", self._description(row, volumes)
            )
            if not answer["completed"]:
                self._begin()
                self._push(session, row, volumes)
                session.call(
                    "POST",
                    f"transfers/{self._id}/complete",
                    {"uid": row["uid"]},
                    patience=_PATIENT,
                )
        finally:
            session.close()
        self._settle("completed")
        return True

    def _description(self, row: Row, volumes: list[Row]) -> dict[str, Any]:
        return {
            "id": self._id,
            "uid": row["uid"],
            "suffix": row["suffix"],
            "created": row["created"],
            "ages": row["ages"],
            "volumes": [
                {
                    "name": volume["member"],
                    "serial": volume["source_serial"],
                    "size": volume["size"],
                }
                for volume in volumes
            ],
        }

    def _push(self, session: peer.Peer, row: Row, volumes: list[Row]) -> None:
        """Send the manifests, then what is needed, at the set pace."""
        todo = [
            piece
            for volume in volumes
            for piece in self._needed(session, volume)
        ]
        total = sum(length for _, _, length in todo)
        sent = 0
        start = time.monotonic()
        while True:
            share = self._share(row["array"], total, start)
            pause = time.monotonic() + _STEP
            while todo and sent <= share * total and time.monotonic() < pause:
                volume, offset, length = todo.pop()
                self._send(session, volume, offset, length)
                sent += length
            progress = min(share, sent / total if total else 1.0)
            self._tell(session, progress, sent)
            if not todo and share >= 1:
                return
            self._require_wanted(row["array"])
            if not (todo and share >= 1):
                self._core.stopping.wait(_STEP)

    def _needed(
        self, session: peer.Peer, volume: Row
    ) -> list[tuple[Row, int, int]]:
        """Return (volume, offset, length) of what the target lacks."""
        chunks = list(blocks.chunks(volume["file"]))
        answer = session.call(
            "PUT",
            f"transfers/{self._id}/volumes/{volume['source_serial']}",
            {"chunks": chunks},
            patience=_PATIENT,
        )
        needed = set(answer["needed"])
        return [(volume, o, n) for o, n, _ in chunks if o in needed]

    def _send(
        self, session: peer.Peer, volume: Row, offset: int, length: int
    ) -> None:
        session.call(
            "PUT",
            f"transfers/{self._id}/volumes/{volume['source_serial']}/data",
            data=blocks.read(volume["file"], offset, length),
            query={"offset": offset},
        )

    def _share(self, array: str, total: int, start: float) -> float:
        """Return the share of the transfer that may be done by now."""
        knobs = self._core.tuning.knobs
        rates = [r for r in (knobs.bandwidth, self._throttle(array)) if r]
        seconds = max(
            knobs.transfer_seconds, total / min(rates) if rates else 0
        )
        if not seconds:
            return 1.0
        return min(1.0, (time.monotonic() - start) / seconds)

    def _throttle(self, array: str) -> float | None:
        """Return the link's limit in bytes per second, if it has one."""
        limits = self._store.value(
            "SELECT throttle FROM arrays WHERE name = ?", array
        )
        throttle = json.loads(limits or "{}")
        window = throttle.get("window")
        second = self._core.clock.now() % _DAY
        if window and window["start"] <= second < window["end"]:
            return throttle.get("window_limit")
        return throttle.get("default_limit")

    def _require_wanted(self, array: str) -> None:
        """Raise unless this send is to go on, over a link that is not cut."""
        if self._core.stopping.is_set():
            raise peer.PeerUnreachable("stopping")
        row = self._row()
        if row is None:
            raise peer.PeerRefused(409, "The send was given up.")
        if row["state"] == "aborting":
            raise peer.PeerUnreachable("aborting")
        if self._links.row(array)["cut"]:
            raise peer.PeerUnreachable(array)

    def _tell(self, session: peer.Peer, progress: float, sent: int) -> None:
        session.call(
            "PUT", f"transfers/{self._id}/progress", {"progress": progress}
        )
        self._store.run(
            "UPDATE sends SET progress = MAX(progress, MIN(?, 0.99)),"
            " data_transferred = MAX(data_transferred, ?) WHERE id = ?",
            progress,
            sent,
            self._id,
        )

    def _begin(self) -> None:
        self._store.run(
            "UPDATE sends SET state = 'running',"
            " started = COALESCE(started, ?) WHERE id = ?"
            " AND state = 'queued'",
            self._core.clock.now(),
            self._id,
        )

    def _settle(self, state: str) -> None:
        """Record the end; an abort that came first stands."""
        done = state == "completed"
        now = self._core.clock.now()
        self._store.run(
            "UPDATE sends SET state = ?, completed = ?,"
            " started = COALESCE(started, ?),"
            " progress = CASE WHEN ? THEN 1 ELSE progress END"
            " WHERE id = ? AND (state IN ('queued', 'running')"
            " OR state = 'aborting' AND NOT ?)",
            state,
            now if done else None,
            now,
            done,
            self._id,
            done,
        )
        self._core.wake()
