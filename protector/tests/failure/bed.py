# SPDX-License-Identifier: Apache-2.0
"""Two complete sites in this process, on emulated clouds and arrays.

The emulators are processes of their own, which talk over real HTTP; API and
engine of both sites are threads here, on an in-process bus and SQLite.  Who
dies, and when, is ``mortal``'s.
"""

from collections.abc import Callable
from concurrent import futures
import contextlib
import pathlib
import shutil
import sqlite3
import threading
import time
from typing import Any

import fixtures
import sqlalchemy as sa

from protector import constants as c
from protector import context, service
from protector import runtime as runtime_module
from protector.cmd import api
from protector.db import models
from protector.engine import rpcapi
from protector.engine import service as engine_service
from protector.sandbox import (
    access,
    bringup,
    connect,
    fleet,
    pairing,
    site,
    workload,
)
from protector.sandbox import layout as layouts
from protector.tests.failure import mortal
from protector.tests.fixtures import forked

OPTIONS = {
    "engine": {
        # what has died is declared overdue by the bed; the living renew
        "lease_seconds": 60,
        "call_margin": 0,
        "scan_interval": 1,
        "poll_interval": 0.1,
        "observe_interval": 15,
        "preflight_interval": 3600,
    },
    "database": {"sqlite_synchronous": False},
    "replication": {"interval_minutes": 60},
}
SERVERS = (workload.Plan("web-server-1", "web", 2),)
SECONDS = 600
_LOOK = 0.1
_pause = threading.Event()


class Stuck(AssertionError):
    """Something did not come to its end in time."""


class Engine:
    """An engine, as its process starts it.

    :param site: the runtime of its site.
    :param plan: asked what it meets at present.
    """

    def __init__(
        self,
        site: runtime_module.Runtime,
        plan: Callable[[], mortal.Plan],
    ) -> None:
        self.life = mortal.Life(plan)
        runtime = mortal.MortalRuntime(site, self.life)
        self._engine = engine_service.Engine(runtime)
        self._engine.start()

    def stop(self) -> None:
        self._engine.stop()


class Site:
    """API and engines of one site; an engine can die and come again.

    :param engines: how many there are.
    """

    def __init__(
        self, place: layouts.Site, arguments: list[str], engines: int
    ) -> None:
        self.place = place
        self.conf = service.load_conf(arguments)
        for group, options in OPTIONS.items():
            for name, value in options.items():
                self.conf.set_override(name, value, group)
        self.runtime = runtime_module.Runtime(self.conf)
        self._plan = mortal.Plan()
        self._wanted = engines
        self._engines: list[Engine] = []
        self._ending: list[threading.Thread] = []
        self._api: api.ApiServer | None = None

    def serve(self) -> None:
        self._api = api.serve(self.runtime)
        self.start()

    def start(self) -> None:
        """All engines that are missing."""
        while len(self._engines) < self._wanted:
            self._start_one()

    def staff(self, engines: int) -> None:
        """From now on it has so many."""
        self._wanted = engines
        self.start()

    def _start_one(self) -> None:
        self._engines.append(Engine(self.runtime, lambda: self._plan))

    def meet(self, plan: mortal.Plan) -> None:
        """What its engines meet from now on."""
        self._plan = plan

    def is_dead(self) -> bool:
        """Whether an engine has died of that."""
        return bool(self._dead())

    def _dead(self) -> list[Engine]:
        return [e for e in self._engines if e.life.over.is_set()]

    def _end(
        self, engines: list[Engine], seconds: float | None = None
    ) -> None:
        """End engines, or remove what is left of dead ones.

        :param seconds: to wait for their threads; None for all of them.
        """
        for engine in engines:
            self._engines.remove(engine)
            end = threading.Thread(target=engine.stop, daemon=True)
            end.start()
            self._ending.append(end)
            end.join(seconds)

    def restart(self) -> None:
        """As by its operator."""
        self._end(list(self._engines))
        self.start()

    def gather(self) -> None:
        """Wait for the threads of all dead engines."""
        while self._ending:
            self._ending.pop().join(SECONDS)

    def close(self) -> None:
        self._end(list(self._engines))
        if self._api is not None:
            self._api.stop()
        self.runtime.db.dispose()

    def backup(self, path: pathlib.Path) -> None:
        """What the database holds now."""
        url = self.runtime.db.engine.url
        with (
            contextlib.closing(sqlite3.connect(str(url.database))) as live,
            contextlib.closing(sqlite3.connect(path)) as copied,
        ):
            live.backup(copied)

    def restore(self, path: pathlib.Path) -> None:
        """The site starts again from a backup."""
        self.close()
        database = pathlib.Path(str(self.runtime.db.engine.url.database))
        self.runtime.db.dispose()
        for old in database.parent.glob(f"{database.name}*"):
            old.unlink()
        shutil.copy(path, database)
        self.serve()

    def known(self) -> set[str]:
        """Ids of the operations so far."""
        with self.runtime.db.reader() as session:
            return set(session.scalars(sa.select(models.Operation.id)))

    def carry_out(
        self,
        verb: str,
        start: Callable[[], Any],
        plan: mortal.Plan,
    ) -> models.Operation:
        """Start an operation and bring it to its end, whatever is planned
        for its engine.

        :raises Stuck: it has no end.
        """
        known = self.known()
        self.start()
        self._plan = plan
        try:
            with futures.ThreadPoolExecutor(1) as pool:
                started = pool.submit(start)
                ended = self._finish(verb, known, started)
                started.result(SECONDS)
                return ended
        finally:
            self._plan = mortal.Plan()

    def carry_on(
        self,
        operation: models.Operation,
        start: Callable[[], Any],
        plan: mortal.Plan,
    ) -> models.Operation:
        """The same for one that has ended and is begun again."""
        self._plan = plan
        started: futures.Future[Any] = futures.Future()
        try:
            # from then on its end is another one
            started.set_result(start())
            others = self.known() - {operation.id}
            return self._finish(operation.kind, others, started)
        finally:
            self._plan = mortal.Plan()

    def _finish(
        self, verb: str, known: set[str], started: futures.Future[Any]
    ) -> models.Operation:
        deadline = time.monotonic() + SECONDS
        operation = None
        while time.monotonic() < deadline:
            if operation is None and started.done():
                # a refusal
                started.result()
            operation = self._look(verb, known)
            if operation and operation.finished_at and not operation.worker:
                return operation
            self._attend(operation)
            _pause.wait(_LOOK)
        raise Stuck(f"{verb}: {operation and described(operation)}")

    def _look(self, verb: str, known: set[str]) -> models.Operation | None:
        statement = sa.select(models.Operation).where(
            models.Operation.kind == verb, models.Operation.id.not_in(known)
        )
        with self.runtime.db.reader() as session:
            found = session.scalars(statement).one_or_none()
            if found is not None:
                list(found.steps)
            return found

    def _attend(self, operation: models.Operation | None) -> None:
        """The time of lost leases goes by; engines start when there is none,
        or when another one has gone on by itself."""
        if operation and operation.lease_until:
            self.start()
        if self.is_dead():
            all_die = self._plan.all_die
            dead = list(self._engines) if all_die else self._dead()
            for engine in dead:
                engine.life.over.set()
            self._end(dead, self._plan.grace)
            self._expire()
            if self._engines:
                self._ring()
            else:
                self._start_one()
        for engine in self._engines:
            if engine.life.missed.is_set():
                self._expire()
                engine.life.find_database()
                self._ring()

    def _ring(self) -> None:
        """An engine looks now, not when the time for that has come."""
        rpcapi.EngineAPI(self.runtime.bus).start(context.RequestContext(), "")

    def _expire(self) -> None:
        with self.runtime.db.writer() as session:
            session.execute(
                sa.update(models.Operation)
                .where(models.Operation.worker.is_not(None))
                .values(lease_until=0.0)
            )


def described(operation: models.Operation) -> str:
    """Status, error and the steps that are not done."""
    steps = [
        f"{s.name} {s.status} {s.message or ''}"
        for s in operation.steps
        if s.status not in c.STEP_SETTLED
    ]
    said = (operation.error or {}).get("message")
    return f"{operation.status}: {said}; {'; '.join(steps)}"


class Bed(fixtures.Fixture):
    """Two paired sites, or three; some servers run at the first.

    ``sites`` are the sites, ``a`` and ``b`` the first two, ``clients`` the
    tenant's connections by the name of the site, ``servers`` what runs,
    ``fleet`` the processes of the emulators.

    :param pods: each site's array has one, stretched to the other.
    :param engines: that each site has.
    """

    def __init__(
        self,
        servers: tuple[workload.Plan, ...] = SERVERS,
        third: bool = False,
        volume_type: str = "replicated-ssd",
        pods: bool = False,
        engines: int = 1,
    ) -> None:
        super().__init__()
        self._wanted = workload.Names(servers=servers, volume_type=volume_type)
        self._third = third
        self._pods = pods
        self._engines = engines

    def _setUp(self) -> None:
        self.seams = self.useFixture(mortal.Seams())
        # they are in requests, which only the SDK of REST 1.x speaks through
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.storage.pure.session2.installed", lambda: False
            )
        )
        for name, value in fleet.past_proxy({}).items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(forked.Forked())
        self.addCleanup(bringup.clear, root)
        with bringup.place(root, None, self._third) as self.layout:
            self._launch()
        access.write_clouds(self.layout)
        for pair in self.layout.pairs:
            connect.arrays(*pair)
        for place in self.layout.sites if self._pods else ():
            connect.pod(place, self.layout.other(place))
        self.clients = {}
        for place in self.layout.every:
            client = access.connect(self.layout, place.name)
            self.addCleanup(client.close)
            self.clients[place.name] = client
        self.servers = workload.create_workload(
            self.clients["site-a"].session,
            self._wanted,
            region="site-a",
        )
        bad = [f for f in pairing.pair(self.layout) if not f.ok]
        if bad:
            raise AssertionError(str(bad))

    def _launch(self) -> None:
        emulators = [
            name
            for name in self.layout.processes
            if not name.startswith("site")
        ]
        self.fleet = fleet.Fleet(self.layout)
        self.fleet.launch(emulators)
        self.sites = [
            Site(place, site.set_up(self.layout, place), self._engines)
            for place in self.layout.every
        ]
        self.fleet.wait_ready(*emulators)
        self.a, self.b = self.sites[:2]
        for each in self.sites:
            self.addCleanup(each.close)
            each.serve()
