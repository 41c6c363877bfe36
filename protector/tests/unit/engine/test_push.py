# SPDX-License-Identifier: Apache-2.0
"""A document goes from the primary only; elsewhere it is compared."""

from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.engine import push
from protector.tests.unit.engine import case


class PushTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            self.made = metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )

    def status(self) -> str:
        return self.record().remote_status

    def record(self) -> models.MetadataSync:
        with self.runtime.db.reader() as session:
            return metadata_sync.find(session, self.group_id)

    def test_the_primary_sends(self) -> None:
        self.assertEqual(self.made, push.deliver(self.runtime, self.group_id))
        self.assertEqual([self.group_id], self.peer.pushed)
        self.assertEqual("synced", self.status())

    def test_of_an_unreachable_peer_the_cause_is_shown(self) -> None:
        self.peer.errors[self.group_id] = exception.PeerUnreachable(
            "Site site-b is unreachable: Connection timeout.",
            cause="Connection timeout",
        )
        self.assertRaises(
            exception.PeerUnreachable,
            push.deliver,
            self.runtime,
            self.group_id,
        )
        record = self.record()
        self.assertEqual("failed", record.remote_status)
        self.assertEqual("Connection timeout", record.error)

    def test_the_other_site_compares(self) -> None:
        self.set_group(current_primary_site_id=self.site.peer_id)
        self.peer.held = [{"id": self.group_id, **self.made.as_dict()}]
        push.deliver(self.runtime, self.group_id)
        self.assertEqual([], self.peer.pushed)
        self.assertEqual("synced", self.status())

    def test_the_other_site_names_the_one_that_can(self) -> None:
        self.set_group(current_primary_site_id=self.site.peer_id)
        before = self.status()
        error = self.assertRaises(
            exception.MetadataOutOfSync,
            push.deliver,
            self.runtime,
            self.group_id,
        )
        self.assertIn("sync-force at site-b", error.remedy)
        self.assertEqual([], self.peer.pushed)
        self.assertEqual(before, self.status())
