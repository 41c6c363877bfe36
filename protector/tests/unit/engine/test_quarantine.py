# SPDX-License-Identifier: Apache-2.0
"""Servers of the older epoch are locked and stopped, and nothing else."""

from typing import Any
from unittest import mock

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.engine import conditions, fencing, quarantine, releasing
from protector.tests.unit.engine import arrival_case
from protector.tests.unit.engine import fake_project as fake


class QuarantineTest(arrival_case.ArrivalCase):
    """The member ran here; the group was failed over without this site."""

    def setUp(self) -> None:
        super().setUp()
        self.compute = self.here.compute
        self.set_state(status="ACTIVE")
        self.set_group(
            current_primary_site_id=self.site.peer_id,
            operation_id=None,
            epoch=2,
            claim={"operation_id": "op"},
        )
        self.set_copy(role=c.CopyRole.LIVE)
        self.quarantine = quarantine.Quarantine(self.runtime)

    def set_state(self, **values: Any) -> None:
        self.compute._set(self.server_id, "", **values)

    def server(self) -> Any:
        return self.compute.rows[self.server_id]

    def told(self) -> tuple[bool | None, str]:
        return self.condition(c.Condition.SOURCE_FENCED)

    def test_locked_first_then_stopped_and_observed(self) -> None:
        self.quarantine.run()
        self.assertEqual(
            [("lock", self.server_id), ("stop", self.server_id)],
            self.here.changes,
        )
        self.assertEqual("op", fencing.parse(self.server().locked_reason)[0])
        # asked is not observed
        self.assertEqual((False, "MembersNotFenced"), self.told())
        self.quarantine.run()
        self.assertEqual((True, "Fenced"), self.told())

    def test_it_is_done_once(self) -> None:
        self.quarantine.run()
        self.quarantine.run()
        self.here.changes.clear()
        # somebody with the right to do so started it again
        self.set_state(status="ACTIVE", locked=False)
        self.quarantine.run()
        self.assertEqual([], self.here.changes)

    def another(self, role: str) -> str:
        """A second member, with a server here; the id of that."""
        member_id = self.site.member(self.group_id, "db")
        with self.runtime.db.writer() as session:
            ends = (self.site.local_id, self.site.peer_id)
            mine, theirs = (
                session.get_one(models.MemberCopy, (member_id, site_id))
                for site_id in ends
            )
            theirs.role = role
            server_id = str(mine.server_id)
        self.compute.rows[server_id] = fake.server(server_id)
        return server_id

    def test_another_that_starts_late_stops_it_not_again(self) -> None:
        """Somebody started the first again, who knew what that means."""
        late = self.another(c.CopyRole.GONE)
        for _ in range(2):
            self.quarantine.run()
        self.set_state(status="ACTIVE", locked=False)
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            conditions.parked_runs(group, [("it runs", "")], self.clock.now())
            (member_id,) = {
                x.member_id
                for x in session.query(models.MemberCopy)
                if x.server_id == late
            }
            key = (member_id, self.site.peer_id)
            session.get_one(models.MemberCopy, key).role = c.CopyRole.LIVE
            protection_groups.fence_anew(group, self.clock.now())
        self.here.changes.clear()
        for _ in range(2):
            self.quarantine.run()
        self.assertEqual([("lock", late), ("stop", late)], self.here.changes)
        self.assertEqual("ACTIVE", self.server().status)
        self.assertEqual((True, "Fenced"), self.told())

    def test_nor_does_one_that_cannot_be_stopped_yet(self) -> None:
        busy = self.another(c.CopyRole.LIVE)
        self.compute._set(busy, "", task_state="migrating")
        for _ in range(2):
            self.quarantine.run()
        self.set_state(status="ACTIVE", locked=False)
        self.here.changes.clear()
        self.quarantine.run()
        self.assertEqual([], self.here.changes)
        self.assertEqual((False, "MembersNotFenced"), self.told())

    def test_a_parked_server_that_runs_makes_it_stop_nothing(self) -> None:
        runs = {"status": False, "reason": "ParkedServerRuns"}
        self.set_group(conditions={c.Condition.SOURCE_FENCED: runs})
        self.quarantine.run()
        self.assertEqual([], self.here.changes)
        self.assertEqual((False, "ParkedServerRuns"), self.told())

    def test_it_is_repeated_until_nova_answers(self) -> None:
        for name in ("get_server", "lock", "stop"):
            away = exception.CloudUnavailable("no answer")
            self.here.fail(name, away)
            self.quarantine.run()
            self.assertEqual((False, "MembersNotFenced"), self.told())
        self.quarantine.run()
        self.quarantine.run()
        self.assertEqual("SHUTOFF", self.server().status)
        self.assertEqual((True, "Fenced"), self.told())

    def test_one_that_is_busy_is_looked_at_again(self) -> None:
        self.set_state(task_state="rebooting")
        self.quarantine.run()
        self.assertEqual([], self.here.changes)
        self.assertEqual((False, "MembersNotFenced"), self.told())

    def test_one_that_is_gone_is_down(self) -> None:
        del self.compute.rows[self.server_id]
        self.quarantine.run()
        self.assertEqual((True, "Fenced"), self.told())

    def untouched(self) -> None:
        self.quarantine.run()
        self.assertEqual([], self.here.changes)
        self.assertNotIn(c.Condition.SOURCE_FENCED, self.group().conditions)

    def test_what_runs_nowhere_else_runs_on(self) -> None:
        """The point of the failover did not hold it."""
        self.set_copy(role=c.CopyRole.GONE)
        self.untouched()

    def test_what_was_parked_is_left_alone(self) -> None:
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            session.get(models.MemberCopy, key).role = c.CopyRole.PARKED
        self.untouched()

    def test_what_waits_here_is_not_even_loaded(self) -> None:
        with self.runtime.db.writer() as session:
            key = (self.member_id, self.site.local_id)
            session.get(models.MemberCopy, key).role = c.CopyRole.PARKED
        with mock.patch.object(releasing.WritingReader, "of") as looked:
            self.quarantine.run()
        looked.assert_not_called()

    def test_where_the_group_runs_nothing_is_stopped(self) -> None:
        self.set_group(current_primary_site_id=self.site.local_id)
        self.untouched()

    def test_a_group_that_is_coming_back_is_left_alone(self) -> None:
        self.set_group(operation_id=self.group_id)
        self.untouched()

    # -- a newer history that was not taken over

    def split(self, **other: Any) -> None:
        """The other site runs the member; this one holds epoch 1."""
        self.set_group(
            current_primary_site_id=self.site.local_id,
            epoch=1,
            conditions={c.Condition.SPLIT: {"status": True}},
        )
        self.set_copy(role=c.CopyRole.GONE)
        known = {"epoch": 2, "running": [self.member_id]}
        with self.runtime.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )
            metadata_sync.find(session, self.group_id).other = known | other

    def test_the_older_side_of_a_split_is_fenced(self) -> None:
        self.split()
        self.quarantine.run()
        self.quarantine.run()
        self.assertEqual("SHUTOFF", self.server().status)
        self.assertEqual((True, "Fenced"), self.told())

    def test_the_newer_side_of_a_split_runs_on(self) -> None:
        self.split(epoch=1)
        self.untouched()

    def test_in_a_split_too_what_runs_nowhere_else_runs_on(self) -> None:
        self.split(running=[])
        self.untouched()

    def test_what_the_lost_site_runs_still_is_fenced(self) -> None:
        """The group went on without this site, and was deleted."""
        self.split(tombstone=True, epoch=2)
        self.set_group(conditions={})
        self.quarantine.run()
        self.quarantine.run()
        self.assertEqual("SHUTOFF", self.server().status)
