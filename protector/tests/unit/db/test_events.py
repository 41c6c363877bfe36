# SPDX-License-Identifier: Apache-2.0
"""Who is told what, and that it is told once it is true."""

from protector import constants as c
from protector import exception
from protector.db import events
from protector.db.api import operations, operations_leases, protection_groups
from protector.tests.unit.db.api import database

NOW = database.NOW
LEASE, MARGIN = 60, 0


class EventsTest(database.DatabaseTest):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.site.group()
        self.told: list[events.Event] = []
        self.db.listen(self.told.append)

    def claim(self, operation_id: str) -> operations_leases.Lease | None:
        with self.db.writer() as session:
            return operations_leases.claim(
                session,
                NOW,
                operation_id,
                self.site.local_id,
                "worker",
                LEASE,
                MARGIN,
            )

    def finish(self, operation_id: str, status: str, **values: object) -> None:
        with self.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.finish(session, NOW, row, status, **values)

    def condition(
        self, kind: str, status: bool | None, reason: str, message: str = ""
    ) -> None:
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            protection_groups.set_condition(
                group, kind, status, reason, message, NOW
            )

    def types(self) -> list[str]:
        return [event.type for event in self.told]

    def test_an_operation_starts_once(self) -> None:
        operation_id = self.accept(self.group_id)
        self.assertEqual([], self.types())
        lease = self.claim(operation_id)
        assert lease is not None
        with self.db.writer() as session:
            operations_leases.let_go(session, lease)
        self.assertIsNotNone(self.claim(operation_id))
        self.assertEqual(["protection_group.update.start"], self.types())
        payload = self.told[0].payload
        self.assertEqual(operation_id, payload["operation_id"])
        self.assertEqual(self.group_id, payload["protection_group_id"])
        self.assertEqual("running", payload["status"])
        self.assertEqual("2026-", payload["started_at"][:5])

    def test_what_is_not_begun_is_not_told(self) -> None:
        first = self.accept(self.group_id)
        self.claim(first)
        second = self.accept(
            self.group_id, "member_add", args={"member_id": 1}
        )
        self.told.clear()
        self.assertIsNone(self.claim(second))
        self.assertEqual([], self.types())

    def test_how_an_operation_ends(self) -> None:
        for status, outcome, phase in (
            (c.OperationStatus.COMPLETED, c.Outcome.SUCCESS, "end"),
            (c.OperationStatus.CANCELLED, None, "end"),
            (c.OperationStatus.FAILED, None, "error"),
        ):
            with self.subTest(status=status):
                operation_id = self.accept(self.group_id)
                self.claim(operation_id)
                self.told.clear()
                self.finish(operation_id, status, outcome=outcome)
                (event,) = self.told
                self.assertEqual(
                    f"protection_group.update.{phase}", event.type
                )
                self.assertEqual(phase == "error", event.alarming)
                self.assertEqual(
                    (status, outcome),
                    (event.payload["status"], event.payload["outcome"]),
                )

    def test_what_is_undone_was_not(self) -> None:
        operation_id = self.accept(self.group_id)
        with self.db.writer() as session:
            session.rollback()
        with self.assertRaisesRegex(exception.NotFound, "undone"):
            with self.db.writer() as session:
                operations.finish(
                    session,
                    NOW,
                    operations.get(session, operation_id),
                    c.OperationStatus.FAILED,
                )
                raise exception.NotFound("undone")
        self.assertEqual([], self.types())

    def test_a_condition_that_changes(self) -> None:
        kind = c.Condition.WITHIN_RPO
        self.condition(kind, True, "Recent", "1 minute")
        self.condition(kind, True, "Recent", "2 minutes")
        self.condition(kind, False, "Late", "16 minutes")
        first, second = self.told
        self.assertEqual("protection_group.condition.change", second.type)
        self.assertEqual((False, True), (first.alarming, second.alarming))
        self.assertEqual(
            (True, "Recent", False, "Late", "16 minutes"),
            tuple(
                second.payload[name]
                for name in (
                    "old_status",
                    "old_reason",
                    "status",
                    "reason",
                    "message",
                )
            ),
        )
        self.assertIsNone(first.payload["old_status"])

    def test_a_condition_that_is_bad_when_it_holds(self) -> None:
        self.condition(c.Condition.PARTIAL, False, "AllMembersRun")
        self.condition(c.Condition.PARTIAL, True, "MembersFailed")
        self.assertEqual([False, True], [e.alarming for e in self.told])

    def test_a_condition_that_is_dropped(self) -> None:
        kind = c.Condition.SOURCE_FENCED
        self.condition(kind, True, "Fenced")
        self.condition(c.Condition.PARTIAL, False, "AllMembersRun")
        self.told.clear()
        for _ in range(2):
            with self.db.writer() as session:
                group = protection_groups.lock(session, self.group_id)
                protection_groups.drop_conditions(group, kind)
        (event,) = self.told
        self.assertEqual("protection_group.condition.change", event.type)
        self.assertFalse(event.alarming)
        self.assertEqual(
            (kind, None, None, True, "Fenced"),
            tuple(
                event.payload[name]
                for name in (
                    "type",
                    "status",
                    "reason",
                    "old_status",
                    "old_reason",
                )
            ),
        )

    def test_another_home_drops_what_was_observed(self) -> None:
        self.condition(c.Condition.PARTIAL, False, "AllMembersRun")
        self.told.clear()
        with self.db.writer() as session:
            group = protection_groups.lock(session, self.group_id)
            protection_groups.rehome(
                group, self.site.local_id, self.site.peer_id, "p", "o", {}
            )
        self.assertEqual(["Partial"], [e.payload["type"] for e in self.told])
