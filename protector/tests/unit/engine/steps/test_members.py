# SPDX-License-Identifier: Apache-2.0
"""What becomes of an addition that is taken back."""

from protector import constants as c
from protector.db.api import operations
from protector.engine import membership, steps
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
