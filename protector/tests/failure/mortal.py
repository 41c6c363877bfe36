# SPDX-License-Identifier: Apache-2.0
"""An engine that dies at a chosen moment, as by SIGKILL.

``Death`` ends the thread that reaches the moment; from then on everything
that a process does to the world raises it in all others: no record is
written, no call is sent, no lease is given back.  It holds to seams that
production has: the ``Runtime`` that is passed in, the table of steps, and
the adapter below every HTTP session.
"""

import collections
from collections.abc import Callable, Iterator
from concurrent import futures
import contextlib
import dataclasses
import functools
import re
import threading
import types
from typing import Any, ClassVar, NoReturn

import fixtures
from oslo_db import exception as db_exc
from requests import adapters
from sqlalchemy import orm
import tenacity

from protector import clock as clock_module
from protector import exception
from protector import runtime as runtime_module
from protector.clients import clouds
from protector.db import session as sessions
from protector.engine import steps

SAFE = ("GET", "HEAD", "OPTIONS")
SIGN_IN = ("/auth/tokens", "/auth/session", "/auth/apitoken")
Send = Callable[[], Any]
_here = threading.local()


class Death(BaseException):
    """The process is gone.  No handler of errors may stop it."""


@dataclasses.dataclass(frozen=True)
class Moment:
    """A place at which a process can die.

    :ivar kind: ``before`` an outbound call, ``after`` it and before the
        record, or ``recorded``.
    :ivar step: its name; "undo ..." of one that is undone; "-" between
        steps.
    :ivar detail: the call, without ids.
    """

    kind: str
    step: str
    member: str | None
    detail: str = ""


class Plan:
    """What happens to an engine while it carries out an operation.

    :cvar grace: seconds to wait for the threads of a dead one, None for all
        of them.
    :ivar all_die: whether the other engines of the site die with it.
    """

    grace: ClassVar[float | None] = None
    all_die = False

    def ends(self, moment: Moment) -> bool:
        """Whether this moment is the engine's last."""
        return False

    def parts(self, moment: Moment) -> bool:
        """Whether its database is away from this moment on until its leases
        have run out."""
        return False

    def ask(self, phase: str) -> None:
        """It asks its database; what is raised the transaction fails with.

        :param phase: at its ``begin``, before its ``commit``, or when it is
            ``kept`` and the answer on its way.
        """

    def begin(self, step: str) -> None:
        """A step begins; what is raised it fails with."""

    def cases(self, workflow: str) -> list[list[str]]:
        """What happened so far: to whom, what, at which step and call."""
        return []

    def patience(self, seconds: float) -> float:
        """How long a step waits that means to wait so long."""
        return seconds

    def rest(self, seconds: float) -> float:
        """The same between two attempts at it."""
        return seconds

    def carry(
        self, life: "Life", request: Any, send: Send, timeout: Any
    ) -> Any:
        """Send a step's request, or do something else to it.

        :param timeout: with which it is sent.
        """
        if not changes(request):
            return send()
        detail = anonymous(f"{request.method} {request.path_url}")
        life.reach("before", detail)
        answer = send()
        life.reach("after", detail)
        return answer

    def outside(self, request: Any, send: Send) -> Any:
        """Send what is not a step's request."""
        return send()


class Life:
    """One life of an engine.

    :param plan: asked what is planned at present.
    """

    def __init__(self, plan: Callable[[], Plan]) -> None:
        self._plan = plan
        self._guard = threading.Lock()
        self.over = threading.Event()
        self.late = False
        self.away = threading.Event()
        # the thread of an operation has asked in vain meanwhile
        self.missed = threading.Event()
        # how often the time of its leases went by
        self.lapses = 0
        self.clouds: MortalClouds | None = None

    def forget_tokens(self) -> None:
        """Who calls a cloud next has to sign in."""
        if self.clouds is not None:
            self.clouds.forget_tokens()

    def find_database(self) -> None:
        """It is there again."""
        self.missed.clear()
        self.away.clear()

    def resume(self) -> None:
        """It was not over, it only stood still; its leases have run out."""
        self.late = True
        self.lapses += 1

    def check(self) -> None:
        """:raises Death: it is over."""
        if self.over.is_set() and not self.late:
            raise Death

    def reach(self, kind: str, detail: str = "") -> None:
        """:raises Death: it is over, or ends here."""
        if self.late:
            return
        with self._guard:
            self.check()
            step, member = getattr(_here, "step", None) or ("-", None)
            if detail:
                # the same call may be made for each of several things
                _here.seen[detail] += 1
                detail = f"{detail} {_here.seen[detail]}"
            moment = Moment(kind, step, member, detail)
            if self._plan().ends(moment):
                self.over.set()
                raise Death
            if not self.away.is_set() and self._plan().parts(moment):
                self.missed.clear()
                self.lapses += 1
                self.away.set()

    def ask(self, phase: str) -> None:
        """:raises ServiceUnavailable: the database does not answer."""
        if self.away.is_set():
            if _between():
                self.missed.set()
            raise_no_answer()
        self._plan().ask(phase)

    def patience(self, seconds: float) -> float:
        if getattr(_here, "life", None) is not None:
            return self._plan().patience(seconds)
        if hasattr(_here, "seen"):
            return self._plan().rest(seconds)
        return seconds

    def begin(self, step: str) -> None:
        self._plan().begin(step)

    def send(self, request: Any, send: Send, timeout: Any) -> Any:
        """A request leaves a step."""
        return self._plan().carry(self, request, send, timeout)

    @contextlib.contextmanager
    def inside(self, step: str, member: str | None) -> Iterator[None]:
        """This thread carries out a step."""
        _here.life, _here.step = self, (step, member)
        _here.seen = collections.Counter()
        try:
            yield
        finally:
            _here.life = None

    def recorded(self) -> None:
        """A transaction was kept."""
        if getattr(_here, "life", None) is not None:
            self.reach("recorded", "saved")
            return
        if _between() or getattr(_here, "step", None) is not None:
            try:
                self.reach("recorded")
            finally:
                # the end of the step is recorded
                _here.step = None


class MortalClock(clock_module.Clock):
    """Stands still for the dead.

    :param pause: seconds that go by with a lease.
    """

    def __init__(self, life: Life, pause: float) -> None:
        self._life = life
        self._pause = pause

    def monotonic(self) -> float:
        self._life.check()
        return super().monotonic() + self._pause * self._life.lapses

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self._life.check()
        return super().wait(event, self._life.patience(seconds))


class MortalClouds(clouds.Clouds):
    """Sends nothing for the dead."""

    def __init__(self, life: Life, *args: Any) -> None:
        super().__init__(*args)
        self._life = life

    def site(
        self,
        access: Any,
        before_change: Callable[[], None] | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> clouds.SiteClients:
        guard = _both(self._life.check, before_change)
        return super().site(access, guard, *args, **kwargs)

    def forget_tokens(self) -> None:
        for _, plugin in self._plugins.values():
            plugin.invalidate()


class MortalDatabase:
    """The site's database, which keeps nothing of the dead.

    One for all lives and the API: SQLite takes turns within it.
    """

    def __init__(self, life: Life, database: sessions.Database) -> None:
        self._life = life
        self._database = database

    def retrying(self, **errors: bool) -> tenacity.Retrying:
        """Nobody waits for one that is away as long as that takes."""
        known = self._database.retrying(**errors)
        gives_up = tenacity.stop_any(
            known.stop, lambda state: self._life.away.is_set()
        )
        return known.copy(stop=gives_up)

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        self._life.check()
        with self._database.reader() as session:
            self._life.ask("begin")
            yield session

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        self._life.check()
        with self._database.writer() as session:
            self._life.ask("begin")
            yield session
            self._life.check()
            self._life.ask("commit")
        self._life.recorded()
        self._life.ask("kept")


class MortalRuntime(runtime_module.Runtime):
    """What an engine process of one life works with.

    :param site: the runtime of the site, whose API lives on.
    """

    def __init__(self, site: runtime_module.Runtime, life: Life) -> None:
        pause = site.conf.engine.lease_seconds + 1
        super().__init__(site.conf, MortalClock(life, pause))
        self.life = life
        self.db = MortalDatabase(life, site.db)

    @functools.cached_property
    def clouds(self) -> clouds.Clouds:
        self.life.clouds = MortalClouds(
            self.life, self.conf, self.clock, lambda: self.local_site_id
        )
        return self.life.clouds


class Seams(fixtures.Fixture):
    """Every step, and every changing request of one, is a moment.

    ``plan``: what all other requests of this process meet.
    """

    plan = Plan()

    def _setUp(self) -> None:
        mortal = {name: _mortal(step) for name, step in steps.STEPS.items()}
        self._patch("protector.engine.steps.STEPS", mortal)
        self._patch("requests.adapters.HTTPAdapter.send", _sender(self))
        self._patch("threading.excepthook", _excepthook)
        # the step that begins threads of its own
        threads = types.SimpleNamespace(Thread=Heir, Event=threading.Event)
        self._patch("protector.engine.lost_site.threading", threads)
        pools = types.SimpleNamespace(ThreadPoolExecutor=_pool_of_heirs)
        self._patch("protector.engine.lost_site.futures", pools)

    def _patch(self, name: str, value: Any) -> None:
        self.useFixture(fixtures.MonkeyPatch(name, value))


class Heir(threading.Thread):
    """A thread that a step begins carries it out, too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._life = getattr(_here, "life", None)
        self._step = getattr(_here, "step", None)

    def run(self) -> None:
        if self._life is None:
            super().run()
            return
        with self._life.inside(*self._step):
            super().run()


def _pool_of_heirs(workers: int) -> futures.ThreadPoolExecutor:
    life, step = getattr(_here, "life", None), getattr(_here, "step", None)

    def inherit() -> None:
        _here.life, _here.step = life, step
        _here.seen = collections.Counter()

    return futures.ThreadPoolExecutor(workers, initializer=inherit)


def _both(
    one: Callable[[], None], other: Callable[[], None] | None
) -> Callable[[], None]:
    def call() -> None:
        one()
        if other is not None:
            other()

    return call


def _mortal(step: Any) -> Any:
    undo = _lived(step.undo, f"undo {step.name}") if step.undo else None
    run = _lived(step.run, step.name)
    return dataclasses.replace(step, run=run, undo=undo)


def _lived(call: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    def run(ctx: Any) -> Any:
        life = ctx.runtime.life
        with life.inside(name, ctx.member_id):
            life.begin(name)
            result = call(ctx)
            life.reach("after")
        return result

    return run


def _sender(seams: Seams) -> Callable[..., Any]:
    send = adapters.HTTPAdapter.send

    def mortal(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        life = getattr(_here, "life", None)

        def carry() -> Any:
            return send(self, request, *args, **kwargs)

        if life is None:
            return seams.plan.outside(request, carry)
        return life.send(request, carry, kwargs.get("timeout"))

    return mortal


def changes(request: Any) -> bool:
    """Whether a request changes something; signing in does not."""
    return request.method not in SAFE and not request.url.endswith(SIGN_IN)


def anonymous(call: str) -> str:
    """Without the ids and generations, which are others each time."""
    call = re.sub(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", "#", call)
    # nor the generation, in the names of what is staged
    call = re.sub(r"(protector-#)-\d+-", r"\1-", call)
    return re.sub(r"[0-9a-f]{8}-\d+", "#", call)


def _between() -> bool:
    """Whether this is the thread of an operation, of no step."""
    return threading.current_thread().name.startswith("op_")


def raise_no_answer() -> NoReturn:
    """What ``Database`` makes of a connection that is lost."""
    lost = db_exc.DBConnectionError("Lost connection during query")
    raise exception.ServiceUnavailable("The database is away.") from lost


def _excepthook(hooked: Any) -> None:
    if hooked.exc_type is not Death:
        threading.__excepthook__(hooked)


def step_here() -> tuple[str, str | None]:
    """The step that this thread carries out, and its member."""
    return _here.step


def pause(seconds: float) -> None:
    """Let time go by in the real world."""
    threading.Event().wait(seconds)
