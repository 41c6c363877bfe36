# SPDX-License-Identifier: Apache-2.0
"""What the result of an operation says of it."""

from typing import Any

from protector import constants as c
from protector.db import models
from protector.db.api import operations
from protector.engine import results
from protector.tests.unit.engine import case

Json = dict[str, Any]
Status = c.OperationStatus


class ResultsTest(case.EngineCase):
    def build(
        self,
        *steps: Json,
        verb: str = "failover",
        status: str = Status.COMPLETED,
        **data: Any,
    ) -> Json:
        """Of an operation with these steps, one after the other."""
        operation_id = self.accept(verb)
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            row.data = data
            for number, values in enumerate(steps):
                given = {"status": c.StepStatus.DONE} | values
                session.add(
                    models.OperationStep(
                        operation_id=row.id,
                        ordinal=number,
                        id=f"{operation_id[:8]}-{number}",
                        after=[],
                        attempt=1,
                        weight=1,
                        optional=False,
                        **given,
                    )
                )
            session.flush()
            session.refresh(row)
            return results.build(session, row, self.clock.now(), status)

    def test_only_what_completed_is_passed(self) -> None:
        for status, verdict in (
            (Status.COMPLETED, "passed"),
            (Status.FAILED, "failed"),
            # undone, so that no step of it is failed
            (Status.CANCELLED, "failed"),
        ):
            told = self.build({"name": "placement.settle"}, status=status)
            self.end(self.group().last_operation_id)
            self.set_group(status="active")
            self.assertEqual(verdict, told["verdict"], status)

    def test_when_the_point_was_taken(self) -> None:
        told = self.build(point="p.1", point_created_at="2026-11-24T07:00:00Z")
        self.assertEqual("p.1", told["recovery_point"])
        self.assertEqual(
            "2026-11-24T07:00:00Z", told["recovery_point_created_at"]
        )

    def test_members_that_the_point_does_not_hold(self) -> None:
        web = self.site.member(self.group_id, "web")
        late, later = (
            self.site.member(self.group_id, name) for name in ("late", "later")
        )
        told = self.build(
            {"name": "servers.start", "member_id": web, "member_name": "web"},
            # a drill plans steps for it, which do nothing
            {"name": "drills.start", "member_id": late, "member_name": "late"},
            left_out=[late, later],
        )
        self.assertEqual(
            {"web": "done", "late": "left_out", "later": "left_out"},
            {m["name"]: m["status"] for m in told["members"]},
        )
