# SPDX-License-Identifier: Apache-2.0
"""Two sites as an operator runs them: protector-api and two protector-engine
each, on RabbitMQ and MariaDB, over ways that can be cut.

Clouds and arrays are the sandbox's.  Looks into the databases directly, past
what is cut; what is done to the processes is ``blows``'s.
"""

from collections.abc import Callable
from concurrent import futures
import os
import pathlib
import signal
import sys
import threading
import time
from typing import Any
import uuid

import fixtures
import requests
import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import models, types
from protector.sandbox import (
    access,
    bringup,
    connect,
    fleet,
    pairing,
    site,
    supervisor,
    workload,
)
from protector.sandbox import layout as layouts
from protector.tests.failure import bed
from protector.tests.fixtures import rabbitmq, tcp_proxy

ENGINES = ("1", "2")
SERVERS = (
    workload.Plan("web-server-1", "web", 1),
    workload.Plan("app-server-1", "app", 1),
)
# a busy machine must not cost a living engine its lease; that of a dead one
# is declared overdue
OPTIONS = {
    "engine": {
        "lease_seconds": 10,
        "observe_interval": 5,
        "preflight_interval": 3600,
    },
    "replication": {"interval_minutes": 60},
    # a broker that hangs is noticed soon
    "oslo_messaging_rabbit": {"heartbeat_timeout_threshold": 10},
}
SECONDS = 600
LOG_CHARS = 20_000
Sections = dict[str, dict[str, Any]]
_LOOK = 0.1
_pause = threading.Event()


class Site:
    """The processes of one site, its database and its broker.

    :ivar database: the way to the database.
    :ivar broker: the way to the broker.
    """

    def __init__(
        self,
        place: layouts.Site,
        database: tcp_proxy.TcpProxy,
        broker: rabbitmq.Broker,
        url: sa.URL,
        processes: supervisor.Supervisor,
    ) -> None:
        self.place = place
        self.database = database
        self.broker = broker
        self._url = url
        self._supervisor = processes
        self._records = sa.create_engine(url, poolclass=sa.NullPool)
        letter = place.letter
        self.api = f"api-{letter}"
        self.engines = tuple(f"engine-{letter}{n}" for n in ENGINES)
        self._arguments: list[str] = []

    # -- processes

    def configure(self, layout: layouts.Layout) -> None:
        """As the sandbox does it, but for database and broker.

        An engine has a host name of its own, so that a lease tells who has
        it.
        """
        connection = self._url.set(port=self.database.port)
        options = {
            **OPTIONS,
            "DEFAULT": {
                "transport_url": self.broker.url,
                # the broker is not this bed's alone
                "rpc_exchange": f"{self.place.name}-{uuid.uuid4().hex[:8]}",
            },
            "database": {
                "connection": connection.render_as_string(hide_password=False)
            },
        }
        shared = self._file("shared", options)
        self._arguments = site.set_up(layout, self.place, shared)
        for name in self.engines:
            self._file(name, {"DEFAULT": {"host": name}})

    def _file(self, name: str, sections: Sections) -> pathlib.Path:
        """Write options that count; where."""
        path = self.place.state(self.place.name) / f"{name}.conf"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            line
            for section, options in sections.items()
            for line in (
                f"[{section}]",
                *(f"{key} = {value}" for key, value in options.items()),
            )
        ]
        path.write_text("\n".join(lines))
        return path

    def launch(self, *names: str) -> None:
        for name in names or (self.api, *self.engines):
            kind = name.partition("-")[0]
            command = [sys.executable, "-m", f"protector.cmd.{kind}"]
            command += self._arguments
            if name in self.engines:
                own = self.place.state(self.place.name) / f"{name}.conf"
                command.append(f"--config-file={own}")
            self._supervisor.launch(name, command, fleet.environment())

    def kill(self, *names: str) -> None:
        """With all their children, as a power cut would."""
        for name in names:
            self._signal(name, signal.SIGKILL)
            self._supervisor.kill(name)

    def _signal(self, name: str, number: int) -> None:
        record = self._supervisor.record(name)
        if record is not None and self._supervisor.alive(name):
            # it leads a session, and a group, of its own
            os.killpg(record.pid, number)

    def serves(self) -> bool:
        """Whether the API answers."""
        try:
            requests.get(self.place.api_url, timeout=10)
        except requests.RequestException:
            return False
        return True

    def freeze(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def logs(self) -> dict[str, str]:
        """The end of what each process said, by its name."""
        return {
            name: self._supervisor.log(name).read_text()[-LOG_CHARS:]
            for name in (self.api, *self.engines)
        }

    def close(self) -> None:
        self.kill(self.api, *self.engines)
        self._records.dispose()

    # -- operations

    def holder(self, operation_id: str) -> str | None:
        """The engine that has the lease; None if nobody has."""
        with orm.Session(self._records) as session:
            row = session.get_one(models.Operation, operation_id)
            return row.worker.partition(":")[0] if row.worker else None

    def lease_ran_out(self, operation_id: str) -> bool:
        with orm.Session(self._records) as session:
            until, now = session.execute(
                sa.select(
                    models.Operation.lease_until, types.db_epoch()
                ).where(models.Operation.id == operation_id)
            ).one()
            return bool(until < now)

    def expire(self, name: str, operation_id: str) -> None:
        """The time of a dead engine's lease, and of its calls, goes by."""
        with orm.Session(self._records) as session, session.begin():
            session.execute(
                sa.update(models.Operation)
                .where(
                    models.Operation.id == operation_id,
                    models.Operation.worker.startswith(f"{name}:"),
                )
                .values(lease_until=0.0)
            )

    def known(self) -> set[str]:
        with orm.Session(self._records) as session:
            return set(session.scalars(sa.select(models.Operation.id)))

    def carry_out(
        self, verb: str, start: Callable[[], Any], plan: Any
    ) -> models.Operation:
        """Start an operation and follow it to its end.

        :param plan: shown the operation at each look.
        :raises Stuck: it has no end.
        """
        known = self.known()
        deadline = time.monotonic() + SECONDS
        operation = None
        with futures.ThreadPoolExecutor(1) as pool:
            started = pool.submit(start)
            while time.monotonic() < deadline:
                if operation is None and started.done():
                    # a refusal
                    started.result()
                operation = self._look(verb, known)
                if operation is not None:
                    plan.look(operation)
                    if operation.finished_at and not operation.worker:
                        return operation
                _pause.wait(_LOOK)
        raise bed.Stuck(f"{verb}: {operation and bed.described(operation)}")

    def _look(self, verb: str, known: set[str]) -> models.Operation | None:
        statement = sa.select(models.Operation).where(
            models.Operation.kind == verb, models.Operation.id.not_in(known)
        )
        with orm.Session(self._records) as session:
            found = session.scalars(statement).one_or_none()
            if found is not None:
                list(found.steps)
            return found


class Bed(fixtures.Fixture):
    """As ``failure.bed.Bed``, of processes.

    :param ways: the way to the database and to the broker, for each site.
    :param urls: of an empty database, for each site.
    """

    def __init__(
        self,
        ways: list[tuple[tcp_proxy.TcpProxy, rabbitmq.Broker]],
        urls: list[str],
    ) -> None:
        super().__init__()
        self._ways = ways
        self._urls = [sa.make_url(url) for url in urls]

    def _setUp(self) -> None:
        for name, value in fleet.past_proxy({}).items():
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.addCleanup(bringup.clear, root)
        with bringup.place(root, None) as self.layout:
            self._launch()
        access.write_clouds(self.layout)
        connect.arrays(*self.layout.sites)
        self.clients = {}
        for place in self.layout.sites:
            client = access.connect(self.layout, place.name)
            self.addCleanup(client.close)
            self.clients[place.name] = client
        self.servers = workload.create_workload(
            self.clients["site-a"].session,
            workload.Names(servers=SERVERS),
            region="site-a",
        )
        self._pair()

    def _launch(self) -> None:
        emulators = [
            name
            for name in self.layout.processes
            if not name.startswith("site")
        ]
        processes = fleet.Fleet(self.layout)
        processes.launch(emulators)
        self.a, self.b = (
            Site(place, *ways, url, processes.supervisor)
            for place, ways, url in zip(
                self.layout.sites, self._ways, self._urls, strict=True
            )
        )
        for each in (self.a, self.b):
            self.addCleanup(each.close)
            each.configure(self.layout)
        processes.wait_ready(*emulators)
        for each in (self.a, self.b):
            each.launch()

    def _pair(self) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                bad = [f for f in pairing.pair(self.layout) if not f.ok]
            except Exception as e:
                # the processes have yet to start
                bad = [e]
            if not bad:
                return
            if time.monotonic() > deadline:
                raise AssertionError(str(bad))
            _pause.wait(0.5)
