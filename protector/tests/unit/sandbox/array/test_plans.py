# SPDX-License-Identifier: Apache-2.0
"""When a schedule is due, and what retention lets go."""

from protector.sandbox.array import plans
from protector.tests import base

_HOUR = 3600
_DAY = 86400
_NOON = 20000 * _DAY + 12 * _HOUR


class DueTest(base.TestCase):
    def schedule(self, **values: object) -> dict[str, object]:
        return {**plans.SCHEDULE, "replicate_enabled": True, **values}

    def test_switched_off_is_never_due(self) -> None:
        self.assertFalse(plans.due(plans.SCHEDULE, "replicate", None, _NOON))

    def test_first_is_due_at_once_then_by_frequency(self) -> None:
        plan = self.schedule(replicate_frequency=600)
        self.assertTrue(plans.due(plan, "replicate", None, _NOON))
        self.assertFalse(plans.due(plan, "replicate", _NOON - 599, _NOON))
        self.assertTrue(plans.due(plan, "replicate", _NOON - 600, _NOON))

    def test_blackout_stops_replication(self) -> None:
        window = {"start": 11 * _HOUR, "end": 13 * _HOUR}
        plan = self.schedule(replicate_blackout=window)
        self.assertFalse(plans.due(plan, "replicate", None, _NOON))
        self.assertTrue(plans.due(plan, "replicate", None, _NOON + _HOUR))
        night = {"start": 22 * _HOUR, "end": 13 * _HOUR}
        plan = self.schedule(replicate_blackout=night)
        self.assertFalse(plans.due(plan, "replicate", None, _NOON))

    def test_daily_schedule_keeps_its_hour(self) -> None:
        plan = self.schedule(replicate_frequency=_DAY, replicate_at=_HOUR)
        last = _NOON - 11 * _HOUR
        self.assertFalse(plans.due(plan, "replicate", last, _NOON))
        self.assertFalse(plans.due(plan, "replicate", last, last + _DAY - 1))
        self.assertTrue(plans.due(plan, "replicate", last, last + _DAY))


class ExpiredTest(base.TestCase):
    def test_all_are_kept_for_a_while(self) -> None:
        taken = [(n, _NOON - n * 60.0) for n in range(10)]
        gone = plans.expired(taken, _NOON, (300, 0, 0))
        self.assertEqual({6, 7, 8, 9}, gone)

    def test_some_of_each_day_are_kept_for_days(self) -> None:
        taken = [(n, _NOON - n * float(_HOUR)) for n in range(24 * 5)]
        kept = {n for n, _ in taken}
        kept -= plans.expired(taken, _NOON, (0, 2, 3))
        self.assertEqual({0, 1, 13, 25, 37, 49, 61}, kept)

    def test_what_a_day_keeps_stays_kept(self) -> None:
        """Applied hour by hour, retention still leaves its days."""
        taken: list[tuple[int, float]] = []
        for hour in range(24 * 6):
            now = _NOON + hour * float(_HOUR)
            taken.append((hour, now))
            gone = plans.expired(taken, now, (2 * _HOUR, 1, 3))
            taken = [pair for pair in taken if pair[0] not in gone]
        days = {int(when // _DAY) for _, when in taken}
        self.assertEqual(4, len(days))
