# SPDX-License-Identifier: Apache-2.0
"""The time that a boot tier gets before the next one starts."""

import itertools
import threading
from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import context, prediction, workflows
from protector.engine import scene as scenes
from protector.engine.steps import placement
from protector.tests.unit.engine import case

STARTED = 10


class BootDelayTest(case.EngineCase):
    """The tier before runs since ``STARTED`` seconds after the epoch."""

    def setUp(self) -> None:
        super().setUp()
        self.operation_id = self.accept("failover")
        self.plain = self.step(self.operation_id)
        self.slept: list[float] = []
        self.clock.advance(STARTED)
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            operations.add_steps(session, row, [_row(0, [], None)])
            row.steps[0].finished_at = self.clock.now()
            operations.add_steps(session, row, [_row(1, [0], 30)])

    def wait(self, stop_after: float | None = None) -> Any:
        """Run the step; the engine goes down after so many seconds."""
        plain = self.clock.wait
        stopping = threading.Event()

        def wait(event: threading.Event, seconds: float) -> bool:
            self.slept.append(seconds)
            if stop_after is None:
                return plain(event, seconds)
            stopping.set()
            return plain(event, min(seconds, stop_after))

        self.clock.wait = wait  # type: ignore[method-assign]
        work = context.Work(
            self.runtime,
            self.plain.work.lease,
            self.plain.work.polls,
            self.site.local_id,
            stopping,
        )
        deadline = self.clock.monotonic() + 600
        ctx = context.StepContext(
            work, self.plain.operation, None, deadline, ordinal=1
        )
        try:
            return placement.boot_delay(ctx)
        finally:
            self.clock.wait = plain  # type: ignore[method-assign]

    def test_the_whole_delay_passes(self) -> None:
        self.wait()
        self.assertEqual([30], self.slept)

    def test_what_has_passed_is_not_waited_for_again(self) -> None:
        """The engine dies within the delay; another one goes on."""
        self.assertRaises(exception.LeaseLost, self.wait, stop_after=12)
        self.clock.advance(5)
        self.slept.clear()
        self.wait()
        self.assertEqual([13], self.slept)

    def test_nothing_is_left_to_wait_for(self) -> None:
        self.clock.advance(31)
        self.wait()
        self.assertEqual([], self.slept)

    def test_a_clock_that_was_set_back_does_not_make_it_longer(self) -> None:
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            self.clock.advance(3600)
            row.steps[0].finished_at = self.clock.now()
            self.clock.advance(-3600)
        self.wait()
        self.assertEqual([30], self.slept)


class PlanTest(case.EngineCase):
    """The delays of the group's mappings in the graph of a move."""

    def setUp(self) -> None:
        super().setUp()
        first, second = (
            self.site.member(self.group_id, name) for name in ("db", "web")
        )
        # of no tier: it starts last
        self.site.member(self.group_id, "batch")
        tiers = [
            {"members": [first], "delay_seconds": 90},
            {"members": [second], "delay_seconds": 20},
        ]
        with self.runtime.db.writer() as session:
            session.add(
                models.ResourceMapping(
                    protection_group_id=self.group_id,
                    mappings={"boot_tiers": tiers},
                    created_at=self.clock.now(),
                )
            )

    def rows(self, limit: float = 3600) -> Any:
        with self.runtime.db.reader() as session:
            scene = scenes.load(session, self.runtime.conf, self.group_id)
        return workflows.rows_for("failover", {}, scene, limit)

    def delays(self, limit: float = 3600) -> list[int]:
        name = "placement.boot_delay"
        rows = self.rows(limit)
        return [r["delay_seconds"] for r in rows if r["name"] == name]

    def test_each_delay_is_a_step(self) -> None:
        self.assertEqual([90, 20], self.delays())
        rows = self.rows()
        order = [r["member_name"] for r in rows if r["name"].endswith("start")]
        self.assertEqual(["db", "web", "batch"], order)

    def test_an_option_bounds_it(self) -> None:
        self.assertEqual([60, 20], self.delays(60))
        # and turns it off
        self.assertEqual([], self.delays(0))

    def test_the_prediction_holds_the_delays(self) -> None:
        """Whatever the delays of the last move were."""
        operation_id = self.accept("failover")
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.add_steps(
                session, row, [_row(0, [], None), _row(1, [0], 40)]
            )
            for step, seconds in zip(row.steps, (60, 40), strict=True):
                step.status = c.StepStatus.DONE
                step.started_at = self.clock.now()
                self.clock.advance(seconds)
                step.finished_at = self.clock.now()
        self.end(operation_id)
        with self.runtime.db.reader() as session:
            plain = prediction.seconds(session, self.rows(0))
            found = prediction.seconds(session, self.rows())
        self.assertIsNotNone(plain)
        self.assertEqual(110, found - plain)


class SettleTest(case.EngineCase):
    def settle(self, stopped: int, error: Any = None) -> None:
        """Both members run at the target; so many were stopped before.

        :param error: for which they do not run.
        """
        names = {
            self.site.member(self.group_id, name): name
            for name in ("db", "web")
        }
        operation_id = self.accept("failover")
        steps = [
            {
                **_row(0, [], None),
                "ordinal": ordinal,
                "name": name,
                "member_id": member,
                "member_name": names[member],
            }
            for ordinal, (name, member) in enumerate(
                itertools.product(("servers.stop", "servers.start"), names)
            )
        ]
        with self.runtime.db.writer() as session:
            row = operations.get(session, operation_id)
            operations.add_steps(session, row, steps)
            for step in row.steps[2 - stopped :]:
                step.status = c.StepStatus.DONE
                if error and step.name == "servers.start":
                    step.status, step.error = c.StepStatus.FAILED, error
        placement.settle(self.step(operation_id))

    def test_the_source_is_fenced(self) -> None:
        self.settle(stopped=2)
        self.assertEqual(
            (True, "Fenced"), self.condition(c.Condition.SOURCE_FENCED)
        )

    def test_why_none_could_be_started_is_told(self) -> None:
        error = self.assertRaises(
            exception.UnexpectedState,
            self.settle,
            stopped=2,
            error=exception.CloudUnavailable("Nova: 503").as_dict(),
        )
        self.assertIn("started. db: Nova: 503", error.message)

    def test_who_is_not_is_named(self) -> None:
        self.settle(stopped=1)
        found = self.group().conditions[c.Condition.SOURCE_FENCED]
        self.assertIs(False, found["status"])
        self.assertIn("db", found["message"])
        self.assertNotIn("web", found["message"])


def _row(ordinal: int, after: list[int], delay: int | None) -> dict[str, Any]:
    return {
        "ordinal": ordinal,
        "name": "placement.boot_delay" if delay else "servers.start",
        "after": after,
        "weight": 0 if delay else 10,
        "optional": False,
        "delay_seconds": delay,
    }
