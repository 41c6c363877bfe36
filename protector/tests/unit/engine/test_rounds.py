# SPDX-License-Identifier: Apache-2.0
"""When a group is due."""

from protector.db import models
from protector.engine import rounds
from protector.tests.unit.engine import case


class RoundsTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.rounds = rounds.Rounds(self.runtime, 60)

    def due(self, **again: float) -> list[str]:
        found = self.rounds.due()
        for group_id, version in found.items():
            self.rounds.looked(group_id, version, **again)
        return list(found)

    def test_all_at_each_interval(self) -> None:
        self.assertTrue(self.rounds.begin())
        self.assertEqual([self.group_id], self.due())
        self.assertFalse(self.rounds.begin())
        self.assertEqual([], self.due())
        self.clock.advance(60)
        self.assertTrue(self.rounds.begin())
        self.assertEqual([self.group_id], self.due())

    def test_a_new_version_is_due_at_once(self) -> None:
        self.due()
        self.set_group(metadata_version=7)
        self.assertEqual([self.group_id], self.due())
        self.set_group(epoch=2)
        self.assertEqual([self.group_id], self.due())
        self.assertEqual([], self.due())

    def test_what_is_not_over_is_due_again(self) -> None:
        for _ in range(2):
            self.assertEqual([self.group_id], self.due(again=0))

    def test_what_may_be_over_is_due_sooner(self) -> None:
        self.due(again=20)
        self.clock.advance(19)
        self.assertEqual([], self.due())
        self.clock.advance(1)
        self.assertEqual([self.group_id], self.due())
        self.assertEqual([], self.due())

    def test_not_what_is_being_made_or_is_gone(self) -> None:
        for values in ({"status": "creating"}, {"deleted": self.group_id}):
            self.set_group(**values)
            self.assertEqual([], self.due())
            self.set_group(status="active")

    def test_what_else_is_asked_of_it(self) -> None:
        free = models.ProtectionGroup.operation_id.is_(None)
        self.rounds = rounds.Rounds(self.runtime, 60, free)
        operation_id = self.accept("update")
        self.assertEqual([], self.due())
        self.end(operation_id)
        self.assertEqual([self.group_id], self.due())
