# SPDX-License-Identifier: Apache-2.0
"""Fencing a site that may answer, refuse or hang."""

import threading
from typing import Any

from protector import constants as c
from protector import exception
from protector.engine import context, fencing
from protector.engine.steps import servers
from protector.tests.unit.engine import arrival_case, fakes

AWAY = exception.CloudUnavailable("no route to host")


class Clock(fakes.Clock):
    """Its time goes by as it is waited, but the other thread gets a turn."""

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return event.wait(0.005)


class FenceTest(arrival_case.ArrivalCase):
    def setUp(self) -> None:
        super().setUp()
        self.compute = self.here.compute
        self.compute._set(self.server_id, "", status="ACTIVE")
        passed = self.clock.passed
        self.clock = self.runtime.clock = self.ctx.clock = Clock()
        self.clock.passed = passed

    def little_time(self) -> None:
        """The deadline of the step is near."""
        self.clock.advance(self.ctx.remaining - 10)

    def settle(self) -> None:
        self.set_group(current_primary_site_id=self.site.peer_id)

    def hang(self) -> None:
        """Nova takes the question and says nothing until the test ends."""
        end = threading.Event()
        self.addCleanup(end.set)

        def get_server(server_id: str) -> Any:
            end.wait(30)
            raise AWAY

        self.compute.get_server = get_server  # type: ignore[method-assign]

    def server(self) -> Any:
        return self.compute.rows[self.server_id]

    def told(self) -> tuple[bool | None, str]:
        return self.condition(c.Condition.SOURCE_FENCED)

    def test_it_locks_and_stops(self) -> None:
        self.assertEqual({"fenced": True}, servers.fence_lost(self.ctx))
        self.assertEqual("SHUTOFF", self.server().status)
        self.assertTrue(fencing.is_ours(self.server()))
        self.assertEqual((True, "Fenced"), self.told())

    def test_again_it_changes_nothing(self) -> None:
        servers.fence_lost(self.ctx)
        changes = list(self.here.changes)
        servers.fence_lost(self.again())
        self.assertEqual(changes, self.here.changes)

    def test_it_is_tried_until_the_site_answers(self) -> None:
        for _ in range(3):
            self.here.fail("get_server", AWAY)
        servers.fence_lost(self.ctx)
        self.assertEqual("SHUTOFF", self.server().status)

    def test_a_database_that_is_lost_under_way_does_not_end_it(self) -> None:
        """It is asked for the lease between the lock and the stop."""
        away = exception.ServiceUnavailable("The database is away.")
        self.here.fail("stop", away)
        servers.fence_lost(self.ctx)
        self.assertEqual("SHUTOFF", self.server().status)
        self.assertEqual((True, "Fenced"), self.told())

    def test_nobody_waits_for_a_site_that_hangs(self) -> None:
        self.hang()
        self.settle()
        error = self.assertRaises(
            exception.UnexpectedState, servers.fence_lost, self.ctx
        )
        self.assertIn("did not answer", error.message)
        self.assertEqual((False, "NotFenced"), self.told())

    def test_before_the_group_is_settled_it_is_given_time(self) -> None:
        self.hang()
        self.little_time()
        self.assertRaises(
            exception.DeadlineExceeded, servers.fence_lost, self.ctx
        )

    def test_one_that_has_answered_is_given_time(self) -> None:
        self.little_time()
        poll = self.compute.list_servers

        def list_servers(**kwargs: Any) -> Any:
            self.settle()
            return poll(**kwargs)

        self.compute.list_servers = list_servers  # type: ignore
        self.compute._set(self.server_id, "", task_state="rebooting")
        error = self.assertRaises(
            exception.DeadlineExceeded, servers.fence_lost, self.ctx
        )
        self.assertNotIn("did not answer", error.message)

    def test_who_is_not_in_the_point_runs_on(self) -> None:
        self.ctx.save(left_out=[self.member_id])
        servers.fence_lost(self.ctx)
        self.assertEqual([], self.here.changes)

    def test_a_server_that_is_gone_needs_no_fence(self) -> None:
        del self.compute.rows[self.server_id]
        servers.fence_lost(self.ctx)
        self.assertEqual((True, "Fenced"), self.told())

    def test_one_that_is_skipped_is_told(self) -> None:
        def check_alive() -> None:
            raise context.StepSkipped

        self.hang()
        self.ctx.check_alive = check_alive
        self.assertRaises(context.StepSkipped, servers.fence_lost, self.ctx)
        self.assertEqual((False, "NotFenced"), self.told())

    def test_a_refusal_is_told(self) -> None:
        self.here.fail("lock", exception.CloudForbidden("not allowed"))
        self.assertRaises(
            exception.CloudForbidden, servers.fence_lost, self.ctx
        )
        self.assertEqual((False, "NotFenced"), self.told())
