# SPDX-License-Identifier: Apache-2.0
"""A source whose lock ran out is its own again when its servers run."""

from typing import Any

from protector import constants as c
from protector import context, exception
from protector.db.api import (
    metadata_sync,
    operations,
    protection_groups,
    source_locks,
)
from protector.engine import fencing, releasing
from protector.tests.unit.engine import arrival_case


class QuietTest(arrival_case.ArrivalCase):
    """A planned move asks for the group; its stop of the server is the only
    thing that was done to it under its lock."""

    def setUp(self) -> None:
        super().setUp()
        self.there.peer = self.peer
        self.operation_id = self.ctx.operation.id
        with self.runtime.db.writer() as session:
            source_locks.take(
                session,
                self.group_id,
                self.operation_id,
                self.site.peer_id,
                60,
            )
            group = protection_groups.lock(session, self.group_id)
            metadata_sync.settle(
                session, group, self.site.local_id, self.clock.now()
            )
        self.fenced("ACTIVE")

    def fenced(self, state: str) -> None:
        self.here.compute._set(
            self.server_id,
            "",
            status="SHUTOFF",
            locked=True,
            locked_reason=fencing.reason(self.operation_id, state),
        )

    def is_given(self, *actions: str) -> bool:
        """:param actions: what was done to the server, newest first."""
        self.here.compute.actions[self.server_id] = [*actions, "create"]
        try:
            releasing.release(
                self.runtime,
                context.RequestContext(),
                self.group_id,
                self.operation_id,
                2,
            )
        except exception.LockLost:
            return False
        with self.runtime.db.writer() as session:
            source_locks.find(session, self.group_id).released_epoch = None
        return True

    def test_as_it_was_left(self) -> None:
        self.assertTrue(self.is_given("stop", "lock"))
        self.assertTrue(self.is_given("stop", "lock", "start", "stop"))

    def test_what_was_done_before_the_stop(self) -> None:
        self.assertTrue(self.is_given("stop", "live-migration", "lock"))

    def test_one_that_ran_since(self) -> None:
        for actions in (
            ("start", "stop"),
            ("stop", "start", "stop"),
            ("shelve", "stop", "start", "stop"),
        ):
            self.assertFalse(self.is_given(*actions, "lock"), actions)

    def test_one_that_stood_still_before(self) -> None:
        self.fenced("SHUTOFF")
        self.assertTrue(self.is_given("lock", "stop"))
        self.assertFalse(self.is_given("stop", "start", "lock", "stop"))

    def test_a_cloud_that_records_no_locks(self) -> None:
        self.assertTrue(self.is_given("stop", "start"))
        self.assertFalse(self.is_given("start", "stop"))


class SourceReturnTest(arrival_case.ArrivalCase):
    """A planned move stopped the member's server here and went away."""

    def setUp(self) -> None:
        super().setUp()
        self.there.peer = self.peer
        self.compute = self.here.compute
        self.operation_id = self.ctx.operation.id
        self.set_group(
            status=c.GroupStatus.FAILING_OVER, operation_id=self.operation_id
        )
        with self.runtime.db.writer() as session:
            source_locks.take(
                session,
                self.group_id,
                self.operation_id,
                self.site.peer_id,
                -1,
            )
        self.compute._set(
            self.server_id,
            "",
            status="SHUTOFF",
            locked=True,
            locked_reason=fencing.reason(self.operation_id, "ACTIVE"),
        )
        self.work = releasing.SourceReturn(self.runtime)

    def runs(self) -> tuple[list[str], str]:
        """What is done to the server; the group's status after it."""
        self.here.changes.clear()
        self.work.run()
        return [name for name, *_ in self.here.changes], self.group().status

    def held(self) -> Any:
        with self.runtime.db.reader() as session:
            return source_locks.find(session, self.group_id)

    def test_the_server_is_seen_to_run_first(self) -> None:
        self.assertEqual((["start"], "failing_over"), self.runs())
        self.compute._set(self.server_id, "", task_state="powering-on")
        self.assertEqual(([], "failing_over"), self.runs())
        self.compute._set(self.server_id, "", task_state=None)
        self.assertIsNotNone(self.held())
        self.assertEqual((["unlock"], "active"), self.runs())
        self.assertIsNone(self.held())

    def test_what_the_other_site_may_have_forgotten_is_over(self) -> None:
        """A restored site never tells how its move ended."""
        with self.runtime.db.writer() as session:
            row = operations.get(session, self.operation_id)
            row.status, row.mirrored_steps = "running", []
        self.assertEqual((["start"], "failing_over"), self.runs())
        self.assertEqual((["unlock"], "active"), self.runs())
        with self.runtime.db.reader() as session:
            row = operations.get(session, self.operation_id)
            self.assertEqual(
                ("cancelled", "Superseded"),
                (row.status, row.error["reason"]),
            )
            self.assertIsNotNone(row.finished_at)

    def test_a_start_that_fails_is_repeated(self) -> None:
        self.compute.broken_starts = 1
        for _ in range(2):
            self.assertEqual((["start"], "failing_over"), self.runs())
        self.assertEqual((["unlock"], "active"), self.runs())

    def test_one_that_cannot_be_started_keeps_our_lock(self) -> None:
        """Which preflight names, and by which a move knows what it was."""
        self.compute.broken_starts = releasing.STARTS
        for _ in range(releasing.STARTS):
            self.assertEqual((["start"], "failing_over"), self.runs())
        self.assertEqual(([], "active"), self.runs())
        server = self.compute.get_server(self.server_id)
        self.assertTrue(fencing.is_ours(server))
        self.assertIsNone(self.held())

    def long_over(self) -> None:
        seconds = self.runtime.conf.engine.lock_seconds
        with self.runtime.db.writer() as session:
            source_locks.find(session, self.group_id).expires -= seconds

    def told(self) -> tuple[bool | None, str, str]:
        found = self.group().conditions.get(c.Condition.PARTIAL) or {}
        return tuple(found.get(k) for k in ("status", "reason", "message"))

    def test_what_takes_long_is_told(self) -> None:
        """Until it is done: nothing else gets the group meanwhile."""
        self.compute._set(self.server_id, "", task_state="powering-off")
        self.assertEqual(([], "failing_over"), self.runs())
        self.assertIsNone(self.told()[0])
        self.long_over()
        self.assertEqual(([], "failing_over"), self.runs())
        status, reason, message = self.told()
        self.assertEqual((True, "NotBroughtBack"), (status, reason))
        for word in (self.server_id, "powering-off"):
            self.assertIn(word, message)
        self.compute._set(self.server_id, "", task_state=None)
        self.assertEqual((["start"], "failing_over"), self.runs())
        self.assertEqual((["unlock"], "active"), self.runs())
        self.assertEqual((False, "AllMembersRun"), self.told()[:2])

    def test_so_is_an_array_that_is_silent(self) -> None:
        self.long_over()
        self.driver.error = exception.ArrayUnavailable("no answer")
        self.assertEqual((["start"], "failing_over"), self.runs())
        self.assertEqual((["unlock"], "failing_over"), self.runs())
        self.assertIn("no answer", self.told()[2])
        self.driver.error = None
        self.assertEqual(([], "active"), self.runs())
        self.assertFalse(self.told()[0])

    def test_one_that_was_stopped_before_stays_so(self) -> None:
        reason = fencing.reason(self.operation_id, "SHUTOFF")
        self.compute._set(self.server_id, "", locked_reason=reason)
        self.assertEqual((["unlock"], "active"), self.runs())
