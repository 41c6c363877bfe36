# SPDX-License-Identifier: Apache-2.0
"""Many wait, one asks."""

from concurrent import futures
import threading
from typing import Any

from protector import clock, exception
from protector.clients import wait
from protector.tests import base

DONE = "available"


class Backend:
    """Objects that settle after some looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.calls: list[set[str]] = []
        self.failing: list[Exception] = []
        self.gate: threading.Event | None = None

    def fetch(self, keys: set[str]) -> dict[str, str]:
        self.calls.append(keys)
        if self.gate is not None and not self.gate.wait(20):
            raise AssertionError("nobody opened the gate")
        if self.failing:
            raise self.failing.pop(0)
        status = DONE if len(self.calls) > self.looks else "creating"
        return {key: status for key in keys}


def done(found: str | None) -> str | None:
    return found if found == DONE else None


class BatchedPollTest(base.TestCase):
    def _poll(self, backend: Backend, interval: float = 0.02) -> Any:
        return wait.BatchedPoll(backend.fetch, interval, clock.Clock())

    def test_one_call_serves_all_that_wait(self) -> None:
        backend = Backend(looks=3)
        poll = self._poll(backend, interval=0.3)
        keys = [f"volume-{n}" for n in range(50)]
        with futures.ThreadPoolExecutor(50) as pool:
            waits = [pool.submit(poll.wait, k, done, 20) for k in keys]
            answers = [w.result(30) for w in waits]
        self.assertEqual([DONE] * 50, answers)
        # the first call serves only those that came before it
        self.assertLessEqual(len(backend.calls), 6)
        self.assertEqual(set(keys), backend.calls[2])

    def test_nobody_is_asked_for_any_more_after_all_left(self) -> None:
        backend = Backend(looks=0)
        poll = self._poll(backend)
        poll.wait("a", done, 5)
        poll.wait("b", done, 5)
        self.assertEqual([{"a"}, {"b"}], backend.calls)

    def test_a_call_under_way_is_not_an_observation(self) -> None:
        backend = Backend(looks=0)
        backend.gate = threading.Event()
        poll = self._poll(backend)
        with futures.ThreadPoolExecutor(2) as pool:
            first = pool.submit(poll.wait, "a", done, 20)
            while not backend.calls:
                threading.Event().wait(0.01)
            late = pool.submit(poll.wait, "a", done, 20)
            while poll._keys["a"] < 2:
                threading.Event().wait(0.01)
            backend.gate.set()
            first.result(20)
            late.result(20)
        self.assertEqual(2, len(backend.calls))

    def test_the_deadline_names_key_and_state(self) -> None:
        poll = self._poll(Backend(looks=1000))
        error = self.assertRaises(
            exception.DeadlineExceeded, poll.wait, "volume-7", done, 0.2
        )
        self.assertIn("volume-7", error.message)
        self.assertIn("creating", error.message)
        self.assertEqual("volume-7", error.details["key"])

    def test_one_that_does_not_exist_is_said_to(self) -> None:
        poll = wait.BatchedPoll(lambda keys: {}, 0.02, clock.Clock())
        error = self.assertRaises(
            exception.DeadlineExceeded, poll.wait, "gone", done, 0.1
        )
        self.assertIn("does not exist", error.message)

    def test_absence_can_be_what_is_waited_for(self) -> None:
        poll = wait.BatchedPoll(lambda keys: {}, 0.02, clock.Clock())
        gone = poll.wait("x", lambda f: True if f is None else None, 5)
        self.assertTrue(gone)

    def test_a_failing_call_is_tolerated(self) -> None:
        backend = Backend(looks=2)
        backend.failing = [exception.CloudUnavailable("down")] * 2
        poll = self._poll(backend)
        self.assertEqual(DONE, poll.wait("a", done, 20))

    def test_a_lasting_failure_is_named_at_the_deadline(self) -> None:
        backend = Backend(looks=0)
        backend.failing = [exception.CloudUnavailable("cinder is down")] * 999
        poll = self._poll(backend)
        error = self.assertRaises(
            exception.DeadlineExceeded, poll.wait, "a", done, 0.2
        )
        self.assertIn("cinder is down", error.message)
        self.assertIn("never", error.message)

    def test_a_defect_is_not_tolerated(self) -> None:
        backend = Backend(looks=0)
        backend.failing = [ZeroDivisionError()]
        poll = self._poll(backend)
        self.assertRaises(ZeroDivisionError, poll.wait, "a", done, 20)

    def test_a_state_without_return_ends_the_wait(self) -> None:
        def refuse(found: str | None) -> str | None:
            raise exception.UnexpectedState(f"volume is {found}")

        poll = self._poll(Backend(looks=9))
        self.assertRaises(
            exception.UnexpectedState, poll.wait, "a", refuse, 20
        )

    def test_another_takes_over_when_the_leader_leaves(self) -> None:
        backend = Backend(looks=4)
        poll = self._poll(backend, interval=0.1)
        with futures.ThreadPoolExecutor(2) as pool:
            leader = pool.submit(poll.wait, "a", done, 0.15)
            while not backend.calls:
                threading.Event().wait(0.01)
            other = pool.submit(poll.wait, "b", done, 20)
            self.assertRaises(exception.DeadlineExceeded, leader.result, 20)
            self.assertEqual(DONE, other.result(20))

    def test_calls_keep_the_interval(self) -> None:
        class Stepping(clock.Clock):
            time = 0.0

            def monotonic(self) -> float:
                return self.time

            def wait(self, event: threading.Event, seconds: float) -> bool:
                self.time += seconds
                return event.is_set()

        steps = Stepping()
        times: list[float] = []
        backend = Backend(looks=3)

        def fetch(keys: set[str]) -> dict[str, str]:
            times.append(steps.time)
            return backend.fetch(keys)

        poll = wait.BatchedPoll(fetch, 5, steps)
        self.assertEqual(DONE, poll.wait("a", done, 60))
        self.assertEqual([0, 5, 10, 15], times)
