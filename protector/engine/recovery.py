# SPDX-License-Identifier: Apache-2.0
"""Finds operations that nobody runs and has them run: new ones, those whose
doorbell was lost, and what a dead engine left."""

from concurrent import futures
import threading
from typing import Any

from oslo_log import log as logging

from protector.db.api import operations_leases
from protector.engine import runner, turns

LOG = logging.getLogger(__name__)


class Scanner:
    """One thread that looks, and a bounded pool that runs.

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
        self._runner = runner
        self._stopping = stopping
        self._rung = threading.Event()
        self._busy: set[str] = set()
        self._turns = turns.Turns()
        self._guard = threading.Lock()
        self._pool = futures.ThreadPoolExecutor(
            runtime.conf.engine.max_operations, thread_name_prefix="op"
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
        with self._guard:
            return sorted(self._busy)

    def stop(self) -> None:
        """End after ``stopping`` was set: what runs is left for adoption."""
        self._rung.set()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

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
        for operation_id, project_id in found:
            with self._guard:
                if operation_id in self._busy or self._stopping.is_set():
                    continue
                self._busy.add(operation_id)
            self._turns.add(project_id, operation_id)
            self._pool.submit(self._run)

    def _run(self) -> None:
        ran = False
        operation_id = self._turns.take()
        try:
            ran = self._runner.run(operation_id)
        except Exception:
            LOG.exception("Operation %s could not be run", operation_id)
        finally:
            with self._guard:
                self._busy.discard(operation_id)
        if ran:
            # a change that waits in the queue may have its turn now
            self._rung.set()
