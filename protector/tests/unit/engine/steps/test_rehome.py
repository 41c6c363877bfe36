# SPDX-License-Identifier: Apache-2.0
"""A group gets another secondary site in place of the lost one."""

import types
import uuid

from protector import constants as c
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, tombstones
from protector.engine import context, workflows
from protector.engine import scene as scenes
from protector.engine.steps import rehome
from protector.tests.fixtures import site_runtime
from protector.tests.unit.engine import case


class RehomeTest(case.EngineCase):
    """The group of a lost site was failed over to this one."""

    def setUp(self) -> None:
        super().setUp()
        self.here, self.lost = self.site.local_id, self.site.peer_id
        self.group_id = self.site.group(
            primary_site_id=self.lost,
            secondary_site_id=self.here,
            status=c.GroupStatus.FAILED_OVER,
            primary_project_id="p-there",
            secondary_project_id="p-here",
        )
        self.set_sides(array_group=("here", "there"))
        self.web = self.site.member(self.group_id)
        self.site.point(self.group_id)
        self.new = self.third_site()
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            group.current_primary_site_id = self.here
            group.epoch = group.epoch_seen = 2
            lost = {"status": True, "reason": "SiteLost", "message": ""}
            group.conditions = {c.Condition.UNPROTECTED: lost}
            session.add(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={"networks": []},
                    created_at=self.clock.now(),
                )
            )
            metadata_sync.settle(session, group, self.here, self.clock.now())
            sync = metadata_sync.find(session, self.group_id)
            sync.remote_epoch, sync.remote_version = 1, 1

    def third_site(self) -> str:
        site_id = str(uuid.uuid4())
        with self.runtime.db.writer() as session:
            session.add(
                models.Site(
                    id=site_id,
                    name="site-c",
                    description="",
                    is_local=False,
                    verify=True,
                    status="active",
                    capabilities={},
                    lost=False,
                    created_at=self.clock.now(),
                )
            )
        return site_id

    def ctx(self) -> context.StepContext:
        args = {
            "secondary_site_id": self.new,
            "secondary_project_id": "p-new",
            "secondary_volume_type_id": "type-new",
            "secondary_volume_type_name": "ssd",
            "secondary_backend_name": "new@pure#pure",
        }
        return self.step(self.accept(c.Verb.REHOME, args=args))

    def scene(self) -> scenes.Scene:
        with self.runtime.db.reader() as session:
            return scenes.load(session, self.runtime.conf, self.group_id)

    def test_the_group_is_one_of_here_and_of_the_new_site(self) -> None:
        rehome.turn(self.ctx())
        scene = self.scene()
        group = scene.group
        self.assertEqual(
            ("active", self.here, self.new, self.here),
            (
                group.status,
                group.primary_site_id,
                group.secondary_site_id,
                group.current_primary_site_id,
            ),
        )
        self.assertEqual(
            ("p-here", "p-new"),
            (scene.project(self.here), scene.project(self.new)),
        )
        # a claim of the site that is the primary now, above all others
        self.assertEqual(5, group.epoch)
        self.assertFalse(scene.alone)
        side = scene.side(self.new)
        self.assertEqual(
            ("type-new", "ssd", "new@pure#pure", None),
            (
                side.volume_type_id,
                side.volume_type_name,
                side.backend_name,
                side.cinder_group_id,
            ),
        )
        self.assertEqual("here", scene.side(self.here).array_group)

    def test_nothing_of_the_lost_site_is_left(self) -> None:
        rehome.turn(self.ctx())
        (member,) = self.scene().members
        self.assertEqual(
            [self.here],
            [copy.site_id for copy in member.copies],
        )
        self.assertEqual([], member.volumes_at(self.lost))
        self.assertEqual(1, len(member.volumes_at(self.here)))
        self.assertEqual(self.here, member.home_site_id)
        self.assertEqual({}, self.scene().mappings)
        with self.runtime.db.reader() as session:
            self.assertEqual([], session.query(models.RecoveryPoint).all())
            sync = metadata_sync.find(session, self.group_id)
            self.assertIsNone(sync.remote_epoch)

    def test_the_lost_site_will_be_told(self) -> None:
        rehome.turn(self.ctx())
        with self.runtime.db.reader() as session:
            (row,) = tombstones.untold(session)
        self.assertEqual((self.lost, [self.web]), (row.site_id, row.running))
        self.assertGreater(row.epoch, 2)

    def test_done_again_it_changes_nothing_more(self) -> None:
        ctx = self.ctx()
        for _ in range(2):
            rehome.turn(ctx)
        self.assertEqual(5, self.group().epoch)

    def test_the_new_site_takes_the_first_document(self) -> None:
        rehome.turn(self.ctx())
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(session, group, self.here, self.clock.now())
            raw = metadata_sync.find(session, self.group_id).document
        pair = types.SimpleNamespace(local_id=self.here, peer_id=self.new)
        other = self.useFixture(site_runtime.SiteRuntime(peer_of=pair))
        with other.runtime.db.writer() as session:
            metadata_sync.receive(
                session, self.new, self.here, raw.encode(), self.clock.now()
            )
            group = protection_groups.get(session, self.group_id)
            self.assertEqual(
                ("active", 5, "p-new"),
                (group.status, group.epoch, group.project_id),
            )

    def test_what_a_new_group_and_new_members_need_is_made(self) -> None:
        rows = workflows.rows_for(c.Verb.REHOME, {}, self.scene(), 0)
        self.assertEqual(
            [
                "drills.clear",
                "rehome.turn",
                "peer.reserve",
                "groups.create_target",
                "members.prestage",
                "replication.configure",
                "replication.settle",
                "metadata.deliver",
            ],
            [row["name"] for row in rows],
        )
        self.assertEqual(
            [self.web], [r["member_id"] for r in rows if r["member_id"]]
        )
