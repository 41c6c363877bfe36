# SPDX-License-Identifier: Apache-2.0
"""The newest point that counts for a group."""

import datetime

from protector.db import models
from protector.db.api import recovery_points
from protector.tests.unit.db.api import database


class NewestTest(database.DatabaseTest):
    def point(self, group_id: str, minutes: int, **values: object) -> str:
        point_id = database.new_id()
        created = database.NOW + datetime.timedelta(minutes=minutes)
        given = {
            "source_site_id": self.site.local_id,
            "target_site_id": self.site.peer_id,
            "epoch": 1,
            "completed_at": created,
            **values,
        }
        with self.db.writer() as session:
            session.add(
                models.RecoveryPoint(
                    id=point_id,
                    protection_group_id=group_id,
                    name=point_id,
                    created_at=created,
                    progress=1.0,
                    bytes=0,
                    members=[],
                    **given,
                )
            )
        return point_id

    def test_complete_and_of_this_direction_and_epoch(self) -> None:
        group_id, empty = self.site.group(), self.site.group()
        self.point(group_id, 1)
        wanted = self.point(group_id, 2)
        self.point(group_id, 3, completed_at=None)
        self.point(group_id, 4, epoch=2)
        self.point(
            group_id,
            5,
            source_site_id=self.site.peer_id,
            target_site_id=self.site.local_id,
        )
        with self.db.reader() as session:
            found = recovery_points.newest_complete(session, [group_id, empty])
        self.assertEqual(
            {group_id: wanted}, {k: v.id for k, v in found.items()}
        )
