# SPDX-License-Identifier: Apache-2.0
"""Processes of the suite: started, recorded, and ended by that record.

Each leads a session of its own, and with it ends all that it forked.  The
record is the pid with the kernel's start time, so that a pid used again is
never taken for ours.  What an interrupted run left is ended first.
"""

from collections.abc import Callable, Iterator, Sequence
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import fixtures

STOP_SECONDS = 30
KILL_SECONDS = 10
TAIL_BYTES = 20_000
_SESSION, _STARTED = 3, 19
"""Fields of /proc/<pid>/stat, counted after the command's name."""


def wait_until(
    done: Callable[[], object],
    seconds: float,
    pause: float = 0.1,
    told: Callable[[], str] = lambda: "",
) -> None:
    """Look until ``done`` is true.

    :param told: what to say of it when it never is.
    :raises AssertionError: not within ``seconds``.
    """
    never = threading.Event()
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {told()}")
        never.wait(pause)


class Processes(fixtures.Fixture):
    """:param directory: for ``<name>.pid`` and ``<name>.log``."""

    def __init__(self, directory: pathlib.Path) -> None:
        super().__init__()
        self.directory = directory
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def _setUp(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.end_all()
        for log in self.directory.glob("*.log"):
            log.unlink()
        self.addCleanup(self.end_all)

    def start(self, name: str, module: str, *arguments: str) -> None:
        """Run ``python -m module arguments``."""
        self._spawn(name, [sys.executable, "-m", module, *arguments])

    def run(self, name: str, module: str, *arguments: str) -> str:
        """Run it to its end, which must be a success; what it printed.

        :raises AssertionError: it failed.
        """
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        with open(self.log(name), "a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode:
            raise AssertionError(
                f"{module} {arguments} ended {done.returncode}: "
                f"{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    def log(self, name: str) -> pathlib.Path:
        return self.directory / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last 20 KB of a log."""
        with open(self.log(name), "rb") as log:
            log.seek(max(0, self.log(name).stat().st_size - TAIL_BYTES))
            return log.read().decode(errors="replace")

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.directory.glob("*.log"))

    def alive(self, name: str) -> bool:
        """Whether the process that was recorded still runs."""
        return self._recorded(name) is not None

    def stop(self, name: str) -> None:
        """SIGTERM to the leader, SIGKILL to what is left after 30 s."""
        leader = self._recorded(name)
        if leader is not None:
            os.kill(leader, signal.SIGTERM)
            try:
                wait_until(lambda: not self.alive(name), STOP_SECONDS)
            except AssertionError:
                pass
        self.kill(name)

    def kill(self, name: str) -> None:
        """SIGKILL to the whole session, as if the host lost its power."""
        record = self._record(name)
        if record is None:
            return
        if self._recorded(name) is not None or name in self._children:
            for pid in _session(record[0]):
                _send(pid, signal.SIGKILL)
            wait_until(lambda: not _session(record[0]), KILL_SECONDS)
        self._reap(name)
        self._pid_file(name).unlink()

    def freeze(self, name: str) -> None:
        """SIGSTOP to the whole session: its sockets are there, and nobody
        answers on them."""
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let it go on; nothing is done to what is not frozen."""
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: int) -> None:
        leader = self._recorded(name)
        if leader is not None:
            for pid in _session(leader):
                _send(pid, number)

    def _spawn(self, name: str, command: Sequence[str]) -> None:
        with open(self.log(name), "ab") as log:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        self._children[name] = child
        self._pid_file(name).write_text(f"{child.pid} {_started(child.pid)}")

    def end_all(self) -> None:
        """End whatever is recorded, by this run or by an earlier one."""
        for path in sorted(self.directory.glob("*.pid")):
            self.stop(path.stem)

    def _pid_file(self, name: str) -> pathlib.Path:
        return self.directory / f"{name}.pid"

    def _record(self, name: str) -> tuple[int, str] | None:
        try:
            pid, started = self._pid_file(name).read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid), started

    def _recorded(self, name: str) -> int | None:
        """The pid, if it is still the process that was recorded."""
        self._reap(name)
        record = self._record(name)
        if record is None or _started(record[0]) != record[1]:
            return None
        return record[0]

    def _reap(self, name: str) -> None:
        child = self._children.get(name)
        if child is not None and child.poll() is not None:
            del self._children[name]


def _stat(pid: int) -> list[str]:
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[_STARTED] if fields else None


def _session(leader: int) -> list[int]:
    """The members of a session that are no zombies."""
    return [pid for pid in _pids() if _member(pid, leader)]


def _member(pid: int, leader: int) -> bool:
    fields = _stat(pid)
    return (
        bool(fields) and (fields[0] != "Z") and fields[_SESSION] == str(leader)
    )


def _pids() -> Iterator[int]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield int(entry)


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _environment() -> dict[str, str]:
    root = pathlib.Path(__file__).parents[3]
    return os.environ | {"PYTHONPATH": str(root), "no_proxy": "*"}
