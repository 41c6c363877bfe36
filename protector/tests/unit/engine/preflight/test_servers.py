# SPDX-License-Identifier: Apache-2.0
"""Members, their servers, their copies: what cannot move or be used."""

import dataclasses
from typing import Any

from protector import constants as c
from protector import exception
from protector.engine import membership, preflight
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene
from protector.tests.unit.engine.preflight import preflight_case

HERE, THERE = fake_scene.HERE, fake_scene.THERE


class ServersTest(preflight_case.PreflightCase):
    def test_a_group_without_members(self) -> None:
        self.members = []
        self.start()
        (message,) = self.only("NoMembers")
        self.assertIn("no members", message)

    def test_members_that_stay_behind_are_told(self) -> None:
        for status in (c.MemberStatus.PROTECTING, c.MemberStatus.ERROR):
            self.members[1].status = status
            (message,) = self.only("MemberNotSettled", "warning")
            self.assertIn("db", message)
            self.assertIn(status, message)

    def test_every_server_that_cannot_move_is_named(self) -> None:
        servers = self.source.compute.servers
        servers["s-web"] = fake.server("s-web", status="RESCUE")
        servers["s-db"] = fake.server("s-db", status="VERIFY_RESIZE")
        messages = self.only("ServerNotMovable")
        self.assertEqual(2, len(messages))
        self.assertIn("RESCUE", messages[0])
        self.assertIn("VERIFY_RESIZE", messages[1])

    def held(self, **scene: Any) -> None:
        """The server is stopped under a lock of ours."""
        self.start()
        group = self.ctx.scene.group
        group.status = c.GroupStatus.ACTIVE
        for name, value in scene.items():
            setattr(group, name, value)
        self.source.compute.servers["s-web"] = fake.server(
            "s-web",
            status="SHUTOFF",
            locked=True,
            locked_reason="protector:op-0:ACTIVE",
        )

    def test_one_that_is_held_though_nothing_moves_it(self) -> None:
        """By a move that the database has forgotten."""
        self.held()
        (message,) = self.only("LiveServerHeld", "warning")
        for word in ("s-web", f"at site {HERE}", "op-0"):
            self.assertIn(word, message)
        (found,) = self.findings()
        self.assertIn("unlock", found.fix)
        self.assertNotIn("unplanned", found.fix)
        self.assertEqual("m-web", found.member)

    def test_the_ways_out_if_it_has_a_server_there(self) -> None:
        self.held()
        self.members[0].copies.append(
            fake_scene.copy(THERE, "t-web", role=c.CopyRole.PARKED)
        )
        fix = self.findings()[0].fix
        for word in ("unplanned failover", "parked", "unlock"):
            self.assertIn(word, fix)

    def test_what_is_held_by_a_move_is_none_of_ours(self) -> None:
        split = {c.Condition.SPLIT: {"status": True, "message": "two"}}
        for values in (
            {"operation_id": "op-0"},
            {"status": c.GroupStatus.ERROR},
            {"status": c.GroupStatus.FAILING_OVER},
            {"conditions": split},
        ):
            self.held(**values)
            codes = {f.code for f in self.findings()}
            self.assertNotIn("LiveServerHeld", codes, values)

    def test_what_its_owner_stopped_or_locked_is_not_held(self) -> None:
        for values in (
            {"locked": False, "locked_reason": None},
            {"locked_reason": "do not touch"},
            {"status": "ACTIVE"},
        ):
            self.held()
            servers = self.source.compute.servers
            servers["s-web"] = dataclasses.replace(servers["s-web"], **values)
            self.assertEqual([], self.findings(), values)

    def test_a_server_that_is_gone_does_not_hide_another(self) -> None:
        servers = self.source.compute.servers
        del servers["s-web"]
        servers["s-db"] = fake.server("s-db", status="RESCUE")
        found = self.findings()
        self.assertEqual(
            [("ServerMissing", "m-web"), ("ServerNotMovable", "m-db")],
            [(f.code, f.member) for f in found],
        )
        self.assertIn("s-web", found[0].message)
        self.assertIn("RESCUE", found[1].message)

    def test_a_member_without_a_server_is_named(self) -> None:
        self.members[0].copies = []
        self.ctx.scene = fake_scene.make(*self.members)
        (message,) = self.only("ServerMissing", "warning")
        self.assertIn("web", message)

    def new(self, **values: Any) -> None:
        """A volume was attached since."""
        given = {"volume_type": "gold-here", "group_id": None} | values
        self.source.volume.rows["v-new"] = fake.volume("v-new", **given)
        self.attach(self.members[0], "v-new")

    def test_a_planned_move_takes_a_new_volume_along(self) -> None:
        self.new()
        (message,) = self.only("VolumeNotProtected", "warning")
        self.assertIn("v-new", message)

    def test_an_unplanned_one_does_not(self) -> None:
        self.new()
        (found,) = self.findings(intent=preflight.HEALTH)
        self.assertEqual(
            ("VolumeNotProtected", "error"), (found.code, found.severity)
        )

    def test_a_new_volume_that_cannot_move_stops_it(self) -> None:
        for values in (
            {"volume_type": "slow"},
            {"group_id": "of-the-user"},
            {"multiattach": True},
        ):
            self.start()
            self.new(**values)
            (message,) = self.only("VolumeNotProtectable")
            self.assertIn("v-new", message)
        self.start()
        self.attach(self.members[0], "v-hidden")
        (message,) = self.only("VolumeNotProtectable")
        self.assertIn("not in the project", message)

    def test_a_volume_left_out_by_choice_is_no_drift(self) -> None:
        web = self.members[0]
        web.recipe = {**web.recipe, "left_out": ["v-scratch"]}
        self.attach(web, "v-scratch")
        self.assertEqual([], self.findings())

    def test_a_volume_that_was_detached_is_told(self) -> None:
        self.as_recorded()
        self.source.compute.attached.pop()
        (message,) = self.only("VolumeDetached", "warning", as_recorded=False)
        self.assertIn("here-db-0", message)

    def test_a_volume_that_was_deleted_is_told(self) -> None:
        self.as_recorded()
        self.source.compute.attached.pop()
        self.source.volume.rows.pop("here-db-0")
        (message,) = self.only("VolumeDeleted", "warning", as_recorded=False)
        self.assertIn("here-db-0", message)

    def parked(self, **values: Any) -> None:
        web = self.members[0]
        web.copies.append(
            fake_scene.copy(THERE, "t-web", role=c.CopyRole.PARKED)
        )
        web.volumes.append(fake_scene.volume(THERE, "web", 0))
        self.as_recorded()
        given = {"status": "SHELVED_OFFLOADED"} | values
        self.target.compute.servers["t-web"] = fake.server("t-web", **given)

    def test_a_parked_server_that_is_gone_is_built_anew(self) -> None:
        self.parked()
        del self.target.compute.servers["t-web"]
        messages = self.only("ParkedServerGone", "warning", as_recorded=False)
        self.assertIn("built anew", self.findings(False)[0].fix)
        self.assertIn("t-web", messages[0])

    def test_a_parked_server_that_is_broken_or_in_use(self) -> None:
        for status in ("ERROR", "SHUTOFF"):
            self.start()
            self.parked(status=status)
            (message,) = self.only("ParkedServerUnusable")
            self.assertIn(status, message)

    def test_a_parked_server_that_runs(self) -> None:
        for status in ("ACTIVE", "REBOOT", "PAUSED"):
            self.start()
            self.parked(status=status)
            (message,) = self.only("ParkedServerRuns")
            for word in ("t-web", THERE, status, f"at site {HERE} is live"):
                self.assertIn(word, message)
            fix = self.findings()[0].fix
            for word in ("shelve", "unplanned failover", "parked"):
                self.assertIn(word, fix)

    def test_one_of_which_nova_cannot_tell(self) -> None:
        """Its cell is down: that is no server that runs."""
        self.parked(status="UNKNOWN")
        (message,) = self.only("CloudUnreachable")
        self.assertIn("t-web", message)

    def test_one_that_an_arrival_parks_stops_no_move(self) -> None:
        locked = {"locked": True, "locked_reason": "protector:op-0:ACTIVE"}
        for values in (locked, {"task_state": "shelving"}):
            self.start()
            self.parked(status="ACTIVE", **values)
            self.only("ParkedServerRuns", "warning")

    def test_what_runs_at_both_sites_by_the_records(self) -> None:
        """An unplanned move left it, and it was fenced."""
        self.parked(status="ACTIVE")
        self.members[0].copy(THERE).role = c.CopyRole.LIVE
        (message,) = self.only("ParkedServerRuns")
        self.assertIn("by the records it is stopped and locked", message)

    def test_a_silent_source_does_not_hide_it(self) -> None:
        self.parked(status="ACTIVE")

        def away(**asked: Any) -> None:
            raise exception.CloudUnavailable(
                "no answer", site=HERE, service="Cinder"
            )

        self.source.volume.list = away
        codes = {f.code for f in self.findings(intent=preflight.HEALTH)}
        self.assertLessEqual({"ParkedServerRuns", "CloudUnreachable"}, codes)

    def test_what_we_can_mend_is_no_finding(self) -> None:
        for values in (
            {"status": "ERROR", "metadata": {"protector_member": "m-web"}},
            {
                "status": "SHUTOFF",
                "locked": True,
                "locked_reason": "protector:op-0:ACTIVE",
            },
        ):
            self.start()
            self.parked(**values)
            self.assertEqual([], self.findings())

    def test_a_copy_that_is_gone_or_broken(self) -> None:
        self.parked()
        rows = self.target.volume.rows
        rows["there-web-0"] = fake.volume(
            "there-web-0", status="error", server_ids=()
        )
        self.only("CopyInError", as_recorded=False)
        del rows["there-web-0"]
        (message,) = self.only("CopyGone", "warning", as_recorded=False)
        self.assertIn("is gone", message)

    def test_a_copy_that_another_server_uses(self) -> None:
        self.parked()
        self.target.volume.rows["there-web-0"] = fake.volume(
            "there-web-0", server_ids=("another",)
        )
        (message,) = self.only("CopyInUse")
        self.assertIn("another", message)

    def test_a_server_that_only_its_own_site_knows(self) -> None:
        """A move made it there whose claim came to nothing."""
        self.parked()
        self.target.volume.rows["there-web-0"] = fake.volume(
            "there-web-0", server_ids=("made",)
        )
        marks = {membership.MEMBER_MARK: self.members[0].id}
        self.target.compute.servers["made"] = fake.server(
            "made", metadata=marks
        )
        self.assertEqual([], self.findings())

    def grown(self, volume: str) -> None:
        self.parked()
        self.source.volume.rows["here-web-0"] = fake.volume(
            "here-web-0", size=70
        )
        self.target.volume.rows["there-web-0"] = fake.volume(
            "there-web-0", status=volume, server_ids=()
        )

    def test_a_volume_that_grew(self) -> None:
        for volume, server_id, severity, word in (
            ("available", "t-web", "warning", "extended"),
            ("reserved", "t-web", "warning", "built anew"),
            ("reserved", None, "error", "does not extend"),
        ):
            self.start()
            self.grown(volume)
            self.members[0].copy(THERE).server_id = server_id
            (message,) = self.only("CopyTooSmall", severity)
            self.assertIn(word, message)

    def test_what_an_old_nova_loses(self) -> None:
        web = self.members[0]
        web.recipe = {**web.recipe, "hostname": "w", "tags": ["a"]}
        self.target.compute.server_maximum = (2, 89)
        (message,) = self.only("PropertyLost", "warning")
        self.assertIn("web loses its hostname there", message)
        self.target.compute.server_maximum = (2, 90)
        self.assertEqual([], self.findings())

    def test_a_parked_server_loses_nothing(self) -> None:
        web = self.members[0]
        web.recipe = {**web.recipe, "hostname": "w"}
        self.parked()
        self.target.compute.server_maximum = (2, 80)
        self.assertEqual([], self.findings())
