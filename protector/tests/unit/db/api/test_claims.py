# SPDX-License-Identifier: Apache-2.0
"""The acceptance of an unplanned move: what it claims and what it ends."""

from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models, types
from protector.db.api import (
    claims,
    metadata_sync,
    operations,
    operations_leases,
    protection_groups,
    source_locks,
)
from protector.tests.unit.db.api import database

NOW = database.NOW


class ClaimsTest(database.DatabaseTest):
    """This site is the secondary: it takes the group of the other one."""

    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group(
            primary_site_id=self.site.peer_id,
            secondary_site_id=self.site.local_id,
        )
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(session, group, self.site.peer_id, NOW)
        with self.db.reader() as session:
            sync = metadata_sync.find(session, self.group_id)
            self.mine = metadata_sync.triple(sync).as_dict()

    def take(self, operation_id: str | None = None) -> models.Operation:
        ends: dict[str, Any] = {
            "origin_site_id": self.site.local_id,
            "executor_site_id": self.site.local_id,
            "source_site_id": self.site.peer_id,
            "target_site_id": self.site.local_id,
            "args": {"type": "unplanned"},
        }
        if operation_id:
            ends["id"] = operation_id
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            return claims.accept(session, NOW, group, c.Verb.FAILOVER, ends)

    def own(self, operation_id: str) -> operations_leases.Lease:
        with self.db.writer() as session:
            lease = operations_leases.claim(
                session, NOW, operation_id, self.site.local_id, "w", 60, 0
            )
        assert lease is not None
        return lease

    def running(self, *ids: str, margin: float = 5) -> list[str]:
        with self.db.reader() as session:
            return claims.still_run(session, ids, margin)

    def test_it_claims_on_its_own_document(self) -> None:
        row = self.take()
        group = self.group_row(self.group_id)
        self.assertEqual((2, 2), (group.epoch, group.epoch_seen))
        self.assertEqual(
            {
                "site_id": self.site.local_id,
                "operation_id": row.id,
                "parent": self.mine,
            },
            group.claim,
        )
        self.assertEqual(("failing_over", row.id), _slot(group))
        # the version does not change by a claim
        self.assertEqual(1, group.metadata_version)
        self.assertTrue(row.no_return)
        self.assertEqual({"epoch": 2, "superseded": []}, row.data)

    def test_again_with_the_same_id_it_is_the_same(self) -> None:
        wanted = database.new_id()
        self.assertEqual([wanted] * 2, [self.take(wanted).id for _ in "12"])
        self.assertEqual(2, self.group_row(self.group_id).epoch)

    def test_a_source_takes_back_what_the_other_site_claimed(self) -> None:
        """It comes back as from a lock that ran out, which there never was;
        the slot stays its operation's."""
        self.set_group(
            self.group_id,
            current_primary_site_id=self.site.local_id,
            epoch_seen=3,
        )
        row = self.take()
        self.assertEqual((4, True), (row.data["epoch"], row.data["reclaimed"]))
        with self.db.reader() as session:
            (lock,) = source_locks.expired(session)
        self.assertEqual(
            (self.group_id, self.site.peer_id),
            (lock.protection_group_id, lock.site_id),
        )
        self.assertNotEqual(row.id, lock.operation_id)

    def test_an_epoch_that_was_asked_for_is_not_claimed_again(self) -> None:
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            protection_groups.ask_epoch(group, self.site.local_id)
        self.assertEqual(4, self.take().data["epoch"])

    def test_no_status_of_the_slot_is_in_its_way(self) -> None:
        source_locks_of_another = database.new_id()
        with self.db.writer() as session:
            source_locks.take(
                session,
                self.group_id,
                source_locks_of_another,
                self.site.peer_id,
                60,
            )
        self.set_group(
            self.group_id,
            status=c.GroupStatus.FAILING_BACK,
            operation_id=source_locks_of_another,
        )
        row = self.take()
        self.assertEqual(row.id, self.group_row(self.group_id).operation_id)
        with self.db.reader() as session:
            self.assertIsNone(source_locks.find(session, self.group_id))

    def test_what_runs_is_ended_and_its_lease_worth_nothing(self) -> None:
        old = self.accept(self.group_id, "failover")
        lease = self.own(old)
        self.assertEqual([old], self.take().data["superseded"])
        row = self.operation_row(old)
        self.assertEqual(
            ("cancelled", "Superseded"), (row.status, row.error["reason"])
        )
        with self.db.writer() as session:
            kept = operations_leases.renew(session, [lease], 60)
            self.assertEqual(set(), kept)
            self.assertRaises(
                exception.LeaseLost, operations_leases.owned, session, lease
            )

    def test_its_worker_says_that_it_has_stopped(self) -> None:
        old = self.accept(self.group_id, "failover")
        lease = self.own(old)
        self.take()
        self.assertEqual([old], self.running(old))
        with self.db.writer() as session:
            operations_leases.let_go(session, lease)
        self.assertEqual([], self.running(old))

    def test_a_dead_worker_is_waited_for_no_longer_than_its_calls(
        self,
    ) -> None:
        old = self.accept(self.group_id, "failover")
        self.own(old)
        self.take()
        with self.db.writer() as session:
            session.execute(
                sa.update(models.Operation)
                .where(models.Operation.id == old)
                .values(lease_until=types.db_epoch() - 10)
            )
        self.assertEqual([old], self.running(old, margin=60))
        self.assertEqual([], self.running(old, margin=5))

    def test_what_waits_for_its_turn_is_ended(self) -> None:
        member_id = self.site.member(self.group_id)
        old = self.accept(
            self.group_id, "member_remove", args={"member_id": member_id}
        )
        with self.db.writer() as session:
            session.get(models.Member, member_id).status = "removing"
        self.take()
        self.assertEqual("cancelled", self.operation_row(old).status)
        with self.db.reader() as session:
            member = session.get(models.Member, member_id)
        self.assertEqual("protected", member.status)

    def test_what_the_other_site_runs_is_left_alone(self) -> None:
        theirs = self.accept(
            self.group_id, "failover", executor_site_id=self.site.peer_id
        )
        self.assertEqual([], self.take().data["superseded"])
        self.assertEqual("pending", self.operation_row(theirs).status)

    def test_without_a_document_there_is_nothing_to_take(self) -> None:
        with self.db.writer() as session:
            session.delete(metadata_sync.find(session, self.group_id))
        self.assertRaises(exception.InvalidStatus, self.take)
        self.assertEqual(1, self.group_row(self.group_id).epoch)

    def test_moves_that_may_have_left_staging(self) -> None:
        found = []
        for status, data in (
            (c.OperationStatus.FAILED, {"staged": True}),
            (c.OperationStatus.FAILED, {}),
            (c.OperationStatus.COMPLETED, {"staged": True}),
        ):
            old = self.accept(
                self.group_id,
                "failover",
                target_site_id=self.site.local_id,
                data=data,
            )
            with self.db.writer() as session:
                row = operations.get(session, old)
                operations.finish(session, NOW, row, status)
            self.set_group(self.group_id, status=c.GroupStatus.ACTIVE)
            found.append(old)
        with self.db.reader() as session:
            self.assertEqual(
                found[:1],
                claims.staged(session, self.group_id, self.site.local_id),
            )


def _slot(group: models.ProtectionGroup) -> tuple[str, str | None]:
    return group.status, group.operation_id
