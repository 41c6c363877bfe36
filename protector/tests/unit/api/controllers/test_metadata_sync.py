# SPDX-License-Identifier: Apache-2.0
"""sync-status and sync-force over HTTP, as the page shows them."""

import datetime
from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.tests.unit.api import served
from protector.tests.unit.db.api import database


class SyncTest(served.ApiTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.path = f"/protection-groups/{self.group_id}"

    def settled(self, **values: Any) -> None:
        """A document that the peer has confirmed just now."""
        runtime = self.served.runtime
        now = runtime.clock.now()
        with self.db.writer() as session:
            group = protection_groups.get(session, self.group_id)
            mine = metadata_sync.settle(
                session, group, self.site.local_id, now
            )
            metadata_sync.confirm(session, self.group_id, mine, now)
            sync = session.get(models.MetadataSync, self.group_id)
            for name, value in values.items():
                setattr(sync, name, value)

    def status(self) -> Any:
        answer = self.tenant("GET", f"{self.path}/sync-status")
        return self.ok(answer)["sync_status"]

    def test_in_sync(self) -> None:
        self.settled()
        shown = self.status()
        self.assertTrue(shown["in_sync"])
        self.assertEqual("site-a", shown["local"]["current_site"])
        self.assertEqual(
            [
                "Versions match (1 = 1)",
                "Sync status is 'synced'",
                "Last sync is recent",
            ],
            [v["message"] for v in shown["validation"]],
        )
        self.assertEqual([], shown["actions_required"])

    def test_out_of_sync(self) -> None:
        self.settled(
            version=5,
            remote_version=4,
            remote_status=c.SyncStatus.FAILED,
            error="Connection timeout",
        )
        shown = self.status()
        self.assertFalse(shown["in_sync"])
        self.assertEqual("failed", shown["remote"]["status"])
        self.assertEqual("Connection timeout", shown["remote"]["error"])
        self.assertEqual(
            [
                "Check remote site connectivity",
                "Force sync once remote site is available",
            ],
            shown["actions_required"],
        )

    def test_a_long_silence_is_not_recent(self) -> None:
        hour = datetime.timedelta(hours=1)
        self.settled(last_sync_at=self.served.runtime.clock.now() - hour)
        shown = self.status()
        self.assertTrue(shown["in_sync"])
        self.assertFalse(shown["validation"][2]["ok"])

    def test_a_peer_that_is_away(self) -> None:
        """What it confirmed holds; that it is away is told, not asked."""
        for status, shown_as, actions in (
            (
                c.SyncStatus.SYNCED,
                "unreachable",
                ["Check remote site connectivity"],
            ),
            (
                c.SyncStatus.FAILED,
                "failed",
                [
                    "Check remote site connectivity",
                    "Force sync once remote site is available",
                ],
            ),
        ):
            self.settled(remote_status=status)
            with self.db.writer() as session:
                protection_groups.set_condition(
                    protection_groups.get(session, self.group_id),
                    c.Condition.PEER_REACHABLE,
                    False,
                    "NoAnswer",
                    "Site site-b is unreachable: Connection timeout.",
                    self.served.runtime.clock.now(),
                )
            shown = self.status()
            self.assertEqual(status == c.SyncStatus.SYNCED, shown["in_sync"])
            self.assertEqual(shown_as, shown["remote"]["status"])
            self.assertIn("Connection timeout", shown["remote"]["error"])
            self.assertEqual(actions, shown["actions_required"])
        self.assertEqual([], self.engine.calls)

    def test_before_the_first_document(self) -> None:
        shown = self.status()
        self.assertEqual("pending", shown["remote"]["status"])
        self.assertFalse(shown["in_sync"])
        self.assertEqual([], self.engine.calls)

    def test_force(self) -> None:
        self.settled()
        answer = self.tenant("POST", f"{self.path}/sync-force")
        shown = self.ok(answer)["sync_force"]
        self.assertEqual("success", shown["status"])
        self.assertEqual(1, shown["version"])
        self.assertGreaterEqual(shown["duration_ms"], 0)

    def test_force_is_what_out_of_sync_allows(self) -> None:
        self.settled(remote_status=c.SyncStatus.FAILED)
        self.ok(self.tenant("POST", f"{self.path}/sync-force", {}))

    def test_force_while_another_operation_runs(self) -> None:
        """As the reprotection that nobody asked for."""
        self.settled()
        self.set_group(self.group_id, operation_id=database.new_id())
        for _ in "12":
            self.ok(self.tenant("POST", f"{self.path}/sync-force"))

    def test_force_at_the_other_site_too(self) -> None:
        self.settled()
        self.set_group(
            self.group_id, current_primary_site_id=self.site.peer_id
        )
        self.ok(self.tenant("POST", f"{self.path}/sync-force"))

    def test_a_dead_peer(self) -> None:
        self.settled()
        self.engine.fails_with = served.unreachable()
        answer = self.tenant("POST", f"{self.path}/sync-force")
        self.refused(answer, 503, "PeerUnreachable")

    def test_more_waiters_than_places_are_202(self) -> None:
        self.settled()
        self.served.runtime.conf.set_override("settle_waiters", 0, "api")
        answer = self.tenant("POST", f"{self.path}/sync-force")
        shown = self.ok(answer, 202)["sync_force"]
        self.assertEqual("pending", shown["status"])
