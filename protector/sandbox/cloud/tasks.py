# SPDX-License-Identifier: Apache-2.0
"""State changes that happen later, also when the cloud was killed.

One scheduler thread looks at the clock and hands what is due to a few
workers, so that a change waiting for the array holds up no other.
"""

import collections.abc
import concurrent.futures
import logging
import threading
import typing
import uuid

from protector.sandbox.cloud import clock, settings, store

LOG = logging.getLogger(__name__)

Handler = collections.abc.Callable[[dict[str, typing.Any]], None]

DEFAULT_DELAY = 0.1
WORKERS = 8


class Tasks:
    """The cloud's pending changes.

    A task is removed after its handler returned: a cloud that was killed
    in between runs it again, so handlers must bear repetition.  A handler
    that raises is logged and not repeated: error states are its own job.
    """

    def __init__(
        self,
        storage: store.Store,
        options: settings.Settings,
        time: clock.Clock,
    ) -> None:
        self._table = storage.table("tasks")
        self._settings = options
        self._clock = time
        self._handlers: dict[str, tuple[Handler, float]] = {}
        self._wake = threading.Event()
        self._busy_lock = threading.Lock()
        self._busy: dict[str, str | None] = {}
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None

    def register(
        self, kind: str, handler: Handler, delay: float = DEFAULT_DELAY
    ) -> None:
        """Name the handler of a kind: ``handler(args)``.

        :param delay: seconds before ``start`` runs it, when the setting
            ``task_delays`` says nothing else.
        """
        self._handlers[kind] = (handler, delay)

    def start(
        self,
        kind: str,
        args: dict[str, typing.Any],
        key: str | None = None,
    ) -> str:
        """Run a task after the usual delay of its kind; return its id."""
        delay = self._settings.of("task_delays", kind)
        if delay is None:
            delay = self._handlers[kind][1]
        return self.after(delay, kind, args, key)

    def after(
        self,
        seconds: float,
        kind: str,
        args: dict[str, typing.Any],
        key: str | None = None,
    ) -> str:
        """Run a task after ``seconds``; return its id.

        :param args: JSON, passed to the handler.
        :param key: tasks of one key run one at a time, in order of time
            (give the server's or volume's id).
        """
        task_id = uuid.uuid4().hex
        due = self._clock.seconds() + seconds
        self._table.put(
            {"id": task_id, "due": due, "kind": kind, "args": args}
            | {"key": key}
        )
        self._wake.set()
        return task_id

    def cancel(self, task_id: str) -> bool:
        """Forget a task; tell whether it was pending."""
        return self._table.delete(task_id)

    def pending(self, kind: str | None = None) -> list[store.Document]:
        """Return what has not finished, soonest first."""
        rows = self._table.list(**({"kind": kind} if kind else {}))
        return sorted(rows, key=lambda row: row["due"])

    def run(self) -> None:
        """Start the scheduler; what was pending on disk resumes."""
        self._pool = concurrent.futures.ThreadPoolExecutor(
            WORKERS, thread_name_prefix="task"
        )
        self._thread = threading.Thread(
            target=self._schedule, name="tasks", daemon=True
        )
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Stop; what has not begun stays on disk."""
        self._stopped = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout)
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _schedule(self) -> None:
        while not self._stopped:
            self._wake.clear()
            self._wake.wait(self._dispatch())

    def _dispatch(self) -> float | None:
        """Hand out what is due; return seconds until the next one."""
        now = self._clock.seconds()
        with self._busy_lock:
            busy = dict(self._busy)
        held = {key for key in busy.values() if key}
        for row in self.pending():
            if row["id"] in busy or row["key"] in held:
                continue
            if row["due"] > now:
                return row["due"] - now
            if row["key"]:
                held.add(row["key"])
            self._hand_out(row)
        return None

    def _hand_out(self, row: store.Document) -> None:
        with self._busy_lock:
            self._busy[row["id"]] = row["key"]
        if self._pool is not None and not self._stopped:
            self._pool.submit(self._work, row)

    def _work(self, row: store.Document) -> None:
        try:
            if row["id"] in self._table:
                self._handlers[row["kind"]][0](row["args"])
        except Exception:
            LOG.exception("Task %s failed: %s", row["kind"], row["args"])
        finally:
            self._table.delete(row["id"])
            with self._busy_lock:
                self._busy.pop(row["id"], None)
            self._wake.set()
