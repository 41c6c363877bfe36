# SPDX-License-Identifier: Apache-2.0
"""What becomes of an addition that is taken back, and of what a member that
is removed has where it does not run."""

from protector import constants as c
from protector.db import models
from protector.db.api import operations, protection_groups
from protector.engine import (
    conditions,
    context,
    fencing,
    membership,
    steps,
)
from protector.engine.steps import members
from protector.tests.unit.engine import arrival_case


class TakenBackTest(arrival_case.ArrivalCase):
    """The member's volumes are in the Cinder group and on the array."""

    def setUp(self) -> None:
        super().setUp()
        self.end(self.ctx.operation.id)
        self.set_group(status=c.GroupStatus.ACTIVE, operation_id=None)
        self.ctx = self.for_member(c.Verb.MEMBER_ADD)
        membership.join(self.ctx, self.site.local_id, [self.volume_id])

    def take_back(self) -> None:
        undo = steps.STEPS["members.cover"].undo
        self.assertIsNotNone(undo)
        undo(self.ctx)

    def test_it_is_not_settled_by_that(self) -> None:
        """Or the member would stay one that is being protected."""
        self.take_back()
        with self.runtime.db.reader() as session:
            row = operations.get(session, self.ctx.operation.id)
            self.assertFalse(row.no_return)
        self.assertIsNone(self.here.volume.rows[self.volume_id].group_id)
        self.assertTrue(self.driver.named("remove_volumes"))

    def test_one_that_was_cancelled(self) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.ctx.operation.id)
            row.cancelling = True
        self.take_back()
        self.assertIsNone(self.here.volume.rows[self.volume_id].group_id)


class LeftBehindTest(arrival_case.ArrivalCase):
    """The group came here without the member, which has a copy here and runs
    at its home."""

    def setUp(self) -> None:
        super().setUp()
        self.end(self.ctx.operation.id)
        self.change_member(home_site_id=self.site.peer_id)
        self.copy_here(c.CopyRole.GONE)
        self.set_copy(role=c.CopyRole.LIVE)
        del self.here.compute.rows[self.server_id]
        self.here.compute.disks.clear()
        self.here.volume.change(
            self.volume_id,
            status="available",
            server_ids=(),
            metadata=membership.volume_marks(self.row(), 0),
        )
        self.set_group(status=c.GroupStatus.ACTIVE, operation_id=None)
        self.ctx = self.for_member(c.Verb.MEMBER_REMOVE)
        self.set_group(operation_id=self.ctx.operation.id)
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            conditions.partial(group, ["web"], self.clock.now())

    def copy_here(self, role: str) -> None:
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            copy = session.get_one(models.MemberCopy, key)
            copy.role, copy.server_id = role, None
            copy.content_unique = False

    def test_its_copy_goes(self) -> None:
        self.assertEqual({"kept": []}, members.drop_copies(self.ctx))
        self.assertEqual({}, self.here.volume.rows)

    def test_what_runs_here_stays(self) -> None:
        self.copy_here(c.CopyRole.LIVE)
        self.set_copy(role=c.CopyRole.GONE)
        self.assertEqual({"kept": []}, members.drop_copies(self.again()))
        self.assertIn(self.volume_id, self.here.volume.rows)

    def test_the_group_is_whole_without_it(self) -> None:
        members.forget(self.ctx)
        self.assertEqual(
            (False, "AllMembersRun"), self.condition(c.Condition.PARTIAL)
        )

    def test_another_one_is_still_missing(self) -> None:
        other = self.site.member(self.group_id, name="db")
        with self.runtime.db.writer() as session:
            key = (other, self.site.local_id)
            session.get_one(models.MemberCopy, key).role = c.CopyRole.GONE
        members.forget(self.ctx)
        found = self.group().conditions[c.Condition.PARTIAL]
        self.assertTrue(found["status"])
        self.assertIn("db", found["message"])


class UnlockedTest(arrival_case.ArrivalCase):
    """The site that fenced the member's server is lost for good."""

    def setUp(self) -> None:
        super().setUp()
        self.here.compute._set(
            self.server_id,
            "",
            locked=True,
            locked_reason=fencing.reason("op", "ACTIVE"),
        )
        self.here.changes.clear()

    def changes(self, ctx: context.StepContext) -> list[str]:
        members.unlock(ctx)
        return [name for name, *_ in self.here.changes]

    def test_of_the_member_that_leaves(self) -> None:
        self.assertEqual(["unlock"], self.changes(self.ctx))
        self.assertEqual(["unlock"], self.changes(self.again()))

    def test_of_all_when_the_group_goes(self) -> None:
        self.ctx.member_id = None
        self.assertEqual(["unlock"], self.changes(self.ctx))

    def test_not_one_of_somebody_else(self) -> None:
        self.here.compute._set(self.server_id, "", locked_reason="mine")
        self.here.changes.clear()
        self.assertEqual([], self.changes(self.ctx))

    def test_a_server_that_is_gone(self) -> None:
        del self.here.compute.rows[self.server_id]
        self.assertEqual([], self.changes(self.ctx))
