# SPDX-License-Identifier: Apache-2.0
"""Drills end by themselves when their time is over, or nobody makes them."""

import datetime

from protector import constants as c
from protector.db import models
from protector.db.api import drills, operations
from protector.engine import drill_leases
from protector.tests.unit.engine import case


class LeasesTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.rung: list[str] = []
        self.leases = drill_leases.DrillLeases(self.runtime, self.rung.append)
        self.drill_id = self.accept("test_failover")

    def running(self, minutes: float = 1) -> None:
        self.end(self.drill_id)
        with self.runtime.db.writer() as session:
            row = drills.find(session, self.group_id)
            span = datetime.timedelta(minutes=minutes)
            drills.run(row, "passed", self.clock.now() + span)

    def cleanups(self) -> list[models.Operation]:
        with self.runtime.db.reader() as session:
            return (
                session.query(models.Operation)
                .filter_by(kind="test_cleanup")
                .all()
            )

    def test_not_before_its_time(self) -> None:
        self.running()
        self.clock.advance(59)
        self.leases.run()
        self.assertEqual([], self.cleanups())

    def test_when_it_has_come(self) -> None:
        self.running()
        self.clock.advance(60)
        self.leases.run()
        (found,) = self.cleanups()
        self.assertEqual([found.id], self.rung)
        self.assertEqual({"drill_id": self.drill_id}, found.args)
        self.assertEqual(self.site.local_id, found.executor_site_id)
        self.assertEqual(self.site.local_id, found.target_site_id)
        # the group is as it was
        self.assertEqual(
            ("active", None), (self.group().status, self.group().operation_id)
        )

    def test_once(self) -> None:
        self.running()
        self.clock.advance(60)
        self.leases.run()
        self.leases.run()
        self.assertEqual(1, len(self.cleanups()))

    def test_one_that_is_made_is_left_alone(self) -> None:
        self.clock.advance(9e6)
        self.leases.run()
        self.assertEqual([], self.cleanups())

    def test_one_that_nobody_makes_any_more(self) -> None:
        self.end(self.drill_id)
        self.leases.run()
        self.assertEqual(1, len(self.cleanups()))

    def test_one_at_the_other_site_is_that_sites(self) -> None:
        self.running()
        with self.runtime.db.writer() as session:
            drills.find(session, self.group_id).site_id = self.site.peer_id
        self.clock.advance(60)
        self.leases.run()
        self.assertEqual([], self.cleanups())

    def test_what_failed_is_tried_again_after_a_while(self) -> None:
        self.running()
        self.clock.advance(60)
        self.leases.run()
        (first,) = self.cleanups()
        with self.runtime.db.writer() as session:
            row = operations.get(session, first.id)
            now = self.clock.now()
            operations.finish(session, now, row, c.OperationStatus.FAILED)
        self.leases.run()
        self.assertEqual(1, len(self.cleanups()))
        self.clock.advance(drill_leases.PAUSE.total_seconds())
        self.leases.run()
        self.assertEqual(2, len(self.cleanups()))
