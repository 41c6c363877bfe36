# SPDX-License-Identifier: Apache-2.0
"""The documented examples, letter by letter but for ids and times."""

from __future__ import annotations

from protectorclient.tests import fake_cloud
from protectorclient.tests.fake_protector import SITE_A, SITE_B, TYPE
from protectorclient.tests.osc import base

EXAMPLE_1 = """
+------------------------+--------------------------------------+
| Field | Value |
+------------------------+--------------------------------------+
| id | pg-12345678-1234-1234-1234-123456789abc |
| name | prod-web-app |
| description | Production web application |
| status | active |
| replication_type | async |
| primary_site_id | site-a-uuid |
| secondary_site_id | site-b-uuid |
| current_primary_site_id| site-a-uuid |
| consistency_group_id | cg-87654321-4321-4321-4321-87654321 |
| failover_count | 0 |
| created_at | 2025-06-01T10:00:00Z |
+------------------------+--------------------------------------+
"""
EXAMPLE_2 = """
+------------------------+--------------------------------------+
| Field | Value |
+------------------------+--------------------------------------+
| id | member-aabbccdd-1234-1234-1234-aabbccdd1234 |
| protection_group_id | pg-12345678-1234-1234-1234-123456789abc |
| instance_id | a1b2c3d4-0001-0001-0001-000000000001 |
| instance_name | web-server-1 |
| status | protected |
| volumes_added | 2 |
+------------------------+--------------------------------------+
"""
EXAMPLE_2_LIST = """
+-------------+-------------------+-----------+-----------+
| id | instance_name | status | volumes |
+-------------+-------------------+-----------+-----------+
| member-aa.. | web-server-1 | protected | 2 |
| member-bb.. | app-server-1 | protected | 2 |
| member-cc.. | db-server-1 | protected | 3 |
+-------------+-------------------+-----------+-----------+
"""
EXAMPLE_3 = """\
Sync Status: ✓ IN SYNC
Local Metadata:
Version: 4
Current Site: Site A
Last Modified: 2025-06-01T10:15:00Z
Remote Sync:
Status: SYNCED
Remote Version: 4
Last Sync: 2025-06-01T10:15:05Z (5 seconds ago)
Validation:
✓ Versions match (4 = 4)
✓ Sync status is 'synced'
✓ Last sync is recent
Both sites have identical metadata.
"""
EXAMPLE_4_STATUS = """\
Sync Status: ✗ OUT OF SYNC
Local Metadata:
Version: 5
Current Site: Site A
Last Modified: 2025-06-01T10:20:00Z
Remote Sync:
Status: FAILED
Remote Version: 4
Last Sync: 2025-06-01T10:10:05Z (5 minutes ago)
Error: Connection timeout
Action Required:
1. Check remote site connectivity
2. Force sync once remote site is available
"""
EXAMPLE_4_FORCE = """\
Force Sync Initiated...
Checking remote site connectivity...
✓ Site B is reachable
Syncing metadata (version 5)...
Gathering current metadata... ✓
Calculating checksum... ✓
Pushing to Site B... ✓
Remote Site Response:
Status: success
Version: 5
Duration: 312ms
✓ Sync completed successfully
Both sites now at version 5
"""
IN_SYNC = {
    "in_sync": True,
    "local": {
        "version": 4,
        "epoch": 1,
        "current_site": "Site A",
        "last_modified": "2025-06-01T10:15:00Z",
    },
    "remote": {
        "status": "synced",
        "version": 4,
        "epoch": 1,
        "last_sync": "2025-06-01T10:15:05Z",
        "error": None,
    },
    "validation": [
        {"check": "versions", "ok": True, "message": "Versions match (4 = 4)"},
        {"check": "s", "ok": True, "message": "Sync status is 'synced'"},
        {"check": "r", "ok": True, "message": "Last sync is recent"},
    ],
    "actions_required": [],
    "histories": [],
}
OUT_OF_SYNC = {
    "in_sync": False,
    "local": {
        "version": 5,
        "epoch": 1,
        # an id, as a server might answer: the report shows the name
        "current_site": SITE_A,
        "last_modified": "2025-06-01T10:20:00Z",
    },
    "remote": {
        "status": "failed",
        "version": 4,
        "epoch": 1,
        "last_sync": "2025-06-01T10:10:05Z",
        "error": "Connection timeout",
    },
    "validation": [],
    "actions_required": [
        "Check remote site connectivity",
        "Force sync once remote site is available",
    ],
    "histories": [],
}
CREATE = (
    "--name",
    "prod-web-app",
    "--description",
    "Production web application",
    "--replication-type",
    "async",
    "--primary-site",
    "Site A",
    "--secondary-site",
    "Site B",
    "--volume-type",
    "replicated-ssd",
)


class PageTest(base.CommandCase):
    """Examples 1 to 4; example 5 is REST only."""

    def test_example_1_create(self) -> None:
        result = self.group("create", *CREATE)
        self.assertEqual(0, result.code, result.err)
        self.assertEqual(
            base.normalised(EXAMPLE_1), base.normalised(result.out)
        )
        body = self.site_a.asked("POST", "/protection-groups")[0].body
        self.assertEqual(
            {
                "name": "prod-web-app",
                "description": "Production web application",
                "replication_type": "async",
                "primary_site_id": SITE_A,
                "secondary_site_id": SITE_B,
                "volume_type_id": TYPE,
            },
            body["protection_group"],
        )

    def test_example_2_members(self) -> None:
        self.site_a.make_group("prod-web-app")
        result = self.group(
            "member-add prod-web-app",
            "--instance-id",
            "a1b2c3d4-0001-0001-0001-000000000001",
        )
        self.assertEqual(0, result.code, result.err)
        self.assertEqual(
            base.normalised(EXAMPLE_2), base.normalised(result.out)
        )
        self.site_a.make_member("app-server-1", 2)
        self.site_a.make_member("db-server-1", 3)
        result = self.group("member-list prod-web-app")
        self.assertEqual(
            base.normalised(EXAMPLE_2_LIST), base.normalised(result.out)
        )

    def test_example_3_sync_status(self) -> None:
        self.site_a.make_group("prod-web-app")
        self.site_a.sync = IN_SYNC
        result = self.group("sync-status prod-web-app")
        self.assertEqual(EXAMPLE_3, result.out)
        shown = self.group("sync-status prod-web-app", "-f", "json").json()
        self.assertEqual(IN_SYNC, shown)

    def test_two_histories_are_shown(self) -> None:
        self.site_a.make_group("prod-web-app")
        held = {"checksum": "5ea1", "last_modified": "2025-06-01T10:20:00Z"}
        self.site_a.sync = {
            **OUT_OF_SYNC,
            "histories": [
                {"site": "Site A", "epoch": 1, "version": 5, **held},
                {"site": "Site B", "epoch": None, "version": None},
            ],
        }
        result = self.group("sync-status prod-web-app")
        self.assertIn(
            "Histories:\n"
            "Site A: epoch 1, version 5, last modified 2025-06-01T10:20:00Z, "
            "checksum 5ea1\n"
            "Site B: nothing\n",
            result.out,
        )

    def test_example_4_sync_force(self) -> None:
        self.site_a.make_group("prod-web-app")
        self.site_a.sync = OUT_OF_SYNC
        result = self.group("sync-status prod-web-app")
        self.assertEqual(EXAMPLE_4_STATUS, result.out)
        result = self.group("sync-force prod-web-app")
        self.assertEqual(EXAMPLE_4_FORCE, result.out)
        shown = self.group("sync-force prod-web-app", "-f", "json").json()
        self.assertEqual(
            ["success", 5, 312],
            [shown[key] for key in ("status", "version", "duration_ms")],
        )

    def test_sync_force_with_a_dead_peer(self) -> None:
        self.site_a.make_group("prod-web-app")
        refusal = fake_cloud.error(
            503,
            "PeerUnreachable",
            "remote site unreachable - cannot modify protection group",
        )
        self.site_a.instead.append(("POST", "sync-force", refusal))
        result = self.group("sync-force prod-web-app")
        self.assertEqual(1, result.code)
        self.assertIn("✗ Site B is unreachable", result.out)
        self.assertNotIn("✓", result.out)
        self.assertIn("remote site unreachable", result.err)

    def test_plugin_is_loaded(self) -> None:
        result = self.protector("", "--help")
        self.assertEqual(0, result.code)
        self.assertIn("protection-group create", result.out)

    def test_list_show_delete(self) -> None:
        self.site_a.make_group("prod-web-app")
        result = self.group("list")
        self.assertIn("| prod-web-app | active | Site A", result.out)
        result = self.group("show prod-web-app")
        self.assertEqual(
            base.normalised(EXAMPLE_1),
            base.normalised(result.out)[: len(base.normalised(EXAMPLE_1))],
        )
        result = self.group("delete prod-web-app")
        self.assertEqual((0, ""), (result.code, result.out))
        self.assertEqual([], self.site_a.groups)
        self.assertEqual({}, self.site_a.asked("DELETE", "")[0].query)

    def test_issue_sections_show_the_symptom(self) -> None:
        symptoms = (
            (400, "VolumeTypeNotReplicated", "volume type not replication-"),
            (503, "PeerUnreachable", "secondary site unreachable"),
        )
        for status, reason, text in symptoms:
            refusal = fake_cloud.error(status, reason, f"{text} x")
            self.site_a.instead = [("POST", "protection-groups$", refusal)]
            result = self.group("create", *CREATE)
            self.assertEqual((1, ""), (result.code, result.out))
            self.assertIn(text, result.err)
            self.assertIn(reason, result.err)
            self.assertNotIn("Traceback", result.err)
