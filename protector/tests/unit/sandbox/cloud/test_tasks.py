# SPDX-License-Identifier: Apache-2.0
"""Delayed changes happen in time, in order, and after a crash."""

import pathlib
import threading
import typing

import fixtures

from protector.sandbox.cloud import clock, settings, store, tasks
from protector.tests import base


class TasksTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(directory) / "store"
        self.store = store.Store(path)
        self.addCleanup(self.store.close)
        self.settings = settings.Settings(self.store)
        self.done: list[typing.Any] = []
        self.enough = threading.Event()
        self.expected = 1

    def tasks(self) -> tasks.Tasks:
        made = tasks.Tasks(self.store, self.settings, clock.Clock())
        made.register("note", self.note, 0.01)
        made.register("break", self.fail, 0.0)
        self.addCleanup(made.stop)
        return made

    def note(self, args: dict[str, typing.Any]) -> None:
        self.done.append(args["n"])
        if len(self.done) >= self.expected:
            self.enough.set()

    def fail(self, args: dict[str, typing.Any]) -> None:
        raise ValueError("broken handler")

    def test_a_task_runs_once_and_is_forgotten(self) -> None:
        found = self.tasks()
        found.run()
        found.start("note", {"n": 1})
        self.assertTrue(self.enough.wait(5))
        found.stop()
        self.assertEqual([1], self.done)
        self.assertEqual([], found.pending())

    def test_tasks_of_one_key_run_in_order(self) -> None:
        found, self.expected = self.tasks(), 20
        for number in range(20):
            found.after(0, "note", {"n": number}, key="server")
        found.run()
        self.assertTrue(self.enough.wait(5))
        self.assertEqual(list(range(20)), self.done)

    def test_what_was_pending_runs_after_a_restart(self) -> None:
        self.tasks().after(0, "note", {"n": 7})
        self.assertEqual([], self.done)
        self.tasks().run()
        self.assertTrue(self.enough.wait(5))
        self.assertEqual([7], self.done)

    def test_the_delay_of_a_kind_is_a_setting(self) -> None:
        self.settings.merge({"task_delays": {"note": 3600}})
        found = self.tasks()
        now = clock.Clock().seconds()
        task_id = found.start("note", {"n": 1})
        (row,) = found.pending("note")
        self.assertAlmostEqual(now + 3600, row["due"], delta=60)
        self.assertTrue(found.cancel(task_id))
        self.assertEqual([], found.pending())

    def test_a_broken_handler_stops_nothing(self) -> None:
        found = self.tasks()
        found.run()
        found.start("break", {"n": 0})
        found.start("note", {"n": 1})
        self.assertTrue(self.enough.wait(5))
        # only then has the first one, in another worker, written its log
        found.stop()
        self.assertIn("broken handler", self.log_output)

    def test_a_task_may_be_made_inside_a_transaction(self) -> None:
        found = self.tasks()
        found.run()
        with self.store.lock:
            found.after(0, "note", {"n": 1})
            self.assertFalse(self.enough.wait(0.1))
        self.assertTrue(self.enough.wait(5))
