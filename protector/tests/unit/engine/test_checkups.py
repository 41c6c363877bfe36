# SPDX-License-Identifier: Apache-2.0
"""What the periodic preflight keeps of each group."""

import datetime
from typing import Any

import fixtures

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import checkups
from protector.tests.unit.engine import arrival_case, case, fake_project


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


class ParkedTest(case.EngineCase):
    """The member was moved to the other site; its server here is parked."""

    def setUp(self) -> None:
        super().setUp()
        self.project = fake_project.Project()
        vars(self.boundary.clouds).update(
            vars(self.project), service=self.project
        )
        self.member_id = self.site.member(self.group_id)
        self.set_group(
            current_primary_site_id=self.site.peer_id,
            status=c.GroupStatus.FAILED_OVER,
            epoch=2,
        )
        self.set_roles(c.CopyRole.PARKED, c.CopyRole.LIVE)
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.peer_id)
            session.get_one(models.MemberCopy, key).server_id = "there"
            member = session.get_one(models.Member, self.member_id)
            member.recipe = arrival_case.recipe()
        self.checkups = checkups.Checkups(self.runtime)

    def set_roles(self, here: str, there: str) -> None:
        with self.runtime.db.writer() as session:
            member = session.get_one(models.Member, self.member_id)
            copy = member.copy(self.site.local_id)
            copy.role, self.server_id = here, str(copy.server_id)
            member.copy(self.site.peer_id).role = there

    def see(self, status: str) -> Any:
        """The condition after a look at the parked server."""
        servers = self.project.compute.servers
        servers[self.server_id] = fake_project.server(
            self.server_id, status=status
        )
        self.clock.advance(self.runtime.conf.engine.preflight_interval)
        self.checkups.run()
        with self.runtime.db.reader() as session:
            group = session.get_one(checkups.Group, self.group_id)
            at = datetime.datetime.fromisoformat(group.findings["at"])
        self.assertEqual(self.clock.now(), at)
        return group.conditions.get(c.Condition.SOURCE_FENCED)

    def told(self, status: str) -> tuple[bool | None, str] | None:
        found = self.see(status)
        return found and (found["status"], found["reason"])

    def test_one_that_runs_is_shown_until_it_is_down(self) -> None:
        runs, fenced = (False, "ParkedServerRuns"), (True, "Fenced")
        for status, told in (
            ("SHELVED_OFFLOADED", fenced),
            ("ACTIVE", runs),
            ("SHUTOFF", fenced),
            ("PAUSED", runs),
            ("SHELVED", fenced),
        ):
            self.assertEqual(told, self.told(status), status)

    def test_it_is_seen_to_be_down_after_a_failed_move_too(self) -> None:
        self.see("ACTIVE")
        error = c.GroupStatus.ERROR
        self.set_group(status=error, error_verb=c.Verb.FAILBACK)
        self.assertEqual((False, "ParkedServerRuns"), self.told("ACTIVE"))
        self.assertEqual((True, "Fenced"), self.told("SHELVED"))

    def test_the_server_the_site_and_the_ways_out_are_named(self) -> None:
        message = self.see("ACTIVE")["message"]
        for word in (self.server_id, "stop or shelve", "failback", "parked"):
            self.assertIn(word, message)

    def test_what_was_not_seen_is_as_it_was(self) -> None:
        self.see("ACTIVE")
        known = self.project.compute.get_server

        def away(server_id: str) -> Any:
            if server_id != self.server_id:
                return known(server_id)
            raise exception.CloudUnavailable(
                "no answer", site="site-a", service="Nova"
            )

        self.project.compute.get_server = away
        self.assertEqual((False, "ParkedServerRuns"), self.told("SHELVED"))

    def quiet(self, **values: Any) -> None:
        self.set_group(**values)
        self.assertIsNone(self.told("ACTIVE"), values)

    def test_not_where_the_group_runs(self) -> None:
        """The other site looks at what is parked there, and tells."""
        self.set_roles(c.CopyRole.LIVE, c.CopyRole.PARKED)
        here, servers = self.site.local_id, self.project.compute.servers
        servers["there"] = fake_project.server("there", status="ACTIVE")
        self.quiet(current_primary_site_id=here, status="active")
        fenced = {"status": True, "reason": "Fenced", "message": ""}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: fenced})
        self.assertEqual((True, "Fenced"), self.told("ACTIVE"))

    def test_not_while_the_group_moves(self) -> None:
        self.quiet(status=c.GroupStatus.FAILING_BACK)
        # servers that such a move has started, and not settled
        self.quiet(status=c.GroupStatus.ERROR, error_verb=c.Verb.FAILBACK)

    def test_not_in_an_operation_that_began_meanwhile(self) -> None:
        identity = self.project.identity.check

        def accepted() -> Any:
            self.set_group(operation_id=self.group_id)
            return identity()

        self.project.identity.check = accepted
        self.quiet()

    def test_not_in_two_histories(self) -> None:
        split = {"status": True, "reason": "TwoHistories", "message": ""}
        self.set_group(conditions={c.Condition.SPLIT: split})
        self.assertIsNone(self.told("ACTIVE"))

    def test_what_an_unplanned_move_left_is_the_quarantines(self) -> None:
        """As long as it is not fenced, nothing is said of the parked."""
        other = self.site.member(self.group_id, "db")
        with self.runtime.db.writer() as session:
            member = session.get_one(models.Member, other)
            member.recipe = arrival_case.recipe()
            copy = member.copy(self.site.peer_id)
            copy.role, copy.server_id = c.CopyRole.LIVE, "there-too"
        self.assertIsNone(self.told("ACTIVE"))
        self.assertIsNone(self.told("SHUTOFF"))
        fenced = {"status": True, "reason": "Fenced", "message": ""}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: fenced})
        self.assertEqual((False, "ParkedServerRuns"), self.told("ACTIVE"))

    def test_what_was_not_looked_at_is_not_told_to_be_down(self) -> None:
        self.see("ACTIVE")
        with self.runtime.db.writer() as session:
            member = session.get_one(models.Member, self.member_id)
            member.status = c.MemberStatus.ERROR
        self.assertEqual((False, "ParkedServerRuns"), self.told("ACTIVE"))

    def test_what_was_fenced_and_runs_again_is_shown(self) -> None:
        """An unplanned move left it; somebody unlocked and started it."""
        self.set_roles(c.CopyRole.LIVE, c.CopyRole.LIVE)
        fenced = {"status": True, "reason": "Fenced", "message": ""}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: fenced})
        message = self.see("ACTIVE")["message"]
        for word in (self.server_id, "stop or shelve", "failback", "parked"):
            self.assertIn(word, message)
        self.assertEqual((False, "ParkedServerRuns"), self.told("ACTIVE"))
        self.assertEqual((True, "Fenced"), self.told("SHUTOFF"))

    def test_what_is_not_fenced_yet_is_not_told_to_be_down(self) -> None:
        self.set_roles(c.CopyRole.LIVE, c.CopyRole.LIVE)
        for status in ("ACTIVE", "SHUTOFF"):
            self.assertIsNone(self.told(status))

    def test_what_is_being_fenced_is_told_first(self) -> None:
        being = {"status": False, "reason": "MembersNotFenced", "message": ""}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: being})
        for status in ("ACTIVE", "SHUTOFF"):
            self.assertEqual((False, "MembersNotFenced"), self.told(status))

    def test_where_nothing_was_left_nothing_is_said(self) -> None:
        self.set_roles(c.CopyRole.GONE, c.CopyRole.LIVE)
        self.assertIsNone(self.told("SHUTOFF"))
