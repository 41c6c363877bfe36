# SPDX-License-Identifier: Apache-2.0
"""What a source cleanup would do is told by name, before anything goes."""

from typing import Any
from unittest import mock

from protector.engine import finding, preflight, undo_copies
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fake_scene, fakes
from protector.tests.unit.engine.preflight import preflight_case

THERE = fake_scene.THERE
LIVE = "protector.engine.undo_copies.live"


class ParkedTest(preflight_case.PreflightCase):
    """Both members are parked there."""

    def setUp(self) -> None:
        super().setUp()
        for member in self.members:
            name = member.instance_name
            member.copies.append(
                fake_scene.copy(
                    THERE,
                    f"t-{name}",
                    role="parked",
                    stop_request_id="req-1",
                )
            )
            member.volumes.append(fake_scene.volume(THERE, name, 0))
        self.start()
        self.ctx.scene.group.current_primary_site_id = fake_scene.HERE
        compute = self.target.compute
        for name in ("web", "db"):
            compute.servers[f"t-{name}"] = fake.server(
                f"t-{name}", status="SHELVED_OFFLOADED"
            )
        compute.instance_actions = lambda server_id: fake.actions(["stop"])
        self.undo: dict[str, Any] = {}
        patch = mock.patch(LIVE, lambda look, site_id: self.undo)
        patch.start()
        self.addCleanup(patch.stop)

    def told(self, **args: Any) -> list[finding.Finding]:
        wanted = preflight.intent("source_cleanup", args)
        return self.findings(as_recorded=False, intent=wanted)

    def test_each_server_and_volume_that_goes_is_named(self) -> None:
        found = self.told()
        self.assertEqual([], preflight.errors(found))
        self.assertEqual({"ParkedRemoved"}, {f.code for f in found})
        for name, one in zip(("web", "db"), found, strict=True):
            for word in (name, f"t-{name}", f"there-{name}-0"):
                self.assertIn(word, one.message)

    def test_what_stays_is_named_with_the_reason(self) -> None:
        copy = self.members[0].copy(THERE)
        assert copy is not None
        copy.content_unique = True
        self.ctx.points = [self.point("e1", 0, members=self.members)]
        codes = {f.code: f.message for f in self.told()}
        self.assertIn("exists nowhere else", codes["ParkedKept"])
        self.assertIn("t-web", codes["ParkedKept"])
        self.assertIn("t-db", codes["ParkedRemoved"])

    def test_a_member_that_no_point_holds_stays(self) -> None:
        self.ctx.points = [self.point("e1", 0, members=self.members[1:])]
        kept = [f for f in self.told() if f.code == "ParkedKept"]
        self.assertEqual([self.members[0].id], [f.member for f in kept])

    def test_without_a_point_nothing_goes(self) -> None:
        self.ctx.points = []
        codes = {f.code for f in preflight.errors(self.told())}
        self.assertEqual({"NoRecoveryPoint"}, codes)

    def test_an_undo_copy_stops_it(self) -> None:
        self.ctx.scene.sites[THERE] = mock.Mock()
        name = "array:g.undo-12345678-1"
        self.undo = {name: undo_copies.UndoCopy(False, fakes.at(0))}
        (error,) = preflight.errors(self.told())
        self.assertEqual("UndoCopyLives", error.code)
        self.assertIn(name, error.message)
        found = self.told(discard_undo=True)
        self.assertEqual([], preflight.errors(found))
        self.assertIn("UndoCopyLives", {f.code for f in found})

    def test_no_other_verb_looks_at_it(self) -> None:
        for intent in (preflight.PLANNED, preflight.UNPLANNED):
            self.assertFalse({"undo", "parked"} & set(intent.checks))
