# SPDX-License-Identifier: Apache-2.0
"""Cinder groups unmade, and the version of a group that is being made."""

from protector import constants as c
from protector import exception
from protector.db.api import metadata_sync
from protector.engine.steps import groups
from protector.tests.unit.engine import case


class UnmakeTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.volume = self.boundary.clouds.volume
        self.set_sides(cinder_group_id=("g-here", "g-there"))
        self.volume.group("g-here", "any", groups.mark(self.group_id))
        self.ctx = self.step(self.accept("delete"))

    def test_an_empty_group_goes(self) -> None:
        groups.delete_source(self.ctx)
        groups.delete_source(self.ctx)
        self.assertEqual({}, self.volume.groups_)

    def test_volumes_leave_the_group_and_stay(self) -> None:
        self.volume.volume("v1", "available", "g-here")
        self.volume.volume("v2", "in-use", "g-here")
        groups.delete_source(self.ctx)
        self.assertEqual({}, self.volume.groups_)
        self.assertEqual({"v1", "v2"}, set(self.volume.volumes))

    def test_what_cannot_leave_is_named(self) -> None:
        self.volume.volume("v1", "available", "g-here")
        self.volume.volume("v2", "backing-up", "g-here")
        error = self.assertRaises(
            exception.UnexpectedState, groups.delete_source, self.ctx
        )
        self.assertIn("name-v2 (v2, backing-up)", error.message)
        self.assertNotIn("v1", error.message)
        self.assertIn("retry", error.remedy)
        self.assertIn("g-here", self.volume.groups_)
        self.volume.volume("v2", "available", "g-here")
        groups.delete_source(self.ctx)
        self.assertEqual({}, self.volume.groups_)


class SettleCreateTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.set_group(status=c.GroupStatus.CREATING)
        self.operation_id = self.accept("create")
        self.ctx = self.step(self.operation_id)

    def sync(self) -> object:
        with self.runtime.db.reader() as session:
            return metadata_sync.find(session, self.group_id)

    def test_one_version_however_often_it_runs(self) -> None:
        for _ in range(2):
            found = groups.settle_create(self.ctx)
            self.assertEqual({"version": 1}, found)
        self.assertEqual("creating", self.group().status)

    def test_a_retry_after_the_undo_makes_a_newer_one(self) -> None:
        groups.settle_create(self.ctx)
        groups.unsettle_create(self.ctx)
        self.assertIsNone(self.sync())
        groups.unsettle_create(self.ctx)
        # what a retry starts from, see operations_actions.reopen
        self.ctx.save(version=None)
        with self.runtime.db.writer() as session:
            row = session.get(type(self.ctx.operation), self.operation_id)
            row.data = {}
        self.assertEqual({"version": 2}, groups.settle_create(self.ctx))
        self.assertEqual(2, self.sync().version)
