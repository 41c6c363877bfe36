# SPDX-License-Identifier: Apache-2.0
"""Finds operations that nobody runs and has them run: new ones, those whose
doorbell was lost, and what a dead engine left."""

from collections.abc import Callable
from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector.db.api import operations_leases
from protector.engine import runner, turns

LOG = logging.getLogger(__name__)
# places for what operations wait for in theirs
APART = 8


class Places:
    """A bounded pool that runs operations, projects in turn.

    :param run: runs one by its id; whether it was to be run.
    :param ran: called after one that was.
    """

    def __init__(
        self,
        count: int,
        run: Callable[[str], bool],
        ran: Callable[[], None],
    ) -> None:
        self._run_one = run
        self._ran = ran
        self._turns = turns.Turns()
        self._guard = threading.Lock()
        self._busy: set[str] = set()
        self._pool = futures.ThreadPoolExecutor(count, thread_name_prefix="op")

    @property
    def busy(self) -> set[str]:
        """What runs or waits for a place."""
        with self._guard:
            return set(self._busy)

    def offer(self, project_id: str, operation_id: str) -> None:
        """Let it run when its turn comes, if it is not known yet."""
        with self._guard:
            if operation_id in self._busy:
                return
            self._busy.add(operation_id)
        self._turns.add(project_id, operation_id)
        self._pool.submit(self._run)

    def stop(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        ran = False
        operation_id = self._turns.take()
        try:
            ran = self._run_one(operation_id)
        except Exception:
            LOG.exception("Operation %s could not be run", operation_id)
        finally:
            with self._guard:
                self._busy.discard(operation_id)
        if ran:
            self._ran()


class Scanner:
    """One thread that looks, and bounded pools that run.

    A move that lacks room waits in its place for the cleanup of a drill, and
    many moves would wait for each other: cleanups have places of their own,
    as has what is cancelled before it begins.

    :param runner: what runs an operation by its id.
    """

    def __init__(
        self,
        runtime: Any,
        site_id: str,
        runner: runner.Runner,
        stopping: threading.Event,
    ) -> None:
        self._runtime = runtime
        self._site_id = site_id
        self._stopping = stopping
        self._rung = threading.Event()
        # a change that waits in the queue may have its turn after another
        self._places, self._apart = (
            Places(count, runner.run, self._rung.set)
            for count in (runtime.conf.engine.max_operations, APART)
        )
        self._thread = threading.Thread(
            target=self._loop, name="scan", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def ring(self, operation_id: str) -> None:
        """The doorbell: look now."""
        self._rung.set()

    @property
    def running(self) -> list[str]:
        return sorted(self._places.busy | self._apart.busy)

    def stop(self) -> None:
        """End after ``stopping`` was set: what runs is left for adoption."""
        self._rung.set()
        self._thread.join()
        self._places.stop()
        self._apart.stop()

    def _loop(self) -> None:
        interval = self._runtime.conf.engine.scan_interval
        while not self._stopping.is_set():
            self._rung.clear()
            try:
                self._scan()
            except Exception:
                # the next look may find the database again
                LOG.exception("Looking for operations failed")
            self._runtime.clock.wait(self._rung, interval)

    def _scan(self) -> None:
        with self._runtime.db.reader() as session:
            found = operations_leases.runnable(
                session,
                self._site_id,
                self._runtime.conf.engine.call_margin,
            )
        for row in found:
            if self._stopping.is_set():
                return
            places = self._apart if _waited_for(row) else self._places
            places.offer(row.project_id, row.id)


def _waited_for(row: Any) -> bool:
    """Whether other operations may wait in their places for its end."""
    dropped = row.cancelling and row.status == c.OperationStatus.PENDING
    return row.kind == c.Verb.TEST_CLEANUP or dropped
