# SPDX-License-Identifier: Apache-2.0
"""The peer, its versions, histories, rights and old services."""

from protector import constants as c
from protector import exception
from protector.db.api import metadata_sync
from protector.tests.unit.engine.preflight import preflight_case


class SitesTest(preflight_case.PreflightCase):
    def test_a_peer_that_is_away(self) -> None:
        self.ctx.peer.error = exception.PeerUnreachable("away")
        self.assertEqual(["away"], self.only("PeerUnreachable"))

    def test_a_peer_of_other_versions(self) -> None:
        for low, high in (("1.0", "1.1"), ("1.3", "1.9"), ("2.0", "2.1")):
            self.ctx.peer.versions = {"min_api": low, "api": high}
            (message,) = self.only("PeerVersionMismatch")
            self.assertIn(f"{low} to {high}", message)
        for low, high in (("1.0", "1.10"), ("1.2", "1.2")):
            self.ctx.peer.versions = {"min_api": low, "api": high}
            self.assertEqual([], self.findings())

    def test_histories_that_differ(self) -> None:
        self.ctx.scene.group.conditions = {
            c.Condition.SPLIT: {"status": True, "message": "1/7 and 2/7"}
        }
        (message,) = self.only("Split")
        self.assertIn("1/7 and 2/7", message)

    def test_descriptions_that_differ(self) -> None:
        for status, found in (
            (c.SyncStatus.FAILED, ["MetadataOutOfSync"]),
            (c.SyncStatus.SYNCED, []),
        ):
            self.start(sync=metadata_sync.State(status, 3, 2, 1))
            told = self.findings()
            self.assertEqual(found, [f.code for f in told])
            for one in told:
                self.assertIn("version 3, the peer site 2", one.message)
                self.assertEqual("error", one.severity)

    def test_rights_in_the_tenants_project_at_both_sites(self) -> None:
        self.source.identity.roles = ["member"]
        self.target.identity.roles = []
        messages = self.only("RightMissing")
        self.assertEqual(2, len(messages))
        self.assertIn("p-here at site here", messages[0])
        self.assertIn("p-there at site there", messages[1])

    def test_a_project_that_gives_no_token(self) -> None:
        def forbidden() -> None:
            raise exception.CloudForbidden("Keystone: (401)")

        self.target.identity.check = forbidden
        self.source.identity.roles = []
        found = self.findings()
        self.assertEqual(
            [("rights", True)] * 2,
            [(f.check, "--inherited admin" in f.fix) for f in found],
        )

    def test_services_that_are_too_old(self) -> None:
        self.source.compute.server_maximum = (2, 72)
        self.target.volume.server_maximum = (3, 24)
        messages = self.only("MicroversionTooOld")
        self.assertEqual(2, len(messages))
        self.assertIn("2.72", messages[0])
        self.assertIn("Cinder at site there", messages[1])
        self.source.compute.server_maximum = (2, 73)
        self.target.volume.server_maximum = (3, 25)
        self.assertEqual([], self.findings())
