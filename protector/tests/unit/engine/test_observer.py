# SPDX-License-Identifier: Apache-2.0
"""What the observer writes down of points, conditions and the peer."""

import dataclasses
from typing import Any
from unittest import mock
import uuid

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import observer, scene
from protector.tests.unit.engine import case, fakes

K = c.Condition


class ObserverTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.observer = observer.Observer(self.runtime)
        self.member_id = self.site.member(self.group_id)
        self.driver.schedules["here"] = True
        self.clock.advance(600)

    def points(self, group: str, *given: tuple[str, float]) -> None:
        here = group == "here"
        source = self.site.local_id if here else self.site.peer_id
        volumes = [self.volume_name(self.member_id, source)]
        self.driver.points[group] = [
            fakes.point(group, suffix, minutes, volumes)
            for suffix, minutes in given
        ]

    def in_sync(self) -> None:
        self.found()
        with self.runtime.db.writer() as session:
            session.add(
                models.MetadataSync(
                    protection_group_id=self.group_id,
                    epoch=1,
                    version=1,
                    checksum="sum",
                    document="{}",
                    made_at=self.clock.now(),
                    remote_status=c.SyncStatus.SYNCED,
                    attempts=0,
                )
            )

    def found(self, *codes: str, severity: str = "error") -> None:
        """By the last preflight."""
        told = [{"code": code, "severity": severity} for code in codes]
        at = self.clock.now().isoformat()
        self.set_group(findings={"at": at, "findings": told})

    def member(self) -> models.Member:
        with self.runtime.db.reader() as session:
            return session.get_one(models.Member, self.member_id)

    def count(self) -> int:
        return len(self.driver.named("status"))

    def test_a_point_has_one_id_at_both_sites(self) -> None:
        self.points("here", ("e1", 5))
        self.observer.run()
        with self.runtime.db.reader() as session:
            (row,) = session.query(models.RecoveryPoint)
        known = uuid.uuid5(uuid.UUID(self.group_id), row.name)
        self.assertEqual(str(known), row.id)

    # -- readiness

    def test_all_well_is_ready(self) -> None:
        self.in_sync()
        self.points("here", ("e1", 5))
        self.observer.run()
        self.assertEqual((True, "Ready"), self.condition(K.FAILOVER_READY))
        self.assertEqual((True, "WithinRPO"), self.condition(K.WITHIN_RPO))

    def test_what_stops_a_move_is_counted(self) -> None:
        self.in_sync()
        self.points("here", ("e1", 5))
        for severity, reason in (
            ("error", "QuotaShort"),
            ("warning", "Ready"),
        ):
            self.found("QuotaShort", "MacTaken", severity=severity)
            self.observer.run()
            self.assertEqual(reason, self.condition(K.FAILOVER_READY)[1])
            self.clock.advance(60)
            if severity == "error":
                message = self.group().conditions[K.FAILOVER_READY]["message"]
                self.assertEqual("2 findings: QuotaShort, MacTaken.", message)

    def test_what_no_preflight_saw_is_not_ready(self) -> None:
        self.in_sync()
        self.set_group(findings=None)
        self.points("here", ("e1", 5))
        self.observer.run()
        self.assertEqual(
            (False, "NotChecked"), self.condition(K.FAILOVER_READY)
        )

    # -- histories

    def test_two_histories_are_seen(self) -> None:
        self.in_sync()
        held = {"id": self.group_id, "epoch": 1, "version": 1}
        for checksum, known in (("other", True), ("sum", False)):
            self.peer.held = [{**held, "checksum": checksum}]
            self.observer.run()
            self.assertIs(known, self.condition(K.SPLIT)[0])
            self.clock.advance(60)
        # an older version there says nothing
        self.peer.held = [{**held, "version": 0, "checksum": "other"}]
        self.observer.run()
        self.assertIs(False, self.condition(K.SPLIT)[0])

    def held(self, **values: Any) -> None:
        """What the peer says that it holds."""
        known = {"epoch": 1, "version": 1, "checksum": "sum"}
        self.peer.held = [{"id": self.group_id, **known, **values}]

    def test_what_the_peer_has_claimed_is_seen(self) -> None:
        for told, seen in (({}, 1), ({"claimed_epoch": 2}, 2)):
            self.clock.advance(600)
            self.held(**told)
            self.observer.run()
            self.assertEqual((1, seen), self._epochs())

    def _epochs(self) -> tuple[int, int]:
        group = self.group()
        return group.epoch, group.epoch_seen

    def test_the_other_site_tells_what_runs_there(self) -> None:
        self.in_sync()
        for told, shown in (
            ({}, None),
            ({"source_fenced": False}, (False, "NotFencedThere")),
            ({"source_fenced": None}, (False, "NotFencedThere")),
            ({"source_fenced": True}, (True, "Fenced")),
            ({"source_fenced": False}, (False, "NotFencedThere")),
        ):
            self.held(**told)
            self.observer.run()
            self.clock.advance(60)
            found = self.group().conditions.get(K.SOURCE_FENCED)
            seen = found and (found["status"], found["reason"])
            self.assertEqual(shown, seen, told)
        message = self.group().conditions[K.SOURCE_FENCED]["message"]
        self.assertIn("health at site site-b", message)

    def test_why_nothing_is_fenced_is_not_told_over(self) -> None:
        self.in_sync()
        known = {"status": False, "reason": "NotFenced", "message": ""}
        self.set_group(conditions={K.SOURCE_FENCED: known})
        self.held(source_fenced=False)
        self.observer.run()
        self.assertEqual((False, "NotFenced"), self.condition(K.SOURCE_FENCED))

    def test_a_drill_that_its_site_has_forgotten_is_over(self) -> None:
        self.in_sync()
        began = self.clock.now()
        with self.runtime.db.writer() as session:
            session.add(
                models.Drill(
                    protection_group_id=self.group_id,
                    operation_id=self.site.peer_id,
                    site_id=self.site.peer_id,
                    status=c.DrillStatus.RUNNING,
                    started_at=began,
                    members=[],
                    residue=[],
                )
            )
        for minutes, told, status in (
            # its site may have answered before it began
            (1, {"drill_id": None}, "running"),
            (5, {"drill_id": self.site.peer_id}, "running"),
            # a site of an earlier release
            (5, {}, "running"),
            (5, {"drill_id": None}, "ended"),
        ):
            self.clock.advance(60 * minutes)
            self.held(**told)
            self.observer.run()
            with self.runtime.db.reader() as session:
                row = session.get(models.Drill, self.group_id)
            self.assertEqual(status, row.status)

    def sync(self) -> models.MetadataSync:
        with self.runtime.db.reader() as session:
            return session.get(models.MetadataSync, self.group_id)

    def test_a_peer_that_lost_what_it_acknowledged_is_shown(self) -> None:
        self.in_sync()
        self.held()
        self.observer.run()
        self.assertNotIn(K.PEER_REGRESSED, self.group().conditions)
        for lost in ([{"version": 0, "checksum": "old"}], []):
            self.clock.advance(60)
            self.peer.held = []
            for values in lost:
                self.held(**values)
            self.observer.run()
            self.assertEqual(
                (True, "HoldsLess"), self.condition(K.PEER_REGRESSED)
            )
            message = self.group().conditions[K.PEER_REGRESSED]["message"]
            self.assertIn("acknowledged version 1 of epoch 1", message)
            self.assertIn("sync-force", message)
            # what it acknowledged stays known, and nothing is sent to it
            self.assertEqual(
                ("failed", None, 1),
                (
                    self.sync().remote_status,
                    self.sync().next_attempt_at,
                    self.sync().remote_version,
                ),
            )
        self.clock.advance(60)
        self.held()
        self.observer.run()
        self.assertEqual(
            (False, "OneHistory"), self.condition(K.PEER_REGRESSED)
        )
        self.assertEqual(
            ("synced", None), (self.sync().remote_status, self.sync().other)
        )

    def test_a_peer_that_deleted_the_group_has_not_lost_it(self) -> None:
        self.in_sync()
        self.held()
        self.observer.run()
        self.clock.advance(60)
        self.held(version=0, checksum=None, deleted=True)
        self.observer.run()
        self.assertNotIn(K.PEER_REGRESSED, self.group().conditions)

    def test_what_is_being_made_or_deleted_is_not_missed(self) -> None:
        self.in_sync()
        self.held()
        self.observer.run()
        self.peer.held = []
        for status, verb in (
            ("creating", None),
            ("deleting", None),
            ("error", "create"),
            ("error", "delete"),
        ):
            self.clock.advance(60)
            self.set_group(status=status, error_verb=verb)
            self.observer.run()
            self.assertNotIn(K.PEER_REGRESSED, self.group().conditions)

    def test_what_was_taken_since_it_was_asked_is_not_missed(self) -> None:
        self.in_sync()
        self.held()
        self.observer.run()
        self.clock.advance(60)
        listed = self.peer.all_groups

        def slow() -> Any:
            found = listed()
            self.clock.advance(5)
            with self.runtime.db.writer() as session:
                sync = session.get(models.MetadataSync, self.group_id)
                sync.version = sync.remote_version = 2
                sync.last_sync_at = self.clock.now()
            return found

        self.peer.all_groups = slow  # type: ignore[method-assign]
        self.observer.run()
        self.assertNotIn(K.PEER_REGRESSED, self.group().conditions)

    def test_a_primary_that_is_behind_makes_a_split(self) -> None:
        self.in_sync()
        self.held(version=2, checksum="newer")
        self.observer.run()
        self.assertEqual((True, "PeerIsAhead"), self.condition(K.SPLIT))

    def test_a_primary_that_lost_something_makes_a_split(self) -> None:
        self.in_sync()
        self.held()
        self.observer.run()
        self.clock.advance(60)
        self.set_group(current_primary_site_id=self.site.peer_id)
        self.held(version=0, checksum="old")
        self.observer.run()
        self.assertEqual((True, "PrimaryRegressed"), self.condition(K.SPLIT))
        self.assertTrue(self.condition(K.PEER_REGRESSED)[0])

    def test_a_primary_that_lost_its_claim_makes_a_split(self) -> None:
        """Its database is from before the move that made it primary, and
        what it holds is the very parent of the move: no push joins both."""
        self.in_sync()
        self.held()
        self.observer.run()
        self.clock.advance(60)
        parent = {"epoch": 1, "version": 1, "checksum": "old"}
        self.set_group(
            current_primary_site_id=self.site.peer_id,
            epoch=2,
            claim={"parent": parent},
        )
        with self.runtime.db.writer() as session:
            sync = session.get(models.MetadataSync, self.group_id)
            sync.epoch = sync.remote_epoch = 2
            sync.version = sync.remote_version = 4
        self.held(version=1, checksum="old")
        self.observer.run()
        self.assertEqual((True, "PrimaryRegressed"), self.condition(K.SPLIT))

    def test_a_claim_that_is_not_known_any_more_makes_a_split(self) -> None:
        """The same, seen by the site that lost it."""
        self.in_sync()
        for epoch, told in ((2, False), (3, True)):
            self.clock.advance(60)
            self.held(epoch=epoch, version=4, checksum="newer")
            self.observer.run()
            self.assertEqual(told, K.SPLIT in self.group().conditions, epoch)
        self.assertEqual((True, "PeerIsAhead"), self.condition(K.SPLIT))

    def test_each_lack_is_named(self) -> None:
        self.in_sync()
        self.points("here", ("e1", 5))
        self.peer.errors["groups"] = exception.PeerUnreachable("no route")
        self.driver.schedules["here"] = False
        self.observer.run()
        ready = self.group().conditions[K.FAILOVER_READY]
        self.assertFalse(ready["status"])
        self.assertIn("PeerReachable", ready["message"])
        self.assertIn("ReplicationConfigured", ready["message"])

    def test_a_member_without_a_point_is_named(self) -> None:
        self.in_sync()
        self.points("here", ("e1", 5))
        late = self.site.member(self.group_id, "late")
        self.observer.run()
        ready = self.group().conditions[K.FAILOVER_READY]
        self.assertEqual("MembersNotProtected", ready["reason"])
        self.assertIn("late", ready["message"])
        with self.runtime.db.reader() as session:
            row = session.get_one(models.Member, late)
            self.assertIsNone(row.recoverable_at)

    def test_rpo_counts_from_when_the_source_was_so(self) -> None:
        self.points("here", ("e1", 5))
        (sent,) = self.driver.points["here"]
        late = dataclasses.replace(sent, completed=fakes.at(8))
        self.driver.points["here"] = [late]
        self.clock.advance(1700)
        self.observer.run()
        self.assertEqual((False, "RPOViolated"), self.condition(K.WITHIN_RPO))
        message = self.group().conditions[K.WITHIN_RPO]["message"]
        self.assertIn(f"taken at {times.iso(sent.created)}.", message)
        self.assertEqual(late.completed, self.group().last_replication_at)

    def test_rpo_runs_out_while_the_array_is_silent(self) -> None:
        self.points("here", ("e1", 5))
        self.observer.run()
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.clock.advance(3600)
        self.observer.run()
        self.assertEqual((False, "RPOViolated"), self.condition(K.WITHIN_RPO))
        self.assertIsNone(self.condition(K.REPLICATION_HEALTHY)[0])
        self.assertFalse(self.condition(K.FAILOVER_READY)[0])

    # -- a turn of direction

    def turn(self, epoch: int) -> None:
        """The group runs at the other site, as a move settles it."""
        self.set_group(current_primary_site_id=self.site.peer_id, epoch=epoch)

    def test_points_of_before_the_turn_do_not_count(self) -> None:
        self.points("here", ("e1", 5))
        self.observer.run()
        self.assertEqual(fakes.at(5), self.group().last_replication_at)
        self.turn(2)
        self.observer.run()
        self.assertIsNone(self.group().last_replication_at)
        self.assertEqual(
            (False, "NoRecoveryPoint"), self.condition(K.WITHIN_RPO)
        )

    def test_recoverable_is_of_this_epoch(self) -> None:
        # the same direction, two moves ago
        self.points("here", ("e1", 5))
        self.set_group(epoch=3)
        self.observer.run()
        self.assertIsNone(self.member().recoverable_at)
        self.points("here", ("e1", 5), ("e3", 9))
        self.clock.advance(120)
        self.observer.run()
        self.assertEqual(fakes.at(9), self.member().recoverable_at)

    def test_recoverable_is_what_some_point_brings_back_whole(self) -> None:
        """A volume of the member was deleted after the second point."""
        self.points("here", ("e1", 1), ("1", 2))
        self.observer.run()
        self.assertEqual(fakes.at(1), self.member().recoverable_at)
        without = fakes.point("here", "2", 3, ["another"])
        whole = self.driver.points["here"]
        self.driver.points["here"] = [without, *whole]
        self.clock.advance(120)
        self.observer.run()
        self.assertEqual(fakes.at(2), self.member().recoverable_at)
        # the others age out
        self.driver.points["here"] = [without]
        self.clock.advance(120)
        self.observer.run()
        self.assertIsNone(self.member().recoverable_at)

    def test_what_was_read_before_the_turn_is_not_written(self) -> None:
        self.points("here", ("e1", 5))
        ask = self.driver.status

        def moved(direction: object) -> object:
            self.turn(2)
            return ask(direction)

        self.driver.status = moved
        self.observer.run()
        self.assertIsNone(self.group().last_replication_at)

    def test_the_epoch_outlives_its_first_point(self) -> None:
        self.set_group(epoch=3)
        self.points("here", ("e3", 1), ("17", 4))
        self.observer.run()
        self.points("here", ("17", 4), ("18", 8))
        self.clock.advance(120)
        self.observer.run()
        self.assertEqual(fakes.at(8), self.group().last_replication_at)

    # -- when

    def test_a_new_version_is_looked_at_soon(self) -> None:
        self.observer.run()
        self.observer.run()
        self.assertEqual(1, self.count())
        self.set_group(metadata_version=7)
        self.observer.run()
        self.assertEqual(2, self.count())

    def test_a_transfer_is_followed_to_its_end(self) -> None:
        self.driver.points["here"] = [
            fakes.point("here", "e1", 5, complete=False)
        ]
        self.observer.run()
        self.points("here", ("e1", 5))
        self.observer.run()
        self.assertEqual(fakes.at(5), self.group().last_replication_at)
        self.observer.run()
        self.assertEqual(2, self.count())

    def test_a_pod_that_is_offline_is_no_transfer(self) -> None:
        self.driver.points["here"] = [
            fakes.point("here", "e1", 5, complete=False)
        ]
        self.driver.synchronous = True
        for _ in range(3):
            self.observer.run()
        self.assertEqual(1, self.count())

    def rounds(self, count: int) -> list[bool]:
        """Whether each of some rounds has written of the group."""
        written = []
        for _ in range(count):
            with mock.patch.object(
                observer.Observer,
                "_keep",
                autospec=True,
                side_effect=observer.Observer._keep,
            ) as keep:
                self.clock.advance(60)
                self.observer.run()
            written.append(keep.called)
        return written

    def test_what_is_as_it_was_is_not_written_again(self) -> None:
        self.points("here", ("e1", 10))
        # and after some rounds all the same, for what nobody thought of
        rounds = [True, *[False] * 10, True, False]
        self.assertEqual(rounds, self.rounds(len(rounds)))
        self.points("here", ("e1", 10), ("2", 30))
        self.assertEqual([True, False], self.rounds(2))
        self.driver.link = "disconnected"
        self.assertEqual([True, False], self.rounds(2))

    def test_the_rpo_is_passed_while_nothing_else_changes(self) -> None:
        self.points("here", ("e1", 10))
        self.observer.run()
        self.assertEqual((True, "WithinRPO"), self.condition(K.WITHIN_RPO))
        with self.runtime.db.reader() as session:
            conf = self.runtime.conf
            settings = scene.settings(session, conf, self.group_id)
        passed = fakes.at(10).timestamp() + settings.rpo_seconds
        while self.clock.now().timestamp() <= passed:
            self.rounds(1)
        self.assertEqual((False, "RPOViolated"), self.condition(K.WITHIN_RPO))

    def test_many_groups_are_looked_at_by_a_glance(self) -> None:
        self.observer.run()
        self.assertEqual([], self.driver.named("glance"))
        for _ in range(3):
            self.site.configure(self.site.group())
        self.clock.advance(60)
        self.observer.run()
        self.assertEqual(1, len(self.driver.named("glance")))
        self.assertEqual(1 + 4, self.count())

    def test_why_replication_is_not_healthy(self) -> None:
        for broken, reason in (
            ({"group_exists": False}, "ArrayGroupMissing"),
            ({"allowed": False}, "TransferNotAllowed"),
            ({"link": "connecting", "allowed": False}, "LinkNotConnected"),
            ({}, "LinkConnected"),
        ):
            vars(self.driver).update(
                {"group_exists": True, "allowed": True, "link": "connected"}
                | broken
            )
            self.clock.advance(60)
            self.observer.run()
            self.assertEqual(
                (not broken, reason), self.condition(K.REPLICATION_HEALTHY)
            )

    # -- what goes wrong stays with its own

    def test_one_bad_group_does_not_stop_the_others(self) -> None:
        bad = [self.site.group(), self.site.group()]
        with self.runtime.db.writer() as session:
            for row in session.query(models.ConsistencyGroup):
                if row.protection_group_id in bad:
                    session.delete(row)
        self.observer.run()
        with self.runtime.db.reader() as session:
            for group_id in bad:
                found = protection_groups.get(session, group_id).conditions
                self.assertIsNone(found[K.REPLICATION_HEALTHY]["status"])
        self.assertEqual(
            (True, "Configured"), self.condition(K.REPLICATION_CONFIGURED)
        )

    def test_a_peer_that_answers_nonsense_is_an_error(self) -> None:
        self.peer.held = [{"id": "x", "checksum": "y"}]
        self.observer.run()
        self.assertEqual((False, "NoAnswer"), self.condition(K.PEER_REACHABLE))
        self.assertEqual(1, self.count())
