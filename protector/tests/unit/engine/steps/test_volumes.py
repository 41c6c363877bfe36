# SPDX-License-Identifier: Apache-2.0
"""Undo copies at the end of a group: kept, or given up when asked."""

from typing import Any

from protector import exception
from protector.engine import precheck, reading
from protector.engine.steps import volumes
from protector.tests.unit.engine import case, fakes


class DiscardUndoTest(case.EngineCase):
    """One undo copy at each site, the one there of a mirrored move."""

    def setUp(self) -> None:
        super().setUp()
        here, there = self.site.local_id, self.site.peer_id
        self.names = [
            self.undo("here", self.moved(here, here)),
            self.undo("there", self.moved(there, there)),
        ]

    def moved(self, executor: str, target: str) -> str:
        operation_id = self.accept(
            "failover", executor_site_id=executor, target_site_id=target
        )
        self.end(operation_id)
        self.set_group(status="active")
        return operation_id

    def undo(self, group: str, operation_id: str) -> str:
        name = f"{group}.undo-{operation_id[:8]}-1"
        kept = self.driver.snapshots.setdefault(group, {})
        kept[name] = fakes.at(0)
        return name

    def delete(self, **args: Any) -> Any:
        ctx = self.step(self.accept("delete", args=args))
        return volumes.discard_undo(ctx)

    def destroyed(self) -> list[tuple[str, str]]:
        found = self.driver.named("destroy_snapshot")
        return [(call[1], call[2]) for call in found]

    def check(self, **args: Any) -> Any:
        reader = reading.Reader.of(self.runtime, self.group_id)
        return precheck.CHECKS[precheck.c.Verb.DELETE](reader, args)

    def test_the_request_is_refused_and_told_which(self) -> None:
        error = self.assertRaises(exception.InvalidStatus, self.check)
        self.assertEqual(409, error.code)
        self.assertEqual(self.names, error.details["undo_copies"])
        for name in self.names:
            self.assertIn(name, error.message)
        self.assertIn("discard_undo=true", error.remedy)
        self.assertEqual({}, self.check(discard_undo=True))

    def test_nothing_is_refused_without_undo_copies(self) -> None:
        self.driver.snapshots.clear()
        self.assertEqual({}, self.check())

    def test_an_array_that_does_not_answer_leaves_it_to_the_step(
        self,
    ) -> None:
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual({}, self.check())
        ctx = self.step(self.accept("delete", args={"discard_undo": True}))
        self.assertRaises(
            exception.ArrayUnavailable, volumes.discard_undo, ctx
        )
        self.assertEqual([], self.destroyed())
        self.driver.error = None
        self.assertEqual({"discarded": self.names}, volumes.discard_undo(ctx))

    def test_the_step_keeps_them_unasked(self) -> None:
        self.assertRaises(exception.InvalidStatus, self.delete)
        self.assertEqual([], self.destroyed())

    def test_asked_it_gives_them_up_on_both_arrays(self) -> None:
        self.delete(discard_undo=True)
        wanted = list(zip(("array-a", "array-b"), self.names, strict=True))
        self.assertEqual(wanted, self.destroyed())

    def test_those_of_unknown_moves_are_not_destroyed_by_name(self) -> None:
        self.driver.snapshots.clear()
        self.driver.snapshots["here"] = {"here.undo-of-the-operator": 0}
        self.assertEqual({}, self.check())
        unknown = self.undo("here", "0badcafe-of-nobody")
        error = self.assertRaises(exception.InvalidStatus, self.check)
        self.assertEqual([unknown], error.details["undo_copies"])
        self.delete(discard_undo=True)
        self.assertEqual([], self.destroyed())

    def test_a_group_that_does_not_replicate_has_none(self) -> None:
        self.set_sides(array_group=(None, None))
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual({"discarded": []}, self.delete())

    def test_an_array_group_that_is_gone_took_them_along(self) -> None:
        self.driver.error = exception.ArrayNotFound("no such group")
        self.assertEqual({"discarded": []}, self.delete())
