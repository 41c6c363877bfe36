# SPDX-License-Identifier: Apache-2.0
"""Starts, watches and ends the processes of a sandbox.

A process is known by its id and the kernel's time of its start, so that a
number that the kernel gave to somebody else is never signalled.  What the
processes are is not known here.
"""

from collections.abc import Mapping, Sequence
import dataclasses
import json
import os
import pathlib
import select
import signal
import subprocess
import threading
import time
from typing import IO, Protocol

READY = "ready "
_LOOK = 0.05
_TAIL = 25
_DEAD = ("Z", "X")


class ProcessError(Exception):
    """A process did not start, or did not end."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One process as it was started.

    :ivar started: when, in the kernel's words; see ``started``.
    :ivar offset: where its part of the log begins, in bytes.
    """

    pid: int
    started: str
    offset: int


def started(pid: int) -> str | None:
    """When a process started: boot and clock tick; None if it is not there.

    Source: proc(5), field 22 of ``/proc/<pid>/stat``.
    """
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()
    if fields[0] in _DEAD:
        return None
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
    return f"{boot.strip()}/{fields[19]}"


class Child(Protocol):
    """What is asked of a process that was started here."""

    @property
    def pid(self) -> int: ...

    def wait(self, timeout: float | None = None) -> object: ...


def spawn(
    command: Sequence[str], env: Mapping[str, str], log: IO[bytes]
) -> Child:
    """A process in a session of its own; what it writes is in the log."""
    return subprocess.Popen(
        command,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Supervisor:
    """The processes of one sandbox.

    :param run: directory of the records.
    :param log: directory of the logs.
    """

    def __init__(self, run: pathlib.Path, log: pathlib.Path) -> None:
        self._run = run
        self._log = log
        self._children: dict[str, Child] = {}

    def record(self, name: str) -> Record | None:
        """What is recorded of a process, whether it lives or not."""
        try:
            return Record(**json.loads(self._path(name).read_text()))
        except FileNotFoundError:
            return None

    def alive(self, name: str) -> bool:
        """Whether the recorded process runs."""
        record = self.record(name)
        return record is not None and started(record.pid) == record.started

    def log(self, name: str) -> pathlib.Path:
        """The log of a process."""
        return self._log / f"{name}.log"

    def launch(
        self, name: str, command: Sequence[str], env: Mapping[str, str]
    ) -> None:
        """Start a process in a session of its own; does not wait.

        :raises ProcessError: it runs already.
        """
        if self.alive(name):
            raise ProcessError(f"{name} runs already.")
        for directory in (self._run, self._log):
            directory.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            offset = log.tell()
            child = spawn(command, env, log)
        self._children[name] = child
        record = Record(child.pid, started(child.pid) or "", offset)
        fresh = self._path(name).with_suffix(".new")
        fresh.write_text(json.dumps(dataclasses.asdict(record)))
        os.replace(fresh, self._path(name))

    def wait_ready(self, name: str, seconds: float) -> str:
        """Wait for the line that says that it serves.

        :returns: what follows ``ready``: its URL.
        :raises ProcessError: it ended, or was not ready in time.
        """
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while True:
            lives = self.alive(name)
            line = self._ready_line(name)
            if line is not None:
                return line
            if not lives:
                raise ProcessError(self._post_mortem(name, "ended"))
            if time.monotonic() > deadline:
                words = f"is not ready after {seconds:g} seconds"
                raise ProcessError(self._post_mortem(name, words))
            pause.wait(_LOOK)

    def kill(self, name: str, seconds: float = 10) -> bool:
        """SIGKILL, and see it end; False if it did not run."""
        return self.signal(name, signal.SIGKILL, seconds)

    def stop(self, name: str, seconds: float = 15) -> bool:
        """SIGTERM, and SIGKILL if it has not ended in time.

        :returns: False if it did not run.
        """
        try:
            return self.signal(name, signal.SIGTERM, seconds)
        except ProcessError:
            return self.kill(name)

    def signal(self, name: str, number: int, seconds: float) -> bool:
        """Send a signal to the recorded process and see it end.

        :returns: False if it did not run.
        :raises ProcessError: it still runs after ``seconds``.
        """
        record = self.record(name)
        if record is None:
            return False
        try:
            handle = os.pidfd_open(record.pid)
        except ProcessLookupError:
            return False
        try:
            # the handle is of whoever has the number now: is it ours?
            if started(record.pid) != record.started:
                return False
            signal.pidfd_send_signal(handle, number)
            self._see_end(name, handle, seconds)
        finally:
            os.close(handle)
        return True

    def _see_end(self, name: str, handle: int, seconds: float) -> None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise ProcessError(f"{name} still runs after {seconds:g} seconds.")
        child = self._children.pop(name, None)
        if child is not None:
            child.wait(seconds)

    def _ready_line(self, name: str) -> str | None:
        record = self.record(name)
        if record is None:
            return None
        for line in self._written(name, record.offset):
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
        return None

    def _written(self, name: str, offset: int) -> list[str]:
        with self.log(name).open("rb") as log:
            log.seek(offset)
            text = log.read().decode(errors="replace")
        # the last line may still be in the writing
        return text[: text.rfind("\n") + 1].splitlines()

    def _post_mortem(self, name: str, words: str) -> str:
        record = self.record(name)
        offset = record.offset if record else 0
        tail = "\n".join(self._written(name, offset)[-_TAIL:])
        return f"{name} {words}; its log {self.log(name)} ends:\n{tail}"

    def _path(self, name: str) -> pathlib.Path:
        return self._run / f"{name}.json"
