# SPDX-License-Identifier: Apache-2.0
"""Real processes die, pause, and lose their database and their broker in the
middle of every kind of move."""

from collections.abc import Callable
import time
from typing import Any

from openstack import exceptions
import sqlalchemy as sa
from testtools import content

from protector.db import models
from protector.sandbox import evidence
from protector.tests.failure import tour
from protector.tests.fixtures import mariadb, rabbitmq, tcp_proxy
from protector.tests.functional import blows, processes

# kind and step of each, and whose: of the site that executes the operation,
# or of the other one
HERE, THERE = "here", "there"
Aim = tuple[str, str, str]
# in the order in which they are dealt
DEATHS: dict[str, tuple[Aim, ...]] = {
    "failover": (
        ("engine SIGKILL", "servers.stop", HERE),
        ("API SIGKILL", "replication.final", HERE),
        ("database cut", "volumes.overwrite", HERE),
        ("both engines SIGKILL", "servers.start", HERE),
        ("broker cut", "servers.park", HERE),
    ),
    "failback": (
        ("API SIGKILL", "replication.warm", THERE),
        ("database cut for long", "servers.stop", HERE),
        ("engine SIGSTOP", "volumes.overwrite", HERE),
        ("both engines SIGKILL", "placement.release", THERE),
        ("engine SIGKILL", "servers.park", HERE),
    ),
}
DISASTER: dict[str, tuple[Aim, ...]] = {
    "unplanned failover": (
        ("broker hangs", "placement.take_over", HERE),
        ("engine SIGKILL", "volumes.overwrite", HERE),
        ("database cut half way", "servers.start", HERE),
    ),
    "failback": (
        ("broker slow", "placement.preflight", HERE),
        ("database slow", "servers.stop", HERE),
        ("broker cut half way", "replication.final", HERE),
        ("database hangs", "volumes.overwrite", HERE),
    ),
}
_SECONDS = 300


class ProcessesTest(mariadb.OnMariaDB, tour.Tour):
    MATRIX = "process"
    PATIENCE = _SECONDS

    def make_bed(self) -> Any:
        self.aims: dict[str, tuple[Aim, ...]] = {}
        self.addOnException(self._tell)
        urls = [self.connection(name) for name in ("a", "b")]
        return self.useFixture(
            processes.Bed([self._ways(u) for u in urls], urls)
        )

    def _tell(self, error: Any) -> None:
        for site in (self.bed.a, self.bed.b):
            for name, text in site.logs().items():
                self.addDetail(name, content.text_content(text))

    def _ways(self, url: str) -> tuple[Any, Any]:
        parsed = sa.make_url(url)
        target = (str(parsed.host), int(parsed.port or 3306))
        database = self.useFixture(tcp_proxy.TcpProxy(target))
        return database, rabbitmq.use(self)

    def plan(self, name: str) -> Any:
        here = self.bed.b if name.endswith("failover") else self.bed.a
        there = self.bed.a if here is self.bed.b else self.bed.b
        return blows.Plan(
            *(
                blows.Blow(here if whose == HERE else there, kind, step)
                for kind, step, whose in self.aims.pop(name, ())
            )
        )

    def attempt(
        self,
        at: Any,
        verb: str,
        start: Callable[[], Any],
        name: str,
        plan: Any,
    ) -> models.Operation:
        ended = super().attempt(at, verb, lambda: accepted(start), name, plan)
        plan.settle()
        self.expect("all blows are dealt", not plan.undealt, plan.undealt)
        return ended

    def running(self, at: Any) -> list[evidence.Server]:
        return list(accepted(lambda: super(ProcessesTest, self).running(at)))

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        return super().until(what, lambda: accepted(look))

    def test_processes(self) -> None:
        self.create()
        self.set_mappings()
        for number in range(len(self.bed.servers)):
            self.add_member(number)
        self._there_and_back()
        calm = self.inventory()
        self.aims = dict(DEATHS)
        self._there_and_back()
        self.expect_unchanged(calm)
        self.expect_in_sync()
        self.aims = dict(DISASTER)
        self._disaster()
        self.expect_unchanged(calm)
        self.expect_in_sync()

    def _there_and_back(self) -> None:
        self.write(self.a)
        self.run_verb("failover", self.b, type="planned")
        self.expect_content(self.b)
        self._back()

    def _back(self) -> None:
        self.write(self.b)
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)

    def _disaster(self) -> None:
        self.write(self.a)
        self.run_verb("replicate", self.a)
        self.run_verb(
            "failover",
            self.b,
            "unplanned failover",
            type="unplanned",
            confirm=True,
        )
        self.expect_content(self.b)
        for kind in ("SourceFenced", "ReplicationConfigured"):
            self.until(kind, lambda k=kind: self.condition(self.b, k))
        self.expect_in_sync()
        self._back()


def accepted(start: Callable[[], Any]) -> Any:
    """Ask until it is accepted: the process may have yet to start, or to
    find its broker."""
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            return start()
        except exceptions.HttpException as e:
            if not _passing(e) or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _passing(error: exceptions.HttpException) -> bool:
    """Or what was settled last has yet to be sent again."""
    return error.status_code == 503 or "MetadataOutOfSync" in str(error)
