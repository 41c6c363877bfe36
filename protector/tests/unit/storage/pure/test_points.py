# SPDX-License-Identifier: Apache-2.0
"""When a transfer counts as complete, and whose it is."""

import datetime

from protector import exception
from protector.storage.pure import adapter, points
from protector.tests import base

NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
LATER = NOON + datetime.timedelta(minutes=5)


class Target:
    """The two questions that points are made of."""

    def __init__(self, *transfers: adapter.Transfer) -> None:
        self._transfers = transfers

    def transfers(self, group: str) -> list[adapter.Transfer]:
        return list(self._transfers)

    def members(self, group: str) -> list[str]:
        return ["a:g.1.v1", "a:g.1.vg/v2", "a:g.10.v1", "a:g2.1.v3"]


def transfer(
    name: str,
    progress: float = 1,
    completed: datetime.datetime | None = LATER,
    created: datetime.datetime = NOON,
) -> adapter.Transfer:
    return adapter.Transfer(name, created, completed, progress, 7)


class TestPoints(base.TestCase):
    def test_complete_needs_both(self) -> None:
        for progress, completed, complete in (
            (1, LATER, True),
            (1, None, False),
            (0.999, LATER, False),
            (0, None, False),
        ):
            target = Target(transfer("a:g.1", progress, completed))
            (point,) = points.listed(target, "a:g")
            self.assertEqual(complete, point.complete)
            if complete:
                points.require_complete(target, "a:g", "a:g.1")
            else:
                self.assertRaises(
                    exception.ArrayError,
                    points.require_complete,
                    target,
                    "a:g",
                    "a:g.1",
                )

    def test_newest_first_and_only_the_groups(self) -> None:
        target = Target(
            transfer("a:g.1"),
            transfer("a:g.10", created=LATER),
            transfer("a:g2.1"),
        )
        found = points.listed(target, "a:g")
        self.assertEqual(["a:g.10", "a:g.1"], [p.name for p in found])
        self.assertEqual({"v1", "vg/v2"}, found[1].volumes)
        self.assertEqual({"v1"}, found[0].volumes)
        self.assertEqual(("1", 7), (found[1].suffix, found[1].bytes))

    def test_no_such_point(self) -> None:
        self.assertRaises(
            exception.ArrayNotFound,
            points.require_complete,
            Target(transfer("a:g.1")),
            "a:g",
            "a:g.2",
        )
