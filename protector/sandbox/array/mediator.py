# SPDX-License-Identifier: Apache-2.0
"""A pod's mediator: which arrays are in a pod, and which fell out of it.

Arrays of one machine meet in the pod's home: a lock that orders their
changes, a record that is replaced as a whole, and for each array a file that
its process holds locked while it lives. Bytes that an array fell out with
are kept for it below the home. What a pod contains is not known here.
"""

from collections.abc import Iterable, Iterator
import contextlib
from dataclasses import asdict, dataclass, field, replace
import fcntl
import json
import pathlib
import shutil
import time
from typing import IO

from protector.sandbox.array import blocks

NOBODY = ""
"""The winner while no array may keep the pod online."""


@dataclass(frozen=True)
class Record:
    """What is agreed on.

    ``arrays``: name by id; ``winner``: id of the array that kept the pod
    online alone, None while all are in; ``since``: when the others fell out,
    ``resyncing``: since when they are brought up to date, in seconds of the
    machine's clock; ``unreachable``: ids of the arrays that do not reach the
    mediator.
    """

    arrays: dict[str, str]
    winner: str | None = None
    since: float | None = None
    resyncing: float | None = None
    unreachable: list[str] = field(default_factory=list)

    def out(self, array: str) -> bool:
        """Tell whether an array may not use the pod."""
        return self.winner is not None and self.winner != array

    def other(self, array: str) -> str | None:
        """Return the id of the other array, if there is one."""
        return next((one for one in self.arrays if one != array), None)

    def together(self) -> "Record":
        """Return the record of a pod with all its arrays in."""
        return replace(self, winner=None, since=None, resyncing=None)


class Mediator:
    """One pod's."""

    def __init__(self, home: str) -> None:
        self._home = pathlib.Path(home)
        self._record = self._home / "record.json"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the pod: no array changes it or writes to it meanwhile.

        Not to be nested, and never asked for inside a transaction.
        """
        with (self._home / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def read(self) -> Record:
        """Return the record; one without arrays if the pod is no more."""
        try:
            return Record(**json.loads(self._record.read_text()))
        except FileNotFoundError:
            return Record({})

    def write(self, record: Record) -> Record:
        """Replace the record."""
        new = self._home / "record.new"
        new.write_text(json.dumps(asdict(record)))
        new.replace(self._record)
        return record

    def attend(self, array: str) -> IO[bytes]:
        """Show that an array lives, until what is returned is closed."""
        file = (self._home / f"{array}.alive").open("ab")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def alive(self, array: str) -> bool:
        """Tell whether the process of an array lives."""
        with (self._home / f"{array}.alive").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def decide(
        self, record: Record, asking: str, preferred: Iterable[str]
    ) -> Record:
        """Return who keeps the pod online; what was decided stands.

        ``asking``: the id of the array that lost the other; ``preferred``:
        ids. Nobody wins who is dead or does not reach the mediator.
        """
        if record.winner:
            return record
        able = [
            array
            for array in sorted(record.arrays, key=lambda one: one != asking)
            if array not in record.unreachable and self.alive(array)
        ]
        first = [a for a in able if a in preferred]
        winner = (first + able + [NOBODY])[0]
        if winner == record.winner:
            return record
        since = record.since or time.time()
        return replace(record, winner=winner, since=since)

    def frozen(self, array: str) -> pathlib.Path:
        """Return where the bytes are kept that an array fell out with."""
        return self._home / "frozen" / array

    def freeze(self, array: str, fixed: set[str]) -> None:
        """Keep the bytes of now for an array that falls out.

        ``fixed``: the files that never change. What it fell out with before,
        and was not brought up to date from, is kept.
        """
        place = self.frozen(array)
        if place.exists():
            return
        new = place.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        for file in self._home.glob("*.raw"):
            if str(file) in fixed:
                (new / file.name).hardlink_to(file)
            else:
                blocks.clone(file, new / file.name)
        new.rename(place)

    def thaw(self, array: str) -> None:
        """Let go of the bytes that an array fell out with."""
        shutil.rmtree(self.frozen(array), ignore_errors=True)

    def sweep(self, known: set[str]) -> None:
        """Remove the files that neither array refers to any more."""
        for file in self._home.glob("*.raw"):
            if str(file) not in known:
                file.unlink()
