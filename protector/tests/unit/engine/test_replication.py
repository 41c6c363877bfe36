# SPDX-License-Identifier: Apache-2.0
"""Which epoch a recovery point belongs to."""

from protector.engine import replication
from protector.tests import base
from protector.tests.unit.engine import fakes


class EpochsTest(base.TestCase):
    def test_scheduled_points_belong_to_the_suffix_before_them(self) -> None:
        points = [
            fakes.point("g", "e3-final", 30),
            fakes.point("g", "17", 20),
            fakes.point("g", "e1", 10),
            fakes.point("g", "16", 5),
        ]
        found = replication.epochs(points, {})
        self.assertEqual([3, 1, 1, 0], [found[p.name] for p in points])

    def test_an_epoch_once_told_outlives_the_point_that_told_it(self) -> None:
        old, new = fakes.point("g", "17", 20), fakes.point("g", "18", 30)
        found = replication.epochs([new, old], {old.name: 3})
        self.assertEqual({old.name: 3, new.name: 3}, found)

    def test_nothing_told_takes_nothing_away(self) -> None:
        first, second = fakes.point("g", "e5", 10), fakes.point("g", "9", 20)
        found = replication.epochs([first, second], {second.name: 0})
        self.assertEqual(5, found[second.name])
