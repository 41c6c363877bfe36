# SPDX-License-Identifier: Apache-2.0
"""How long a plan would take, by what its steps took before."""

import datetime
from typing import Any
import uuid

from protector import constants as c
from protector.db import models
from protector.db.api import operations
from protector.engine import prediction
from protector.tests.unit.engine import case, fakes

Json = dict[str, Any]


def row(
    ordinal: int,
    name: str,
    after: tuple[int, ...] = (),
    weight: int = 1,
    delay: int | None = None,
) -> Json:
    return {
        "ordinal": ordinal,
        "name": name,
        "member_id": None,
        "member_name": None,
        "after": list(after),
        "weight": weight,
        "optional": False,
        "delay_seconds": delay,
    }


class PredictionTest(case.EngineCase):
    def ran(self, status: str = c.StepStatus.DONE, **seconds: float) -> None:
        """A completed operation whose steps took so long."""
        operation_id = self.accept(c.Verb.REPLICATE)
        rows = [row(i, name) for i, name in enumerate(seconds)]
        with self.runtime.db.writer() as session:
            operation = operations.get(session, operation_id)
            operations.add_steps(session, operation, rows)
            session.flush()
            session.refresh(operation)
            for step in operation.steps:
                took = datetime.timedelta(seconds=seconds[step.name])
                step.status = status
                step.started_at = fakes.NOW
                step.finished_at = fakes.NOW + took
        self.end(operation_id)

    def predicted(self, *rows: Json) -> float | None:
        with self.runtime.db.reader() as session:
            return prediction.seconds(session, rows)

    def test_nothing_is_known_without_a_past(self) -> None:
        self.assertIsNone(self.predicted(row(0, "stop")))
        self.ran(other=7)
        self.assertIsNone(self.predicted(row(0, "stop")))

    def test_what_failed_tells_nothing(self) -> None:
        self.ran(status=c.StepStatus.FAILED, stop=7)
        self.assertIsNone(self.predicted(row(0, "stop")))

    def test_steps_after_one_another_add_up(self) -> None:
        self.ran(stop=7, start=3)
        rows = [row(0, "stop"), row(1, "start", after=(0,))]
        self.assertEqual(10, self.predicted(*rows))

    def test_side_by_side_the_longest_counts(self) -> None:
        self.ran(stop=7, copy=30, start=3)
        rows = [
            row(0, "stop"),
            row(1, "copy"),
            row(2, "start", after=(0, 1)),
        ]
        self.assertEqual(33, self.predicted(*rows))

    def test_one_slow_run_does_not_spoil_it(self) -> None:
        for seconds in (4, 5, 900):
            self.ran(stop=seconds)
        self.assertEqual(5, self.predicted(row(0, "stop")))

    def test_a_new_step_is_taken_by_its_weight(self) -> None:
        self.ran(stop=10)
        rows = [
            row(0, "stop", weight=2),
            row(1, "never ran", after=(0,), weight=3),
        ]
        self.assertEqual(10 + 15, self.predicted(*rows))

    def test_a_delay_is_taken_at_its_word(self) -> None:
        self.ran(stop=10, wait=2)
        rows = [
            row(0, "stop"),
            row(1, "wait", after=(0,), delay=60),
            row(2, "never ran", after=(1,)),
        ]
        self.assertEqual(10 + 60 + 10, self.predicted(*rows))

    def test_what_the_peer_told_counts(self) -> None:
        now = self.clock.now()
        ended = now + datetime.timedelta(seconds=8)
        operation_id = self.accept(c.Verb.FAILOVER)
        with self.runtime.db.writer() as session:
            operation = session.get_one(models.Operation, operation_id)
            operation.mirrored_steps = [
                {
                    "id": str(uuid.uuid4()),
                    "name": "stop",
                    "status": "done",
                    "started_at": now.isoformat(),
                    "finished_at": ended.isoformat(),
                },
                {"name": "start", "status": "pending"},
            ]
        self.end(operation_id)
        self.assertEqual(8, self.predicted(row(0, "stop")))
