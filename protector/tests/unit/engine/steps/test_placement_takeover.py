# SPDX-License-Identifier: Apache-2.0
"""The steps of an unplanned move that decide where the group runs."""

from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import (
    claims,
    metadata_sync,
    operations,
    operations_leases,
    protection_groups,
    recovery_points,
)
from protector.engine import context, steps
from protector.engine.steps import placement, replication
from protector.engine.workflows import placement as workflows
from protector.storage import base
from protector.tests.unit.engine import case, fakes


class Driver(fakes.Driver):
    def destroy_volumes(
        self, array: base.Array, prefix: str, keep: Any = ()
    ) -> list[str]:
        self._asked("destroy_volumes", array.name, prefix)
        return [f"{prefix}1-0"]

    def set_allowed(self, direction: base.Direction, allowed: bool) -> None:
        self._asked("set_allowed", direction.group, allowed)


class TakeOverTest(case.EngineCase):
    """The group of the other site is taken by this one."""

    def setUp(self) -> None:
        super().setUp()
        self.driver = Driver()
        self.runtime.storage = fakes.Storage(self.driver)
        self.group_id = self.site.group(
            primary_site_id=self.site.peer_id,
            secondary_site_id=self.site.local_id,
        )
        self.set_sides(array_group=("here", "there"))
        self.web, self.late = (
            self.site.member(self.group_id, name) for name in ("web", "late")
        )
        with self.runtime.db.writer() as session:
            for member_id in (self.web, self.late):
                member = session.get(models.Member, member_id)
                member.copy(self.site.peer_id).role = c.CopyRole.LIVE
                member.copy(self.site.local_id).role = c.CopyRole.GONE
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, self.site.peer_id, self.clock.now()
            )
        self.driver.points["there"] = [
            fakes.point(
                "there",
                "e1-now",
                -5,
                [self.volume_name(self.web, self.site.peer_id)],
            )
        ]

    def ends(self) -> dict[str, Any]:
        return {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.peer_id,
            "target_site_id": self.site.local_id,
            "args": {"type": "unplanned"},
        }

    def take(self) -> context.StepContext:
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            operation_id = claims.accept(
                session, self.clock.now(), group, "failover", self.ends()
            ).id
        return self.step(operation_id)

    def run_before(self, *steps: str, **data: Any) -> operations_leases.Lease:
        """Another move, that an engine runs.

        :param steps: those under way.
        """
        operation_id = self.accept("failover", **self.ends(), data=data)
        with self.runtime.db.writer() as session:
            lease = operations_leases.claim(
                session,
                self.clock.now(),
                operation_id,
                self.site.local_id,
                "other",
                3600,
                0,
            )
        assert lease is not None
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.add_steps(
                session, row, [_row(n, name) for n, name in enumerate(steps)]
            )
            for step in row.steps:
                step.status = c.StepStatus.RUNNING
        return lease

    def waits(
        self, lease: operations_leases.Lease
    ) -> tuple[int, dict[str, Any]]:
        """How often it looks whether the move, which goes at last, has
        ended; and what it finds."""
        ctx = self.take()
        waited = []

        def stop_at_last(event: Any, seconds: float) -> bool:
            waited.append(seconds)
            if len(waited) == 3:
                with self.runtime.db.writer() as session:
                    operations_leases.let_go(session, lease)
            return False

        self.clock.wait = stop_at_last  # type: ignore[method-assign]
        found = placement.take_over(ctx)
        return len(waited), found

    def test_it_waits_for_the_worker_it_superseded(self) -> None:
        lease = self.run_before("volumes.overwrite", staged=True)
        waited, found = self.waits(lease)
        self.assertEqual(3, waited)
        prefix = f"protector-{lease.operation_id}-"
        self.assertEqual(
            {
                "superseded": [lease.operation_id],
                "destroyed": [f"{prefix}1-0"],
            },
            found,
        )

    def test_those_steps_exist(self) -> None:
        self.assertLessEqual(placement.AT_SOURCE, steps.STEPS.keys())

    def test_not_for_one_that_waits_for_the_lost_site(self) -> None:
        """Whatever hangs there can change nothing here."""
        lease = self.run_before(*placement.AT_SOURCE)
        self.assertEqual(0, self.waits(lease)[0])

    def test_for_one_of_several_that_changes_this_site(self) -> None:
        lease = self.run_before("servers.fence_lost", "copies.build")
        self.assertEqual(3, self.waits(lease)[0])

    def test_for_one_whose_step_was_skipped_under_way(self) -> None:
        lease = self.run_before("drills.make_room")
        with self.runtime.db.writer() as session:
            (row,) = operations.get(session, lease.operation_id).steps
            row.status, row.attempt = c.StepStatus.SKIPPED, 1
        self.assertEqual(3, self.waits(lease)[0])

    def test_for_one_that_goes_back(self) -> None:
        lease = self.run_before(
            "servers.fence", "volumes.overwrite", compensating={"message": ""}
        )
        with self.runtime.db.writer() as session:
            for row in operations.get(session, lease.operation_id).steps:
                row.status, row.attempt = c.StepStatus.DONE, 1
        self.assertEqual(3, self.waits(lease)[0])

    def test_not_for_one_that_frees_the_source(self) -> None:
        lease = self.run_before(
            "servers.fence", "volumes.overwrite", compensating={"message": ""}
        )
        with self.runtime.db.writer() as session:
            first, second = operations.get(session, lease.operation_id).steps
            first.status, first.attempt = c.StepStatus.FAILED, 1
            second.status = c.StepStatus.PENDING
        self.assertEqual(0, self.waits(lease)[0])

    def test_where_each_step_is_undone_is_known(self) -> None:
        stages = (*workflows.MOVE, *workflows.TAKE_OVER, *workflows.RECLAIM)
        names = {
            name
            for stage in stages
            for name in getattr(stage, "steps", None) or (stage.step,)
            if steps.STEPS[name].undo
        }
        known = placement.UNDONE_HERE | placement.AT_SOURCE
        self.assertEqual(set(), names - known)

    def test_what_was_never_staged_is_not_looked_for(self) -> None:
        lease = self.run_before()
        ctx = self.take()
        with self.runtime.db.writer() as session:
            operations_leases.let_go(session, lease)
        placement.take_over(ctx)
        self.assertEqual([], self.driver.named("destroy_volumes"))

    def test_the_inbound_direction_is_shut(self) -> None:
        replication.disallow(self.take())
        self.assertEqual(
            [("set_allowed", "there", False)],
            self.driver.named("set_allowed"),
        )

    def test_without_an_array_group_there_is_nothing_to_shut(self) -> None:
        self.set_sides(array_group=("here", None))
        replication.disallow(self.take())
        self.assertEqual([], self.driver.calls)

    def test_the_point_is_chosen_once(self) -> None:
        ctx = self.take()
        first = replication.choose_point(ctx)
        self.assertEqual(
            (300, [self.late]),
            (ctx.data["rpo_seconds"], ctx.data["left_out"]),
        )
        with self.runtime.db.reader() as session:
            row = operations.get(session, ctx.operation.id)
        used = recovery_points.id_of(self.group_id, first["point"])
        self.assertEqual(used, row.recovery_point_id)
        self.driver.points["there"].clear()
        self.assertEqual(first, replication.choose_point(ctx))

    def test_what_the_source_wrote_last_comes_first(self) -> None:
        """Where the target's array has it; nothing is lost, whatever the
        array's clock says."""

        def capture(direction: Any, suffix: str) -> str:
            volumes = self.driver.points["there"][0].volumes
            taken = fakes.point("there", suffix, -6, sorted(volumes))
            self.driver.points["there"].append(taken)
            return taken.name

        self.driver.capture = capture
        ctx = self.take()
        found = replication.choose_point(ctx)
        self.assertIn(f"-last-{ctx.run_name}", found["point"])
        self.assertEqual(0, ctx.data["rpo_seconds"])

    def settle(self) -> None:
        ctx = self.take()
        replication.choose_point(ctx)
        with self.runtime.db.writer() as session:
            row = operations.get(session, ctx.operation.id)
            step = _row(0, "servers.start")
            step.update(member_id=self.web, member_name="web")
            operations.add_steps(session, row, [step])
            row.steps[0].status = c.StepStatus.DONE
        placement.settle(ctx)

    def copy(self, member_id: str, site_id: str) -> tuple[str, bool]:
        with self.runtime.db.reader() as session:
            row = session.get(models.MemberCopy, (member_id, site_id))
            return row.role, row.content_unique

    def test_what_the_source_wrote_stays_unique(self) -> None:
        self.settle()
        here, there = self.site.local_id, self.site.peer_id
        self.assertEqual(("live", True), self.copy(self.web, here))
        self.assertEqual(("live", True), self.copy(self.web, there))
        self.assertEqual(("gone", False), self.copy(self.late, here))
        group = self.group()
        self.assertEqual(
            ("failed_over", here, 2, 2),
            (
                group.status,
                group.current_primary_site_id,
                group.epoch,
                group.metadata_version,
            ),
        )

    def test_who_was_left_out_is_named(self) -> None:
        self.settle()
        found = self.group().conditions[c.Condition.PARTIAL]
        self.assertTrue(found["status"])
        self.assertIn("late", found["message"])

    def test_the_engine_tells_the_other_site_at_once(self) -> None:
        self.settle()
        with self.runtime.db.reader() as session:
            due = metadata_sync.unsent(
                session, self.clock.now(), self.site.local_id
            )
        self.assertEqual([self.group_id], due)


def _row(ordinal: int, name: str) -> dict[str, Any]:
    return {
        "ordinal": ordinal,
        "name": name,
        "member_id": None,
        "member_name": None,
        "after": [],
        "weight": 1,
        "optional": False,
    }
