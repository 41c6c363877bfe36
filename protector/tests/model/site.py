# SPDX-License-Identifier: Apache-2.0
"""One site: its API, its database and its engine, all as they are; only
what lies beyond them is in memory."""

from collections.abc import Iterator
import contextlib
import functools
import json
import pathlib
import shutil
from typing import Any

import oslo_messaging as messaging
import requests
import sqlalchemy as sa
from sqlalchemy import orm
import webob

from protector import context as contexts
from protector import runtime as runtime_module
from protector.api import app
from protector.engine import service as engine_service
from protector.storage import base, registry
from protector.tests.fixtures import site_runtime
from protector.tests.model import driver, links, sim
from protector.tests.unit.engine import fakes

Json = dict[str, Any]
RPC_SECONDS = 60.0
SECRET = "what-nobody-may-see"  # noqa: S105 - one of nobody
OPTIONS = {
    "engine": {"scan_interval": 60, "poll_interval": 2},
    "api": {
        "auth_strategy": "noauth",
        "response_validation": "error",
        "settle_timeout": 20,
    },
    "replication": {"interval_minutes": 15, "rpo_minutes": 30},
}


STILL = "still"


class Fate:
    """What an engine meets: it dies at a moment that comes, or stands still
    before a call.

    :ivar deaths: so far.
    :ivar stood: how often it stood still so far.
    """

    def __init__(self, site: "Site") -> None:
        self._site = site
        self.kind: str | None = None
        self.left = 0
        self.deaths = 0
        self.stood = 0

    def plan(self, kind: str, left: int) -> None:
        """To die at the ``left``-th moment of a kind, from 0."""
        self.kind, self.left = kind, left

    def ends(self, moment: str) -> bool:
        kind = self.kind
        if moment != ("before" if kind == STILL else kind):
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.kind = None
        if kind == STILL:
            self.stood += 1
            self._site.freeze()
            return False
        self.deaths += 1
        return True


class Storage(registry.Storage):
    """Of one engine."""

    def __init__(self, conf: Any, door: links.Door, clock: Any) -> None:
        super().__init__(conf)
        self._door = door
        self._clock = clock

    def driver(self, before_change: Any) -> base.ReplicationDriver:
        return driver.Driver(self._door, before_change, self._clock)

    def arrays(self) -> list[base.Array]:
        return [self.array_of("", f"site-{letter}") for letter in "ab"]

    def array_of(self, site_id: str, site_name: str) -> base.Array:
        name = site_name.replace("site", "array")
        return base.Array(name, "", "", None, True, site_name, None)


class Sealer(fakes.Sealer):
    """What it opens must be seen nowhere."""

    def open(self, sealed: str | None) -> str:
        return SECRET


class Bus:
    """``rpc.Bus``: the messages reach the engine that lives, if one does."""

    def __init__(self, site: "Site") -> None:
        self._site = site

    def client(self, version: str) -> "Bus":
        return self

    def server(self, endpoints: list[Any], name: str) -> "Bus":
        (self._site.manager,) = endpoints
        return self

    def start(self) -> None:
        """The engine serves."""

    def cast(self, context: Any, method: str, values: Json) -> None:
        if self._site.is_alive:
            getattr(self._site.manager, method)(context, **values)

    def call(
        self, context: Any, method: str, values: Json, timeout: Any = None
    ) -> Any:
        site = self._site
        if not site.is_alive:
            raise messaging.MessagingTimeout
        answers: list[str] = []

        def run() -> None:
            asker = contexts.RequestContext.from_rpc(context.to_rpc())
            given = json.loads(json.dumps(values))
            found = getattr(site.manager, method)(asker, **given)
            answers.append(json.dumps(found))

        now = site.place.sim
        now.spawn(run, site.life)
        now.wait(lambda: bool(answers), timeout or RPC_SECONDS)
        if not answers:
            raise messaging.MessagingTimeout
        return json.loads(answers[0])


class Database:
    """A site's database, which keeps nothing of a dead engine."""

    def __init__(self, life: sim.Life, database: Any) -> None:
        self._life = life
        self._database = database
        self.retrying = database.retrying

    @contextlib.contextmanager
    def reader(self) -> Iterator[orm.Session]:
        self._life.check()
        with self._database.reader() as session:
            yield session

    @contextlib.contextmanager
    def writer(self) -> Iterator[orm.Session]:
        self._life.check()
        with self._database.writer() as session:
            yield session
            self._life.check()
        self._life.recorded()


class Runtime(runtime_module.Runtime):
    """Of the API, or of one life of the engine."""

    def __init__(self, site: "Site", life: sim.Life | None) -> None:
        clock = sim.Clock(lambda: site.place.sim, life)
        super().__init__(site.conf, clock)
        self.bus = Bus(site)
        self.sealer = Sealer()
        self._door = links.Door(site.place, site.letter, life)
        self._site_id = site.site_id
        if life is not None:
            database: Any = Database(life, site.runtime.db)
            self.db = database
            self.policy = site.runtime.policy

    @property
    def local_site_id(self) -> str:
        return self._site_id

    @functools.cached_property
    def clouds(self) -> Any:
        return links.Clouds(self._door, self._site_id)

    @functools.cached_property
    def storage(self) -> Any:
        return Storage(self.conf, self._door, self.clock)


class Site:
    """:param place: the bed.
    :param fixture: with the database.
    :ivar lives: of all engines since the last kill; ``life`` is the last's.
    :ivar changes: how often the database has changed.
    """

    def __init__(
        self,
        place: Any,
        letter: str,
        fixture: site_runtime.SiteRuntime,
        path: pathlib.Path,
    ) -> None:
        self.place = place
        self.letter = letter
        self.site_id = fixture.local_id
        self.conf = fixture.runtime.conf
        for group, options in OPTIONS.items():
            for name, value in options.items():
                self.conf.set_override(name, value, group)
        self.path = path
        fixture.runtime.db.dispose()
        self.runtime = Runtime(self, None)
        self.runtime.db = fixture.runtime.db
        self._listen(self.runtime.db.engine)
        self._app = app.Application(self.runtime)
        self.runtime.policy  # noqa: B018
        self.api_life = sim.Life(lambda moment: False)
        self.fate = Fate(self)
        self.life: sim.Life | None = None
        self.lives: list[sim.Life] = []
        self.manager: Any = None
        self.backup: pathlib.Path | None = None
        self.changes = 0
        self.tells = False

    def _listen(self, engine: sa.Engine) -> None:
        """The database's clock is the scenario's; connections are kept."""
        known = engine.pool
        engine.pool = sa.pool.QueuePool(
            known._creator,
            pool_size=8,
            dialect=known._dialect,
            _dispatch=known.dispatch,
        )

        @sa.event.listens_for(engine, "connect")
        def connected(connection: Any, record: Any) -> None:
            connection.create_function("julianday", 1, self._julian)
            connection.execute("PRAGMA synchronous = OFF")

        for known in list(engine.dispatch.begin):
            sa.event.remove(engine, "begin", known)

        @sa.event.listens_for(engine, "begin")
        def begin(connection: Any) -> None:
            # as oslo.db does it, without what a statement costs
            if "in_transaction" not in connection.info:
                connection.connection.dbapi_connection.execute("BEGIN")
                connection.info["in_transaction"] = True

        @sa.event.listens_for(engine, "commit")
        def changed(connection: Any) -> None:
            self.changes += 1

    def _julian(self, when: str) -> float:
        now = self.runtime.clock.now().timestamp()
        return float(now / 86400.0 + 2440587.5)

    # -- the engine

    @property
    def is_alive(self) -> bool:
        return self.life is not None and not self.life.over

    def start(self, first: bool = False) -> None:
        """A new engine, unless one lives.

        :param first: before its clouds, its array and the network.
        """
        if self.is_alive:
            return
        if self.letter in self.place.links.dark and not first:
            return
        self.life = sim.Life(lambda moment: self.fate.ends(moment))
        self.lives.append(self.life)
        engine = engine_service.Engine(Runtime(self, self.life))
        self.place.sim.spawn(engine.start, self.life)

    def kill(self) -> None:
        for life in self.lives:
            life.over = True
        self.lives = []

    def freeze(self) -> None:
        """The engine stands still; another one may be started."""
        if self.life is not None:
            self.life.frozen = True
            self.life = None

    def thaw(self) -> None:
        """Engines that stood still go on, beside the one that lives."""
        for life in self.lives:
            life.frozen = False

    # -- the API

    def serve(
        self, method: str, url: str, headers: Any, body: bytes
    ) -> requests.Response:
        """An answer of the API, as a client of it has it."""
        request = webob.Request.blank(
            url, method=method, headers=headers, body=body
        )
        answer = request.get_response(self._app)
        self.tells |= SECRET.encode() in body + answer.body
        found = requests.Response()
        found.status_code = answer.status_code
        found._content = answer.body
        found.headers.update(answer.headers)
        found.encoding = "utf-8"
        return found

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """A tenant's request; status and JSON."""
        project = f"p-{self.letter}"
        headers = {
            "X-Project-Id": project,
            "X-Roles": "member,reader",
            "X-User-Id": "u-1",
            "X-User-Name": "someone",
            "X-User-Domain-Name": "Default",
            "OpenStack-API-Version": "protector 1.2",
            "Content-Type": "application/json",
        }
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.place.sim.call(
            lambda: self.serve(method, f"/v1/{project}{path}", headers, raw)
        )
        return answer.status_code, answer.json() if answer.content else None

    # -- the database

    @property
    def shows(self) -> bool:
        """Whether the secret is in the database, or in what was told."""
        return self.tells or SECRET.encode() in self.path.read_bytes()

    def save(self, path: pathlib.Path) -> None:
        self.runtime.db.dispose()
        shutil.copyfile(self.path, path)

    def back_up(self) -> None:
        self.backup = self.path.with_suffix(".backup")
        self.save(self.backup)

    def load(self, path: pathlib.Path) -> None:
        self.runtime.db.dispose()
        shutil.copyfile(path, self.path)
        self.changes += 1
