# SPDX-License-Identifier: Apache-2.0
"""What every part of the array shares: identity, store, clock and files.

It has no array semantics of its own.
"""

import pathlib
import secrets
import threading
import uuid

from protector.sandbox.array import names
from protector.sandbox.array.clock import ArrayClock
from protector.sandbox.array.store import Store
from protector.sandbox.array.tuning import Tuning


class Core:
    """One array's shared parts.

    ``io`` freezes the data path: who holds it sees, and takes, all volumes
    at one instant. It is taken inside a transaction, never around one.
    """

    def __init__(self, name: str, state: pathlib.Path) -> None:
        self.state = state
        self.blocks = state / "blocks"
        self.blocks.mkdir(parents=True, exist_ok=True)
        self.store = Store(state / "array.sqlite")
        self.name = self.store.meta("name") or name
        self.tuning = Tuning(self.store)
        self.clock = ArrayClock(lambda: self.tuning.knobs.clock_offset)
        self.io = threading.Lock()
        self._bells: list[threading.Event] = []
        self.stopping = threading.Event()
        self._identify()

    def _identify(self) -> None:
        store = self.store
        with store.transaction():
            if store.meta("id") is None:
                store.set_meta("id", str(uuid.uuid4()))
                store.set_meta("serials", "0")
                store.set_meta("connection_key", str(uuid.uuid4()))
        self.id = store.meta("id") or ""
        self.connection_key = store.meta("connection_key") or ""

    def rename(self, name: str) -> None:
        """Give the array another name; it survives a restart."""
        with self.store.transaction():
            self.store.set_meta("name", names.check("Array", name))
        self.name = name

    def new_serial(self) -> str:
        """Return the next serial: 24 hex digits, never used before."""
        number = int(self.store.meta("serials") or 0) + 1
        self.store.set_meta("serials", str(number))
        return f"{self.id.replace('-', '')[:16]}{number:08x}".upper()

    def new_file(self, home: pathlib.Path | None = None) -> pathlib.Path:
        """Return the path of a file that does not exist yet.

        ``home``: the directory of the pod that it is to be in.
        """
        return (home or self.blocks) / f"{secrets.token_hex(12)}.raw"

    def discard(self, file: str) -> None:
        """Remove a file once the change is committed.

        Those of a pod are the other array's too, and go when it knows.
        """
        path = pathlib.Path(file)
        if path.parent == self.blocks:
            self.store.after_commit(lambda: path.unlink(missing_ok=True))

    def remove_orphans(self) -> None:
        """Remove the files of changes that a killed array did not commit."""
        rows = self.store.all(
            "SELECT file FROM volumes UNION SELECT file FROM snapshots"
        )
        known = {row["file"] for row in rows}
        for path in self.blocks.iterdir():
            if str(path) not in known:
                path.unlink()

    def bell(self) -> threading.Event:
        """Return an event of the caller's own that ``wake`` sets."""
        self._bells.append(threading.Event())
        return self._bells[-1]

    def wake(self) -> None:
        """Tell the background threads to look for work now."""
        for bell in self._bells:
            bell.set()

    def stop(self) -> None:
        """Tell the background threads to end."""
        self.stopping.set()
        self.wake()

    def expires_in(self, destroyed: float) -> int:
        """Return the whole seconds until a destroyed object is eradicated."""
        delay = self.tuning.knobs.eradication_delay
        return max(0, int(destroyed + delay - self.clock.now()))
