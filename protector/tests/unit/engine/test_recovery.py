# SPDX-License-Identifier: Apache-2.0
"""Operations that wait get the engine's places, few at once and fairly."""

import threading
from typing import Any

from protector import constants as c
from protector.db.api import operations, protection_groups
from protector.engine import recovery
from protector.tests.unit.engine import case

PLACES = 3
SECONDS = 30


class Runner:
    """Ends an operation when it is told to."""

    def __init__(self, site: case.EngineCase) -> None:
        self._case = site
        self._guard = threading.Lock()
        self.go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.order: list[str] = []
        self._ended: set[str] = set()
        self.now = self.most = 0

    def run(self, operation_id: str) -> bool:
        with self._guard:
            if operation_id in self._ended:
                # was found before it ended: it is not claimed again
                return False
            self.order.append(operation_id)
            self.now += 1
            self.most = max(self.most, self.now)
        self.begun.release()
        assert self.go.acquire(timeout=SECONDS)
        with self._guard:
            self._case.end(operation_id)
            self._ended.add(operation_id)
            self.now -= 1
        return True


class ScannerTest(case.EngineCase):
    left = 51

    def operation(self, project_id: str, **values: Any) -> str:
        group_id = self.site.group()
        with self.runtime.db.writer() as session:
            group = protection_groups.get(session, group_id)
            group.project_id = project_id
            row = operations.accept(
                session,
                self.clock.now(),
                group,
                "failover",
                {
                    "origin_site_id": self.site.local_id,
                    "executor_site_id": self.site.local_id,
                    "source_site_id": self.site.peer_id,
                    "target_site_id": self.site.local_id,
                },
            )
            for name, value in values.items():
                setattr(row, name, value)
            return row.id

    def start(self, runner: Runner) -> recovery.Scanner:
        """Its places are few."""
        self.runtime.conf.set_override("max_operations", PLACES, "engine")
        stopping = threading.Event()
        scanner = recovery.Scanner(
            self.runtime, self.site.local_id, runner, stopping
        )
        scanner.start()
        self.addCleanup(scanner.stop)
        self.addCleanup(runner.go.release, 100)
        self.addCleanup(stopping.set)
        return scanner

    def test_what_the_others_wait_for_needs_no_place(self) -> None:
        """Moves without room wait in their places for the end of drills."""
        runner = Runner(self)
        scanner = self.start(runner)
        moves = {self.operation("site") for _ in range(PLACES + 1)}
        scanner.ring("")
        for _ in range(PLACES):
            self.begins(runner)
        waiting = (moves - set(runner.order)).pop()
        cleanup = self.operation("site", kind=c.Verb.TEST_CLEANUP)
        scanner.ring(cleanup)
        self.begins(runner)
        self.assertEqual(cleanup, runner.order[-1])
        # nor does what ends before it begins
        with self.runtime.db.writer() as session:
            operations.request_cancel(
                session, operations.get(session, waiting)
            )
        scanner.ring(waiting)
        self.begins(runner)
        self.assertEqual(waiting, runner.order[-1])

    def test_a_whole_site_leaves_room_for_one_group(self) -> None:
        runner = Runner(self)
        many = {self.operation("site") for _ in range(50)}
        scanner = self.start(runner)
        for _ in range(PLACES):
            self.begins(runner)
        single = self.operation("another")
        scanner.ring(single)
        # those that have their place, and those whose turn was before
        for _ in range(2 * PLACES):
            if single in runner.order:
                break
            runner.go.release()
            self.begins(runner)
        self.assertIn(single, runner.order)
        runner.go.release(100)
        while self.left:
            self.begins(runner)
        self.assertEqual(many | {single}, set(runner.order))
        self.assertEqual(51, len(runner.order))
        self.assertEqual(PLACES, runner.most)

    def begins(self, runner: Runner) -> None:
        """The next operation gets its place."""
        self.assertTrue(runner.begun.acquire(timeout=SECONDS))
        self.left -= 1
