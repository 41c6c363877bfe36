# SPDX-License-Identifier: Apache-2.0
"""The engine dies at every moment of bringing back what was."""

from collections.abc import Callable
from typing import Any

from protector import constants as c
from protector.db import models
from protector.sandbox import workload
from protector.tests.failure import bed, kills, tour

SERVERS = (
    workload.Plan("web-server-1", "web", 2),
    workload.Plan("app-server-1", "app", 1),
)


class UndoTest(tour.Tour):
    """Each workflow that can be undone fails as late as it can, and goes
    back through deaths."""

    def make_bed(self) -> Any:
        return self.useFixture(bed.Bed(SERVERS))

    def test_undo(self) -> None:
        self._create()
        self.set_mappings()
        self.add_member(0)
        before = self.inventory()
        self._fails(
            c.Verb.MEMBER_ADD, self.a, lambda: self.add(1), "members.settle"
        )
        self.expect_unchanged(before)
        self.add_member(1)
        self.write(self.a)
        self._verb_fails("failover", self.b, self.a, "placement.release")
        self._drill()
        self.run_verb("failover", self.b, type="planned")
        self.write(self.b)
        self._verb_fails("failback", self.a, self.b, "placement.release")
        self.run_verb("failback", self.a, type="planned")
        self.expect_content(self.a)

    def _create(self) -> None:
        """What could not be made is deleted, and made again."""
        before = self.inventory()
        ended = self._fails(
            c.Verb.CREATE, self.a, self.make, "groups.activate"
        )
        self.group_id = str(ended.protection_group_id)
        self.delete()
        self.expect_unchanged(before)
        self.create()

    def _drill(self) -> None:
        before = self.inventory()
        self._fails(
            c.Verb.TEST_FAILOVER,
            self.b,
            lambda: self.b.run_protection_group(
                self.group_id, c.Verb.TEST_FAILOVER
            ),
            "drills.settle",
        )
        self.expect_unchanged(before)
        self.expect_content(self.a)

    def _verb_fails(self, verb: str, at: Any, home: Any, step: str) -> None:
        """A planned move: the servers run on where they were."""
        before = self.inventory()
        self._fails(
            verb,
            at,
            lambda: at.run_protection_group(
                self.group_id, verb, type="planned"
            ),
            step,
        )
        self.expect_unchanged(before)
        self.expect_content(home)
        self.expect_in_sync()

    def _fails(
        self,
        verb: str,
        at: Any,
        start: Callable[[], Any],
        step: str,
    ) -> models.Operation:
        plan = kills.UndoKills(step)
        ended = self.attempt(at, verb, start, f"undo of {verb}", plan)
        self.expect("fails", ended.status == "failed", ended.status)
        self.expect("engines died", len(plan.dealt) > 1, plan.dealt)
        return ended
