# SPDX-License-Identifier: Apache-2.0
"""With the other site declared lost, nothing is asked of it."""

from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import protection_groups, tombstones
from protector.engine import scene as scenes
from protector.engine import workflows
from protector.engine.steps import drill_room, groups
from protector.tests.unit.engine import case

CHANGES = (c.Verb.UPDATE, c.Verb.POLICY_SET, c.Verb.MAPPINGS_SET)


class AloneTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.web = self.site.member(self.group_id)
        self.set_group(conditions={c.Condition.UNPROTECTED: {"status": True}})

    def planned(self, verb: str, **args: Any) -> list[str]:
        with self.runtime.db.reader() as session:
            scene = scenes.load(session, self.runtime.conf, self.group_id)
        rows = workflows.rows_for(verb, args, scene, 0)
        return [row["name"] for row in rows]

    def test_a_change_is_settled_here_alone(self) -> None:
        for verb in CHANGES:
            self.assertEqual(["changes.settle"], self.planned(verb))
        member = {"member_id": self.web}
        for verb in (c.Verb.MEMBER_ADD, c.Verb.MEMBER_REMOVE):
            for name in self.planned(verb, **member):
                self.assertTrue(name.startswith("members."), name)
                self.assertNotIn(
                    name, ("members.prestage", "members.drop_copies")
                )

    def test_with_both_sites_the_peer_is_asked_first(self) -> None:
        self.set_group(conditions={})
        for verb in (*CHANGES, c.Verb.DELETE):
            self.assertEqual("peer.check", self.planned(verb)[0])

    def test_a_deleted_group_leaves_a_tombstone(self) -> None:
        self.assertEqual(
            [
                "drills.clear",
                "volumes.discard_undo",
                "members.unlock",
                "groups.delete_source",
                "groups.leave_lost",
            ],
            self.planned(c.Verb.DELETE),
        )
        ctx = self.step(self.accept(c.Verb.DELETE))
        for _ in range(2):
            groups.leave_lost(ctx)
        with self.runtime.db.reader() as session:
            self.assertIsNone(protection_groups.find(session, self.group_id))
            (row,) = tombstones.untold(session)
        self.assertEqual(
            (self.site.peer_id, 3, [self.web]),
            (row.site_id, row.epoch, row.running),
        )

    def test_a_drill_at_the_lost_site_is_not_waited_for(self) -> None:
        with self.runtime.db.writer() as session:
            session.add(
                models.Drill(
                    protection_group_id=self.group_id,
                    operation_id=self.web,
                    site_id=self.site.peer_id,
                    status=c.DrillStatus.RUNNING,
                    members=[],
                    residue=[],
                    started_at=self.clock.now(),
                )
            )
        ctx = self.step(self.accept(c.Verb.DELETE))
        self.assertIn("lost", drill_room.clear(ctx)["message"])
