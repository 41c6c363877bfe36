# SPDX-License-Identifier: Apache-2.0
"""Waiting for many objects with one list call per interval.

Knows nothing of clouds: what is fetched and what counts as done is the
caller's.
"""

from collections import Counter
from collections.abc import Callable
import contextlib
import threading
from typing import Any, Generic, TypeVar

from protector import clock as clock_module
from protector import exception

T = TypeVar("T")
R = TypeVar("R")


class _Round(Generic[T]):
    """One list call: what it found, or why it failed."""

    def __init__(self) -> None:
        self.finished = False
        self.values: dict[str, T] = {}
        self.error: Exception | None = None


class BatchedPoll(Generic[T]):
    """Lets any number of threads wait on the same kind of object.

    There is no thread of its own: one of those that wait makes the call for
    all (the leader); when it leaves, another takes over.  A waiter only
    looks at calls that began after it came, so it never takes the state
    before its own change for the result.

    :param fetch: from the ids that are waited for to those that exist.
        Its ``ProtectorError`` counts as "seen nothing" until the deadline.
    :param interval: seconds from the end of a call to the next.
    """

    def __init__(
        self,
        fetch: Callable[[set[str]], dict[str, T]],
        interval: float,
        clock: clock_module.Clock,
    ) -> None:
        self._fetch = fetch
        self._interval = interval
        self._clock = clock
        self._guard = threading.Lock()
        self._keys: Counter[str] = Counter()
        self._next: _Round[T] = _Round()
        self._due = float("-inf")
        self._led = False
        # set and replaced whenever a leader leaves
        self._turn = threading.Event()

    def wait(
        self,
        key: str,
        done: Callable[[T | None], R | None],
        deadline_seconds: float,
    ) -> R:
        """Wait until ``done`` answers something else than None.

        :param key: id of the object.
        :param done: gets the object, or None when it does not exist.
        :param deadline_seconds: how long to wait at most.
        :returns: what ``done`` answered.
        :raises DeadlineExceeded: naming the key and the last state seen.
        :raises UnexpectedState: from ``done``.
        """
        deadline = self._clock.monotonic() + deadline_seconds
        seen: list[Any] = []
        failure: Exception | None = None
        with self._registered(key):
            while True:
                found = self._observe(deadline)
                if found is None:
                    raise _too_late(key, deadline_seconds, seen, failure)
                failure = found.error
                if failure is None:
                    seen = [found.values.get(key)]
                    answer = done(seen[0])
                    if answer is not None:
                        return answer
                elif not _passing(failure):
                    raise failure

    @contextlib.contextmanager
    def _registered(self, key: str) -> Any:
        with self._guard:
            self._keys[key] += 1
        try:
            yield
        finally:
            with self._guard:
                self._keys[key] -= 1
                self._keys += Counter()

    def _observe(self, deadline: float) -> _Round[T] | None:
        """The first call that begins from now on; None at the deadline."""
        with self._guard:
            wanted = self._next
        while not wanted.finished:
            remaining = deadline - self._clock.monotonic()
            if remaining <= 0:
                return None
            turn = self._take_lead()
            if turn is not None:
                self._clock.wait(turn, remaining)
                continue
            try:
                self._lead(deadline)
            finally:
                self._leave_lead()
        return wanted

    def _take_lead(self) -> threading.Event | None:
        """None: the caller leads now; else what to wait for."""
        with self._guard:
            if self._led:
                return self._turn
            self._led = True
            return None

    def _leave_lead(self) -> None:
        with self._guard:
            self._led = False
            turn, self._turn = self._turn, threading.Event()
        turn.set()

    def _lead(self, deadline: float) -> None:
        """Make the next call when it is due, unless the deadline is first."""
        due = min(self._due, deadline)
        pause = due - self._clock.monotonic()
        if pause > 0:
            self._clock.wait(threading.Event(), pause)
        if self._clock.monotonic() < self._due:
            return
        with self._guard:
            current, self._next = self._next, _Round()
            keys = set(self._keys)
        try:
            current.values = self._fetch(keys)
        except Exception as e:
            current.error = e
        self._due = self._clock.monotonic() + self._interval
        current.finished = True


def _passing(failure: Exception) -> bool:
    """Whether the next call may well succeed."""
    return isinstance(failure, exception.ProtectorError) and not isinstance(
        failure, exception.LeaseLost
    )


def _too_late(
    key: str, seconds: float, seen: list[Any], failure: Exception | None
) -> exception.DeadlineExceeded:
    state = _state(seen)
    text = f"{key} did not get there within {seconds:g} s; last seen: {state}."
    if failure is not None:
        text += f" The last look failed: {failure}"
    return exception.DeadlineExceeded(
        text, key=key, state=state, seconds=seconds
    )


def _state(seen: list[Any]) -> str:
    if not seen:
        return "never"
    if seen[0] is None:
        return "does not exist"
    return str(getattr(seen[0], "status", seen[0]))
