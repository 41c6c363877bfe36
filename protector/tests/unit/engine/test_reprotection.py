# SPDX-License-Identifier: Apache-2.0
"""Who is reprotected, when, and by what."""

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import reprotection
from protector.tests.unit.engine import case, fakes


class ReprotectionTest(case.EngineCase):
    def setUp(self) -> None:
        super().setUp()
        self.rung: list[str] = []
        self.work = reprotection.Reprotection(self.runtime, self.rung.append)
        self.configured(False)

    def configured(self, status: bool | None) -> None:
        self.seen(c.Condition.REPLICATION_CONFIGURED, status, "Tested")

    def seen(self, kind: str, status: bool | None, reason: str) -> None:
        with self.runtime.db.writer() as session:
            protection_groups.set_condition(
                session.get(models.ProtectionGroup, self.group_id),
                kind,
                status,
                reason,
                "",
                self.clock.now(),
            )

    def test_asks_for_an_operation_with_the_slot(self) -> None:
        self.work.run()
        operation_id = self.group().operation_id
        self.assertEqual([operation_id], self.rung)
        with self.runtime.db.reader() as session:
            row = session.get_one(models.Operation, operation_id)
        self.assertEqual(
            ("reprotect", "pending", self.site.local_id, self.site.peer_id),
            (
                row.kind,
                row.status,
                row.source_site_id,
                row.target_site_id,
            ),
        )

    def test_only_what_was_seen_not_to_replicate(self) -> None:
        for status in (True, None):
            self.configured(status)
            self.work.run()
        self.assertEqual([], self.rung)

    def test_only_at_the_current_primary(self) -> None:
        self.set_group(current_primary_site_id=self.site.peer_id)
        self.work.run()
        self.assertEqual([], self.rung)

    def test_only_when_the_slot_is_free_and_the_status_allows(self) -> None:
        self.accept("update")
        self.work.run()
        self.set_group(operation_id=None, status="failing_over")
        self.work.run()
        self.assertEqual([], self.rung)

    def test_silent_arrays_cost_no_operation(self) -> None:
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.work.run()
        self.assertEqual([], self.rung)
        self.driver.error = None
        self.work.run()
        self.assertEqual(1, len(self.rung))

    def test_what_replicates_by_now_is_left_alone(self) -> None:
        # seen in the middle of a move that has turned it on since
        self.driver.schedules["here"] = True
        self.work.run()
        self.assertEqual([], self.rung)

    def test_what_replicates_and_has_no_point_of_its_epoch(self) -> None:
        """A takeover and a way back left the old schedule on: what it sends
        belongs to the epoch before."""
        self.site.member(self.group_id)
        self.configured(True)
        self.driver.schedules["here"] = True
        self.set_group(epoch=3)
        for reason, suffix, asked in (
            ("RPOViolated", "e1", 0),
            ("NoRecoveryPoint", "e3-now", 0),
            ("NoRecoveryPoint", "e1", 1),
        ):
            self.seen(c.Condition.WITHIN_RPO, False, reason)
            self.driver.points["here"] = [fakes.point("here", suffix, 0)]
            self.work.run()
            self.assertEqual(asked, len(self.rung), (reason, suffix))

    def test_not_while_the_peer_lacks_the_last_version(self) -> None:
        with self.runtime.db.writer() as session:
            session.add(
                models.MetadataSync(
                    protection_group_id=self.group_id,
                    epoch=1,
                    version=1,
                    checksum="sum",
                    document="{}",
                    made_at=self.clock.now(),
                    remote_status=c.SyncStatus.FAILED,
                    attempts=1,
                )
            )
        self.work.run()
        self.assertEqual([], self.rung)

    def test_not_while_the_other_site_claims_the_group(self) -> None:
        """Whether its move has settled or failed."""
        held = {"id": self.group_id, "epoch": 1, "checksum": None}
        self.peer.held = [{**held, "claimed_epoch": 2}]
        self.work.run()
        self.assertEqual([], self.rung)
        self.peer.held = [{**held, "claimed_epoch": 1}]
        self.work.run()
        self.assertEqual(1, len(self.rung))

    def test_pauses_between_two(self) -> None:
        self.work.run()
        self.end(self.rung[0])
        self.clock.advance(599)
        self.work.run()
        self.assertEqual(1, len(self.rung))
        self.clock.advance(1)
        self.work.run()
        self.assertEqual(2, len(self.rung))

    def test_what_was_done_before_the_last_move_is_no_reason_to_pause(
        self,
    ) -> None:
        self.work.run()
        self.end(self.rung[0])
        self.clock.advance(1)
        self.set_group(status="failed_over")
        self.end(self.accept(c.Verb.FAILBACK))
        self.set_group(status="active", operation_id=None)
        for _ in range(2):
            self.clock.advance(1)
            self.work.run()
            self.assertEqual(2, len(self.rung))
            self.end(self.rung[1])

    def test_what_the_lost_site_tried_is_no_reason_to_pause(self) -> None:
        self.work.run()
        self.end(self.rung[0])
        with self.runtime.db.writer() as session:
            row = session.get_one(models.Operation, self.rung[0])
            row.executor_site_id = self.site.peer_id
        self.work.run()
        self.assertEqual(2, len(self.rung))
