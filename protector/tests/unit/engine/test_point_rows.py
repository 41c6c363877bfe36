# SPDX-License-Identifier: Apache-2.0
"""What the points of a group meant for its RPO, day by day."""

import dataclasses
import datetime

from protector import constants as c
from protector.db import events
from protector.db.api import rpo_days
from protector.engine import observer
from protector.storage import base
from protector.tests.unit.engine import case, fakes

K = c.Condition


class PointRowsTest(case.EngineCase):
    """The RPO is 30 minutes, a point is due every 15."""

    def setUp(self) -> None:
        super().setUp()
        self.site.member(self.group_id)
        self.driver.schedules["here"] = True
        self.observer = observer.Observer(self.runtime)

    def see(self, *points: base.Point) -> None:
        """The array shows these points; the observer looks."""
        self.driver.points["here"] = list(points)
        self.clock.advance(60)
        self.observer.run()

    def point(
        self, suffix: str, minutes: float, took: float | None = 1
    ) -> base.Point:
        """:param took: minutes of its transfer; None while it lasts."""
        made = fakes.point("here", suffix, minutes, complete=took is not None)
        if took is None:
            return made
        return dataclasses.replace(made, completed=fakes.at(minutes + took))

    def days(self) -> list[tuple[object, ...]]:
        with self.runtime.db.reader() as session:
            return [
                (
                    row.day,
                    row.transfers,
                    row.bytes,
                    row.worst_seconds,
                    row.slowest_seconds,
                    row.breaches,
                )
                for row in rpo_days.newest(session, self.group_id)
            ]

    def test_each_transfer_counts_once_when_it_is_complete(self) -> None:
        first = self.point("e1", 0)
        self.see(first, self.point("2", 15, None))
        today = first.created.date()
        self.assertEqual([(today, 1, 10, None, 60, 0)], self.days())
        second = self.point("2", 15, 3)
        for _ in range(3):
            self.see(first, second)
        # another engine of the site has written nothing of it yet
        self.observer = observer.Observer(self.runtime)
        self.see(first, second)
        self.assertEqual([(today, 2, 20, 18 * 60, 180, 0)], self.days())

    def test_what_one_look_finds_is_counted_in_order(self) -> None:
        """As after a day on which no engine ran."""
        points = [self.point(str(n), 20 * n, 12) for n in range(4)]
        self.see(*reversed(points))
        today = points[0].created.date()
        self.assertEqual([(today, 4, 40, 32 * 60, 720, 3)], self.days())

    def test_a_point_of_another_epoch_ends_no_age(self) -> None:
        self.see(self.point("e1", 0))
        self.set_group(epoch=2)
        self.see(self.point("e1", 0), self.point("e2", 300))
        self.assertIsNone(self.days()[0][3])

    def test_what_aged_out_stays_in_the_history(self) -> None:
        self.see(self.point("e1", 0), self.point("2", 40))
        before = self.days()
        self.assertEqual(1, before[0][5])
        self.see(self.point("2", 40))
        self.assertEqual(before, self.days())

    def test_days_are_kept_as_long_as_told(self) -> None:
        self.runtime.conf.set_override("history_days", 2, "replication")
        day = 24 * 60
        points = [self.point(f"e1-{n}", n * day) for n in range(4)]
        for count in range(1, 5):
            self.see(*points[:count])
        today = points[-1].created.date()
        self.assertEqual(
            [today, today - datetime.timedelta(days=1)],
            [row[0] for row in self.days()],
        )

    def test_what_is_on_both_arrays_has_no_age(self) -> None:
        self.set_group(replication_type="sync")
        self.see(self.point("e1", 0), self.point("2", 40))
        self.assertEqual([], self.days())

    # -- alarms

    def test_two_and_three_intervals_are_alarms(self) -> None:
        told: list[events.Event] = []
        self.runtime.db.listen(told.append)
        for minutes, found in (
            (29, (True, "OnTime")),
            (31, (False, "TwoIntervalsLate")),
            (44, (False, "TwoIntervalsLate")),
            (46, (False, "ThreeIntervalsLate")),
        ):
            late = fakes.at(minutes) - self.clock.now()
            self.clock.advance(late.total_seconds() - 60)
            self.see(self.point("e1", 0))
            self.assertEqual(found, self.condition(K.REPLICATION_ON_TIME))
        self.see(self.point("e1", 0), self.point("2", 46))
        self.assertEqual(
            (True, "OnTime"), self.condition(K.REPLICATION_ON_TIME)
        )
        alarms = [
            (e.payload["reason"], e.alarming, e.critical)
            for e in told
            if e.payload.get("type") == K.REPLICATION_ON_TIME
        ]
        self.assertEqual(
            [
                ("OnTime", False, False),
                ("TwoIntervalsLate", True, False),
                ("ThreeIntervalsLate", True, True),
                ("OnTime", False, False),
            ],
            alarms,
        )

    def test_no_point_is_not_late(self) -> None:
        self.see()
        self.assertEqual(
            (None, "NoRecoveryPoint"), self.condition(K.REPLICATION_ON_TIME)
        )
