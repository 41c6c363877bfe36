# SPDX-License-Identifier: Apache-2.0
"""Which undo copies go, and which stay."""

from protector import exception
from protector.engine import undo_copies
from protector.tests.unit.engine import case, fakes

DAY = 24 * 60


class UndoCopiesTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.work = undo_copies.UndoCopies(self.runtime)
        self.clock.advance(8 * DAY * 60)
        self.operation_id = self.accept(
            "failover", target_site_id=self.site.local_id
        )

    def snapshot(self, suffix: str, day: float) -> str:
        name = f"here.{suffix}"
        kept = self.driver.snapshots.setdefault("here", {})
        kept[name] = fakes.at(day * DAY)
        return name

    def undo(self, operation_id: str, day: float, run: int = 1) -> str:
        return self.snapshot(f"undo-{operation_id[:8]}-{run}", day)

    def gone(self) -> set[str]:
        self.work.run()
        return {call[2] for call in self.driver.named("destroy_snapshot")}

    def test_goes_when_its_days_are_over(self) -> None:
        self.end(self.operation_id)
        # one of each run, recorded or not
        old = {self.undo(self.operation_id, day, 1 + day) for day in (0, 1)}
        self.undo(self.operation_id, 1.1, 3)
        self.assertEqual(old, self.gone())
        called = self.driver.named("destroy_snapshot")[0]
        self.assertEqual("array-a", called[1])

    def test_stays_while_the_operation_runs(self) -> None:
        self.undo(self.operation_id, 0)
        self.assertEqual(set(), self.gone())

    def test_others_are_not_touched(self) -> None:
        self.end(self.operation_id)
        self.snapshot("undo-0badcafe-1", 0)
        self.snapshot("undo-of-the-operator", 0)
        self.snapshot(f"cgsnapshot-{self.operation_id}-cinder", 0)
        self.assertEqual(set(), self.gone())

    def test_a_move_to_the_other_site_left_none_here(self) -> None:
        self.end(self.operation_id)
        self.set_group(status="active")
        other = self.accept("failover")
        self.end(other)
        self.undo(other, 0)
        self.assertEqual(set(), self.gone())

    def test_one_silent_array_does_not_stop_the_others(self) -> None:
        self.end(self.operation_id)
        self.site.group()
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual(set(), self.gone())
        self.driver.error = None
        name = self.undo(self.operation_id, 0)
        self.assertEqual({name}, self.gone())
