# SPDX-License-Identifier: Apache-2.0
"""Groups: names, slot, epochs, conditions, tombstones."""

from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, protection_groups, source_locks
from protector.tests.unit.db.api import database, full_group

NOW = database.NOW


class ProtectionGroupsTest(database.DatabaseTest):
    def take(self, group_id: str, operation_id: str, verb: str) -> None:
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            protection_groups.take_slot(session, group, operation_id, verb)

    # -- names

    def test_a_name_is_taken_once_in_a_project(self) -> None:
        first = self.site.group(name="web")
        error = self.assertRaises(
            exception.NameTaken, self.site.group, name="web"
        )
        self.assertEqual(first, error.details["id"])
        self.site.group(name="web", project_id="p-other")
        with self.db.reader() as session:
            protection_groups.check_name(session, "p-here", "web", first)
            protection_groups.check_name(session, "p-here", "other")

    def test_a_tombstone_gives_its_name_back(self) -> None:
        for _ in range(3):
            group_id = self.site.group(name="web")
            with self.db.writer() as session:
                group = protection_groups.lock(session, group_id)
                protection_groups.bury(session, group)
            with self.db.reader() as session:
                self.assertIsNone(protection_groups.find(session, group_id))
                for look in (protection_groups.get, protection_groups.lock):
                    self.assertRaises(
                        exception.NotFound, look, session, group_id
                    )
                self.assertIsNone(
                    protection_groups.by_name(session, "p-here", "web")
                )
                self.assertNotIn(
                    group_id, protection_groups.alive_ids(session)
                )
                self.assertIn(
                    group_id, protection_groups.tombstone_ids(session)
                )

    def test_a_tombstone_waits_for_its_delete_to_end(self) -> None:
        """An adopter of the delete needs the row."""
        group_id = self.site.group()
        operation_id = self.accept(group_id, "delete")
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            protection_groups.bury(session, group)
        with self.db.reader() as session:
            self.assertEqual([], protection_groups.tombstone_ids(session))
        with self.db.writer() as session:
            operation = session.get(models.Operation, operation_id)
            operation.status = c.OperationStatus.COMPLETED
        with self.db.reader() as session:
            self.assertEqual(
                [group_id], protection_groups.tombstone_ids(session)
            )

    # -- the slot

    def test_the_verb_shows_in_the_status(self) -> None:
        for status, verb, shown in (
            ("active", "failover", "failing_over"),
            ("failed_over", "failback", "failing_back"),
            ("active", "delete", "deleting"),
            ("active", "update", "active"),
            ("failed_over", "replicate", "failed_over"),
        ):
            group_id = self.site.group(status=status)
            self.take(group_id, "op", verb)
            group = self.group_row(group_id)
            self.assertEqual(
                (shown, "op", "op"),
                (group.status, group.operation_id, group.last_operation_id),
            )

    def test_busy_names_the_holder(self) -> None:
        group_id = self.site.group()
        self.take(group_id, "holder", "failover")
        # also with a verb that the status does not allow either
        for verb in ("update", "failover", "delete"):
            error = self.assertRaises(
                exception.GroupBusy, self.take, group_id, "other", verb
            )
            self.assertEqual(
                {"operation_id": "holder", "status": "failing_over"},
                error.details,
            )
            self.assertEqual(
                ("InvalidStatus", 409), (error.reason, error.code)
            )
            self.assertIn("holder", error.message)
            self.assertIn("failing_over", error.message)

    def test_the_holder_may_ask_again(self) -> None:
        group_id = self.site.group()
        for _ in range(2):
            self.take(group_id, "op", "failover")
        self.assertEqual("op", self.group_row(group_id).operation_id)

    def test_an_illegal_verb_leaves_the_slot_free(self) -> None:
        group_id = self.site.group(status="failed_over")
        error = self.assertRaises(
            exception.InvalidStatus, self.take, group_id, "op", "failover"
        )
        self.assertIn("failback", error.remedy)
        group = self.group_row(group_id)
        self.assertEqual(
            (None, None, "failed_over"),
            (group.operation_id, group.last_operation_id, group.status),
        )

    def test_the_slot_is_freed_by_its_holder_only(self) -> None:
        group_id = self.site.group()
        self.take(group_id, "holder", "update")
        for name, expected in (("other", "holder"), ("holder", None)):
            with self.db.writer() as session:
                group = protection_groups.lock(session, group_id)
                protection_groups.free_slot(session, group, name)
            self.assertEqual(expected, self.group_row(group_id).operation_id)

    def test_rests_by_where_it_runs(self) -> None:
        group = self.group_row(self.site.group())
        self.assertEqual("active", protection_groups.resting_status(group))
        group.current_primary_site_id = group.secondary_site_id
        self.assertEqual(
            "failed_over", protection_groups.resting_status(group)
        )

    # -- epochs

    def test_a_number_asked_for_is_never_asked_for_again(self) -> None:
        group_id = self.site.group()
        asked = []
        for site_id in (self.site.peer_id, self.site.local_id) * 2 + (
            self.site.local_id,
        ):
            with self.db.writer() as session:
                group = protection_groups.lock(session, group_id)
                asked.append(protection_groups.ask_epoch(group, site_id))
        self.assertEqual([2, 3, 4, 5, 7], asked)
        group = self.group_row(group_id)
        # asking claims nothing
        self.assertEqual((1, 7), (group.epoch, group.epoch_seen))

    def test_what_was_seen_elsewhere_counts(self) -> None:
        group = self.group_row(self.site.group())
        protection_groups.see_epoch(group, 10)
        protection_groups.see_epoch(group, 4)
        self.assertEqual(10, group.epoch_seen)
        self.assertEqual(
            12, protection_groups.ask_epoch(group, self.site.peer_id)
        )

    def test_a_claim_does_not_change_the_version(self) -> None:
        group_id = self.site.group()
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            metadata_sync.settle(session, group, self.site.local_id, NOW)
            parent = metadata_sync.triple(
                metadata_sync.find(session, group_id)
            ).as_dict()
            protection_groups.claim(group, 2, self.site.peer_id, "op", parent)
        group = self.group_row(group_id)
        self.assertEqual(
            (2, 2, 1), (group.epoch, group.epoch_seen, group.metadata_version)
        )
        self.assertEqual(
            {
                "site_id": self.site.peer_id,
                "operation_id": "op",
                "parent": parent,
            },
            group.claim,
        )

    # -- conditions

    def condition(self, group_id: str, *values: Any, hour: int = 0) -> bool:
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            return protection_groups.set_condition(
                group, "Partial", *values, NOW.replace(hour=hour)
            )

    def test_a_condition_has_the_time_of_its_last_change(self) -> None:
        group_id = self.site.group()
        self.assertTrue(self.condition(group_id, True, "Why", "one", hour=1))
        self.assertFalse(self.condition(group_id, True, "Why", "two", hour=2))
        found = self.group_row(group_id).conditions["Partial"]
        self.assertEqual("two", found["message"])
        self.assertEqual(NOW.replace(hour=1).isoformat(), found["at"])
        for values in ((None, "Why", "x"), (None, "Other", "x")):
            self.assertTrue(self.condition(group_id, *values, hour=3))
        found = self.group_row(group_id).conditions["Partial"]
        self.assertEqual(
            (None, "Other", NOW.replace(hour=3).isoformat()),
            (found["status"], found["reason"], found["at"]),
        )

    def test_conditions_do_not_disturb_each_other(self) -> None:
        group_id = self.site.group()
        self.condition(group_id, True, "A", "")
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            protection_groups.set_condition(
                group, "Split", False, "B", "", NOW
            )
        self.assertEqual(
            {"Partial", "Split"}, set(self.group_row(group_id).conditions)
        )

    # -- the end

    def test_forgotten_with_all_that_hangs_on_it(self) -> None:
        group_id, stays = full_group.make(self.site), self.site.group()
        self.site.member(stays)
        with self.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            metadata_sync.settle(session, group, self.site.local_id, NOW)
            source_locks.take(session, group_id, "op", "site", 60)
            protection_groups.bury(session, group)
        with self.db.writer() as session:
            protection_groups.forget(session, group_id)
            # a second time, too
            protection_groups.forget(session, group_id)
        expected = {
            "sites": 2,
            "protection_groups": 1,
            "consistency_groups": 1,
            "consistency_group_sides": 2,
            "members": 1,
            "member_copies": 2,
            "volume_copies": 2,
        }
        with self.db.reader() as session:
            counts = {
                table.name: session.scalar(
                    sa.select(sa.func.count()).select_from(table)
                )
                for table in models.Base.metadata.tables.values()
            }
        self.assertEqual(expected, {k: n for k, n in counts.items() if n})

    def test_whose_volume_it_is(self) -> None:
        group_id, other = self.site.group(), self.site.group()
        member_id = self.site.member(group_id)
        with self.db.writer() as session:
            member = session.get(models.Member, member_id)
            ids = [member.volumes[0].cinder_id, database.new_id()]
            find = protection_groups.volume_group
            self.assertEqual(group_id, find(session, ids, other).id)
            self.assertIsNone(find(session, ids, group_id))
            self.assertIsNone(find(session, ids[1:], other))
            self.assertIsNone(find(session, [], other))
            group = protection_groups.get(session, group_id)
            protection_groups.bury(session, group)
            session.flush()
            self.assertIsNone(find(session, ids, other))
