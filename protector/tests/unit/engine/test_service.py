# SPDX-License-Identifier: Apache-2.0
"""The periodic pushes of an engine."""

import itertools
from typing import Any
from unittest import mock

from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, tombstones
from protector.engine import service
from protector.tests.fixtures import told
from protector.tests.unit.engine import case


class PushTest(case.EngineCase):
    def test_one_bad_group_does_not_stop_the_others(self) -> None:
        groups = [self.group_id, self.site.group(), self.site.group()]
        with self.runtime.db.writer() as session:
            for group_id in groups:
                metadata_sync.settle(
                    session,
                    protection_groups.get(session, group_id),
                    self.site.local_id,
                    self.clock.now(),
                )
        bad = sorted(groups)[1]
        self.peer.errors[bad] = RuntimeError("something")
        self.clock.advance(60)
        service.Engine(self.runtime)._push_unsent()
        self.assertEqual(set(groups) - {bad}, set(self.peer.pushed))

    def tombstone(self, **site: Any) -> None:
        """Of the group, for the other site."""
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            tombstones.add(
                session,
                group,
                self.site.local_id,
                self.site.peer_id,
                self.clock.now(),
            )
            protection_groups.forget(session, self.group_id)
            row = session.get(models.Site, self.site.peer_id)
            for key, value in site.items():
                setattr(row, key, value)
        service.Engine(self.runtime)._push_unsent()

    def untold(self) -> int:
        with self.runtime.db.reader() as session:
            return len(tombstones.untold(session))

    def test_a_lost_site_is_told_when_it_returns(self) -> None:
        self.tombstone(status="unreachable")
        self.assertEqual(({}, 1), (self.peer.forgotten, self.untold()))
        with self.runtime.db.writer() as session:
            session.get(models.Site, self.site.peer_id).status = "active"
        self.peer.errors[self.group_id] = exception.InvalidStatus("not down")
        service.Engine(self.runtime)._push_unsent()
        self.assertEqual(1, self.untold())
        del self.peer.errors[self.group_id]
        service.Engine(self.runtime)._push_unsent()
        told = {self.group_id: {"epoch": 3, "running": []}}
        self.assertEqual((told, 0), (self.peer.forgotten, self.untold()))

    def test_what_it_does_not_know_it_is_told_no_more(self) -> None:
        for error in (exception.NotFound("no"), exception.StaleDocument("no")):
            self.peer.errors[self.group_id] = error
            self.tombstone()
            self.assertEqual(0, self.untold())
            self.group_id = self.site.group()


class EndTest(case.EngineCase):
    def test_what_others_are_told_is_sent_before_the_end(self) -> None:
        broker = self.useFixture(told.Told(self.runtime))
        engine = service.Engine(self.runtime)
        broker.open.clear()
        self.end(self.accept("failover"))
        # neither was started
        engine._scanner = engine._keeper = mock.Mock(stop=broker.open.set)
        engine.stop()
        self.assertEqual(
            ["protection_group.failover.end"], [s[1] for s in broker.sent]
        )


class PeriodicTest(case.EngineCase):
    def gaps(self, seconds: float, moving: bool) -> list[float]:
        """Between the beginnings of calls that take ten seconds."""
        engine = service.Engine(self.runtime)
        if moving:
            engine._scanner._places._busy.add("operation")
        began: list[float] = []

        def call() -> None:
            began.append(self.clock.monotonic())
            self.clock.advance(10)
            if len(began) == 3:
                engine._stopping.set()

        engine._every("test", seconds, call, engine._rest)
        engine._threads[-1].join(10)
        return [b - a for a, b in itertools.pairwise(began)]

    def test_what_takes_long_rests_long(self) -> None:
        self.assertEqual([50, 50], self.gaps(5, moving=True))
        self.assertEqual([110, 110], self.gaps(100, moving=True))

    def test_but_not_when_nothing_moves(self) -> None:
        """A cloud that hangs makes a check long, too, and is to be told."""
        self.assertEqual([15, 15], self.gaps(5, moving=False))
