# SPDX-License-Identifier: Apache-2.0
"""The arrays: link, group, age and content of the newest point."""

import dataclasses

from protector import exception
from protector.clients import types
from protector.engine import preflight
from protector.storage import base as storage
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

WELL = preflight_case.WELL
BACKEND = {"volume_backend_name": "pure"}
GOLD = types.VolumeType(
    "gold", "gold", BACKEND | {"replication_enabled": "<is> True"}
)
SILVER = types.VolumeType("silver", "silver", BACKEND)


class ReplicationTest(preflight_case.PreflightCase):
    def test_what_the_arrays_say(self) -> None:
        for told, code, word in (
            (
                storage.Status(
                    True, "disconnected", True, True, 1, WELL.volumes
                ),
                "LinkDown",
                "disconnected",
            ),
            (
                storage.Status(
                    True, "connected", False, True, 1, WELL.volumes
                ),
                "TransferNotAllowed",
                "take transfers",
            ),
            (
                storage.Status(
                    False, "connected", True, True, 1, WELL.volumes
                ),
                "ArrayGroupMissing",
                "no group of",
            ),
        ):
            self.ctx.told = told
            (message,) = self.only(code)
            self.assertIn(word, message)

    def test_what_does_not_replicate_on_schedule_still_moves(self) -> None:
        self.ctx.told = dataclasses.replace(WELL, schedule_enabled=False)
        (message,) = self.only("ScheduleOff", "warning")
        self.assertIn("on schedule", message)

    def test_a_blackout_is_told(self) -> None:
        self.ctx.told = dataclasses.replace(WELL, blackout=(79200, 19800))
        (message,) = self.only("ScheduleRests", "warning")
        self.assertIn("from 22:00 to 05:30", message)

    def test_a_full_array_stops_and_a_nearly_full_one_warns(self) -> None:
        gib = 1024**3
        for site in (preflight_case.HERE, preflight_case.THERE):
            for used, severity in ((100, "error"), (90, "warning")):
                space = storage.Space(100 * gib, used * gib)
                self.ctx.spaces = {f"array-{site}": space}
                (message,) = self.only("ArraySpaceShort", severity)
                self.assertIn(f"array-{site} has {used} of 100 GiB", message)
        self.ctx.spaces = {"array-here": storage.Space(100, 89)}
        self.assertEqual([], self.findings())

    def test_copies_that_take_nothing_in(self) -> None:
        """Looked at where they lie in pods."""
        self.ctx.closed = lambda array, volumes: f"{array.name} is offline."
        self.assertEqual([], self.findings())
        self.ctx.scene.group.replication_type = "sync"
        self.target.volume.types = lambda: [GOLD, SILVER]
        self.ctx.scene.side(preflight_case.THERE).volume_type_id = "gold"
        self.assertEqual(
            ["array-there is offline."], self.only("CopiesClosed")
        )

    def test_what_a_survivor_needs_alone(self) -> None:
        self.ctx.closed = lambda array, volumes: None
        self.ctx.scene.group.replication_type = "sync"
        self.ctx.scene.side(preflight_case.THERE).volume_type_id = "gold"
        for known, told in (([GOLD, SILVER], False), ([GOLD], True)):
            self.target.volume.types = lambda known=known: known
            found = self.findings()
            codes = [(f.code, f.severity) for f in found]
            wanted = [("CloneTypeMissing", "warning")] if told else []
            self.assertEqual(wanted, codes)

    # -- points

    def test_a_move_makes_up_for_a_point_that_is_lacking(self) -> None:
        self.ctx.points = []
        (message,) = self.only("NoRecoveryPoint", "warning")
        self.assertIn("no complete recovery point", message)

    def test_an_unplanned_failover_cannot(self) -> None:
        self.ctx.points = []
        found = self.findings(intent=preflight.UNPLANNED)
        self.assertEqual(
            [("points", "error")], [(f.check, f.severity) for f in found]
        )

    def test_what_is_half_there_or_of_another_epoch_does_not_count(
        self,
    ) -> None:
        for point in (
            self.point("e1", 0, complete=False),
            self.point("e2", 0),
        ):
            self.ctx.points = [point]
            (message,) = self.only("NoRecoveryPoint", "warning")
            self.assertIn("no complete recovery point", message)

    def test_an_old_point_is_told_before_the_rpo_is_passed(self) -> None:
        # the RPO is 30 minutes
        self.ctx.points = [self.point("e1", -20)]
        self.assertEqual([], self.findings())
        self.ctx.points = [self.point("e1", -20.1)]
        (message,) = self.only("RecoveryPointOld", "warning")
        self.assertIn("20 min old; the RPO is 30 min", message)

    def test_members_newer_than_the_point_are_named(self) -> None:
        self.ctx.points = [self.point("e1", -1, members=self.members[:1])]
        (message,) = self.only("MemberNewerThanPoint", "warning")
        self.assertIn("Member db", message)

    def lacking(self) -> str:
        """The newest point lacks a volume that its user deleted, or took out
        of the group; the name of the last one that has it."""
        self.ctx.points = [
            self.point("e1", -1, members=self.members[:1]),
            self.point("e1-then", -2),
            self.point("e1-first", -3),
        ]
        return str(self.ctx.points[1].name)

    def test_a_volume_that_left_the_points_is_named(self) -> None:
        then = self.lacking()
        (message,) = self.only("VolumeNotInPoint", "warning")
        (volume,) = self.members[1].volumes_at(fake_scene.HERE)
        for word in ("db", str(volume.cinder_id), then):
            self.assertIn(word, message)

    def test_it_stops_no_move_and_is_no_good_health(self) -> None:
        self.lacking()
        for wanted, severity in (
            (preflight.PLANNED, "warning"),
            (preflight.UNPLANNED, "warning"),
            (preflight.HEALTH, "error"),
        ):
            found = self.findings(intent=wanted)
            self.assertIn(
                ("VolumeNotInPoint", severity),
                [(f.code, f.severity) for f in found],
            )
        self.assertIn("held", preflight.TEST_FAILOVER.checks)
        self.assertNotIn("held", preflight.TEST_FAILOVER.blocking)

    def test_the_age_is_that_of_the_point_that_would_be_taken(self) -> None:
        self.ctx.points = [
            self.point("e1", -1, members=[]),
            self.point("e1-then", -25),
        ]
        codes = {f.code: f.message for f in self.findings()}
        self.assertIn("25 min old", codes["RecoveryPointOld"])

    def test_silent_arrays_are_one_finding(self) -> None:
        self.ctx.told = exception.ArrayUnavailable("away")
        self.assertEqual(["away"], self.only("ArrayUnreachable"))
