# SPDX-License-Identifier: Apache-2.0
"""What the periodic preflight keeps of each group."""

import datetime
from typing import Any

import fixtures

from protector import constants as c
from protector import exception
from protector.engine import checkups
from protector.tests.unit.engine import case, fake_project


class CheckupsTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.project = fake_project.Project()
        vars(self.boundary.clouds).update(vars(self.project))
        self.checkups = checkups.Checkups(self.runtime)

    def found(self, group_id: str | None = None) -> Any:
        with self.runtime.db.reader() as session:
            group = session.get(checkups.Group, group_id or self.group_id)
            return group.findings

    def codes(self) -> set[str]:
        return {f["code"] for f in self.found()["findings"]}

    def test_what_stops_either_kind_of_move_is_kept(self) -> None:
        self.checkups.run()
        self.assertEqual(self.clock.now().isoformat(), self.found()["at"])
        self.assertLessEqual({"NoMembers", "NoRecoveryPoint"}, self.codes())
        stopping = {
            f["code"]
            for f in self.found()["findings"]
            if f["severity"] == "error"
        }
        self.assertLessEqual({"NoMembers", "NoRecoveryPoint"}, stopping)
        self.assertEqual(
            (False, "NoMembers"), self.condition(c.Condition.FAILOVER_READY)
        )

    def test_a_silent_cloud_is_a_finding(self) -> None:
        def away() -> None:
            raise exception.CloudUnavailable(
                "no answer", site="site-a", service="Keystone"
            )

        self.project.identity.check = away
        self.peer.errors["check"] = exception.PeerUnreachable("away")
        self.checkups.run()
        self.assertLessEqual(
            {"PeerUnreachable", "CloudUnreachable"}, self.codes()
        )

    def test_a_silent_cloud_costs_one_timeout_a_round(self) -> None:
        asked: list[str] = []

        def away() -> None:
            asked.append("Keystone")
            raise exception.CloudUnavailable(
                "no answer", site="site-a", service="Keystone"
            )

        def gone(seconds: float) -> None:
            asked.append("Protector")
            raise exception.PeerUnreachable("away", site=self.site.peer_id)

        self.project.identity.check = away
        self.peer.check = gone
        others = [self.site.group(), self.site.group()]
        self.checkups.run()
        self.assertEqual(["Protector", "Keystone"], asked)
        for group_id in (self.group_id, *others):
            codes = {f["code"] for f in self.found(group_id)["findings"]}
            self.assertLessEqual(
                {"PeerUnreachable", "CloudUnreachable"}, codes
            )
        self.clock.advance(self.runtime.conf.engine.preflight_interval)
        self.checkups.run()
        self.assertEqual(4, len(asked))

    def age(self, seconds: float) -> float:
        """How old the findings are when it has run so much later."""
        self.clock.advance(seconds)
        self.checkups.run()
        at = datetime.datetime.fromisoformat(self.found()["at"])
        return (self.clock.now() - at).total_seconds()

    def test_what_stops_a_move_is_looked_at_again_soon(self) -> None:
        soon = self.runtime.conf.engine.observe_interval
        self.assertEqual(0, self.age(0))
        self.assertEqual(5, self.age(5))
        self.assertEqual(0, self.age(soon))

    def test_the_others_by_the_interval(self) -> None:
        errors = "protector.engine.preflight.errors"
        self.useFixture(fixtures.MonkeyPatch(errors, lambda found: []))
        soon = self.runtime.conf.engine.observe_interval
        self.assertEqual(0, self.age(0))
        self.assertEqual(soon, self.age(soon))
        self.assertEqual(
            0, self.age(self.runtime.conf.engine.preflight_interval)
        )

    def test_not_while_an_operation_changes_it(self) -> None:
        operation_id = self.accept("update")
        self.checkups.run()
        self.assertIsNone(self.found())
        self.end(operation_id)
        self.checkups.run()
        self.assertIsNotNone(self.found())

    def test_what_was_seen_before_a_turn_is_not_kept(self) -> None:
        identity = self.project.identity.check

        def moved() -> Any:
            self.set_group(epoch=2, current_primary_site_id=self.site.peer_id)
            return identity()

        self.project.identity.check = moved
        self.checkups.run()
        self.assertIsNone(self.found())

    def test_one_bad_group_does_not_stop_the_others(self) -> None:
        others = [self.site.group(), self.site.group()]
        bad = sorted([self.group_id, *others])[0]
        with self.runtime.db.writer() as session:
            for row in session.query(checkups.models.ConsistencyGroup):
                if row.protection_group_id == bad:
                    session.delete(row)
        self.checkups.run()
        for group_id in {self.group_id, *others} - {bad}:
            self.assertIsNotNone(self.found(group_id))
