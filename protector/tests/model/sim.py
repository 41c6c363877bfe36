# SPDX-License-Identifier: Apache-2.0
"""Threads and time of a whole scenario, one after the other.

Every thread of both sites is a task; one runs at a time, until it waits.
When all wait, time goes to the moment at which the first of them is due.  So
a scenario takes no time that nobody computes in, and is the same each time.
Knows nothing of Protector but its seams for threads and clocks.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
import contextlib
import datetime
import math
import threading
import types
from typing import Any

import fixtures

from protector import clock as clock_module
from protector.engine import context
from protector.tests.failure import mortal

START = datetime.datetime(2026, 11, 24, 8, 0, tzinfo=datetime.UTC)
MODULES = ("leases", "lost_site", "recovery", "service", "source_lock")
POOLS = ("lost_site", "recovery", "runner")
Ready = Callable[[], bool]


class Life:
    """One life of a process: its tasks end with it.

    :ivar frozen: its tasks stand still, as by SIGSTOP.
    :param ends: asked at each moment, which it gets as ``before`` or
        ``after`` a call or ``recorded``, whether it is the last.
    """

    def __init__(self, ends: Callable[[str], bool]) -> None:
        self._ends = ends
        self.over = False
        self.frozen = False

    def check(self) -> None:
        """:raises Death: it is over."""
        if self.over:
            raise mortal.Death

    def reach(self, moment: str) -> None:
        """:raises Death: it is over, or ends here."""
        self.check()
        if self._ends(moment):
            self.over = True
            raise mortal.Death

    def recorded(self) -> None:
        """A transaction was kept."""
        self.reach("recorded")


class Task:
    """:ivar error: what the call raised.
    :ivar doing: what its process is at in it, as who asked for it said; the
        tasks that it begins are at it, too.
    """

    def __init__(
        self, sim: "Sim", call: Callable[[], None], life: Any
    ) -> None:
        self._sim = sim
        self._call = call
        self.life = life
        self.doing: Any = None
        self.go = threading.Lock()
        self.go.acquire()
        self.ready: Ready = _always
        self.until = 0.0
        self.done = False
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        return self.life is not None and self.life.over

    @property
    def stands_still(self) -> bool:
        return self.life is not None and self.life.frozen and not self.is_over

    def is_due(self, now: float) -> bool:
        if self.stands_still:
            return False
        return self.until <= now or self.is_over or self.ready()

    def resume(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        self.go.release()

    def _run(self) -> None:
        self.go.acquire()
        try:
            if not self.is_over:
                self._call()
        except BaseException as e:
            self.error = e
        finally:
            self.done = True
            self._sim.ended(self)


class Sim:
    """:ivar now: seconds since the beginning.
    :param passing: told of each moment before time goes on to it.
    """

    def __init__(self, passing: Callable[[float], float]) -> None:
        self._passing = passing
        self._tasks: list[Task] = []
        self._current: Task | None = None
        self._back = threading.Lock()
        self._back.acquire()
        self.now = 0.0
        self.switches = 0
        self.errors: list[BaseException] = []

    # -- for tasks

    def spawn(self, call: Callable[[], None], life: Any = None) -> Task:
        """Begin a task; it belongs to the life of the one that begins it,
        unless told otherwise."""
        begun = self._current if life is None else None
        task = Task(self, call, begun.life if begun else life)
        task.doing = begun.doing if begun else None
        self._tasks.append(task)
        return task

    @property
    def doing(self) -> Any:
        """What the task that runs is at, if one runs that is at something."""
        return self._current.doing if self._current else None

    @contextlib.contextmanager
    def at(self, doing: Any) -> Iterator[None]:
        """Inside, the task that runs is at something."""
        task = self._current
        if task is None:
            raise AssertionError("nobody does anything outside of a task")
        before, task.doing = task.doing, doing
        try:
            yield
        finally:
            task.doing = before

    def wait(self, ready: Ready, seconds: float = math.inf) -> bool:
        """Let others run until it is ready or the time is over.

        :raises Death: the task's life is over.
        """
        task = self._current
        if task is None:
            raise AssertionError("nobody waits outside of a task")
        if task.is_over:
            raise mortal.Death
        if not ready():
            task.ready, task.until = ready, self.now + seconds
            self._current = None
            self._back.release()
            task.go.acquire()
            if task.is_over:
                raise mortal.Death
        return ready()

    def pause(self, seconds: float) -> None:
        self.wait(_never, seconds)

    def ended(self, task: Task) -> None:
        if task.error is not None and not isinstance(task.error, mortal.Death):
            self.errors.append(task.error)
        self._tasks.remove(task)
        self._current = None
        self._back.release()

    # -- for the one who drives

    def run(self, until: Ready, seconds: float) -> bool:
        """Let all run until something is true or the time is over; whether
        it is true."""
        end = self.now + seconds
        while not until():
            task = next((t for t in self._tasks if t.is_due(self.now)), None)
            if task is not None:
                self._switch(task)
                continue
            moving = [t for t in self._tasks if not t.stands_still]
            due = min((t.until for t in moving), default=math.inf)
            self.now = self._passing(min(due, end))
            if due > end:
                return until()
        return True

    def call(self, call: Callable[[], Any], seconds: float = 3600) -> Any:
        """What a call answers that runs as a task of nobody's."""
        answer: futures.Future[Any] = futures.Future()
        self.spawn(lambda: _answer(answer, call))
        if not self.run(answer.done, seconds):
            raise AssertionError(f"no answer within {seconds} s")
        return answer.result()

    def end(self) -> None:
        """No task goes on."""
        over = Life(_never)
        over.over = True
        while self._tasks:
            task = self._tasks[0]
            task.life = over
            self._switch(task)

    def reap(self) -> None:
        """Those whose life is over end now."""
        while dead := [t for t in self._tasks if t.is_over]:
            self._switch(dead[0])

    def _switch(self, task: Task) -> None:
        self.switches += 1
        # the others come first the next time
        self._tasks.remove(task)
        self._tasks.append(task)
        self._current = task
        task.resume()
        self._back.acquire()
        if self.errors:
            raise self.errors.pop()


class Clock(clock_module.Clock):
    """:param sim: the scenario's, which is another each time."""

    def __init__(self, sim: Callable[[], Sim], life: Any = None) -> None:
        self._sim = sim
        self._life = life

    def now(self) -> datetime.datetime:
        return START + datetime.timedelta(seconds=self._sim().now)

    def monotonic(self) -> float:
        if self._life is not None:
            self._life.check()
        return self._sim().now + 1000

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._sim().wait(event.is_set, seconds)


class Thread:
    """``threading.Thread`` as the engine uses it."""

    def __init__(
        self,
        sim: Callable[[], Sim],
        target: Callable[..., None],
        args: tuple[Any, ...] = (),
        **kwargs: Any,
    ) -> None:
        self._sim = sim
        self._call = lambda: target(*args)
        self._task: Task | None = None

    def start(self) -> None:
        self._task = self._sim().spawn(self._call)

    def join(self) -> None:
        task = self._task
        self._sim().wait(lambda: task is None or task.done)


class Pool:
    """``futures.ThreadPoolExecutor`` as the engine uses it."""

    def __init__(
        self, sim: Callable[[], Sim], *args: Any, **kwargs: Any
    ) -> None:
        self._sim = sim
        self._futures: list[futures.Future[Any]] = []

    def submit(self, call: Callable[..., Any], *args: Any) -> Any:
        future: futures.Future[Any] = futures.Future()
        self._futures.append(future)
        self._sim().spawn(lambda: _answer(future, lambda: call(*args)))
        return future

    def map(
        self, call: Callable[[Any], Any], items: Iterable[Any]
    ) -> Iterator[Any]:
        for future in [self.submit(call, item) for item in items]:
            self._sim().wait(future.done)
            yield future.result()

    def shutdown(self, **kwargs: Any) -> None:
        for future in self._futures:
            self._sim().wait(future.done)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()


class Turn:
    """A lock that tasks wait for."""

    def __init__(self, sim: Callable[[], Sim]) -> None:
        self._sim = sim
        self._taken = False

    def __enter__(self) -> None:
        self._sim().wait(lambda: not self._taken)
        self._taken = True

    def __exit__(self, *error: object) -> None:
        self._taken = False


class Seams(fixtures.Fixture):
    """The engine's threads, pools and turns are tasks'.

    :param sim: the one of the present scenario.
    """

    def __init__(self, sim: Callable[[], Sim]) -> None:
        super().__init__()
        self._sim = sim

    def _setUp(self) -> None:
        threads = types.SimpleNamespace(
            Thread=lambda **kwargs: Thread(self._sim, **kwargs),
            Event=threading.Event,
            Lock=threading.Lock,
        )
        pools = types.SimpleNamespace(
            ThreadPoolExecutor=lambda *a, **kw: Pool(self._sim, *a, **kw),
            FIRST_COMPLETED=futures.FIRST_COMPLETED,
            wait=self._wait,
        )
        for name in MODULES:
            self._patch(f"{name}.threading", threads)
        for name in POOLS:
            self._patch(f"{name}.futures", pools)
        self._patch("context.Work.__init__", self._begin(context.Work))

    def _patch(self, name: str, value: Any) -> None:
        path = f"protector.engine.{name}"
        self.useFixture(fixtures.MonkeyPatch(path, value))

    def _begin(self, work: type[context.Work]) -> Callable[..., None]:
        real = work.__init__
        return lambda *args: real(*args, turn=Turn(self._sim))  # type: ignore

    def _wait(
        self,
        wanted: Iterable[futures.Future[Any]],
        timeout: float,
        return_when: str,
    ) -> tuple[list[Any], list[Any]]:
        """As ``futures.wait`` for the first of them, in a fixed order."""
        known = list(wanted)
        self._sim().wait(lambda: any(f.done() for f in known), timeout)
        done = [f for f in known if f.done()]
        return done, [f for f in known if f not in done]


def _answer(future: futures.Future[Any], call: Callable[[], Any]) -> None:
    try:
        result = call()
    except Exception as e:
        future.set_exception(e)
    else:
        future.set_result(result)


def _always() -> bool:
    return True


def _never(*args: Any) -> bool:
    return False
