# SPDX-License-Identifier: Apache-2.0
"""The database goes away for a moment at every transaction of a run."""

from collections.abc import Iterator
import contextlib
from typing import Any

from oslo_db import exception as db_exc
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import session as sessions
from protector.db.api import protection_groups
from protector.engine.step import One
from protector.tests.unit.engine import runner_case

AT_MOST = 60
"""Transactions of one run."""
LEASE_SECONDS = 60
"""None runs out here, however busy the machine is."""


class Outage(sessions.Database):
    """One transaction fails.

    :ivar at: which one, counted from zero.
    :ivar kept: whether it was kept all the same.
    """

    def __init__(self, conf: Any) -> None:
        super().__init__(conf)
        self.at, self.kept = -1, False
        self.struck = 0

    @contextlib.contextmanager
    def _failing(self, session: Any) -> Iterator[orm.Session]:
        now, self.at = self.at == 0, self.at - 1
        self.struck += now
        try:
            if now and not self.kept:
                raise db_exc.DBConnectionError("gone")
            with session as found:
                yield found
            if now:
                raise db_exc.DBConnectionError("gone")
        except db_exc.DBConnectionError as e:
            raise exception.ServiceUnavailable("No answer.") from e

    def reader(self) -> Any:
        return self._failing(super().reader())

    def writer(self) -> Any:
        return self._failing(super().writer())


class OutageTest(runner_case.RunnerCase):
    """The run goes on under its lease and ends as if nothing had been."""

    def setUp(self) -> None:
        super().setUp()
        self.runtime.conf.set_override(
            "lease_seconds", LEASE_SECONDS, "engine"
        )
        self.db = self.runtime.db = Outage(self.runtime.conf)
        self.addCleanup(self.db.dispose)
        self.site.member(self.group_id, "web")

    def test_a_run_that_succeeds(self) -> None:
        self.workflow((One("a"), One("b")), self.make("a"), self.make("b"))
        self.everywhere("completed")
        self.assertEqual({"a", "b"}, set(self.done))
        self.assertEqual([], self.undone)

    def test_a_run_that_goes_back(self) -> None:
        def fail(ctx: Any) -> None:
            raise exception.UnexpectedState("no")

        self.workflow(
            (One("a"), One("b")), self.make("a"), self.make("b", fail)
        )
        self.everywhere("failed")
        self.assertIn("a", self.undone)

    def test_a_step_that_ends_the_group(self) -> None:
        def end(ctx: Any) -> None:
            self.assertIsNotNone(ctx.scene.group)
            with ctx.write() as session:
                protection_groups.forget(session, self.group_id)
            raise exception.ServiceUnavailable("The answer is lost.")

        def again(ctx: Any) -> None:
            if not self.done:
                self.done.append("end")
                end(ctx)

        self.workflow(
            (One("end"),), self.make("end", again), verb=c.Verb.DELETE
        )
        operation_id = self.accept(c.Verb.DELETE)
        self.engine("one").run(operation_id)
        self.assertEqual("completed", self.row(operation_id).status)

    def everywhere(self, status: str) -> None:
        for self.db.kept in (False, True):
            self.assertLess(4, self.each(status))

    def each(self, status: str) -> int:
        """How many transactions it was tried at."""
        # the first takes the lease
        for at in range(1, AT_MOST):
            self.db.struck = 0
            operation_id = self.accept()
            self.db.at = at
            self.assertTrue(self.engine("one").run(operation_id))
            self.db.at = -1
            if not self.db.struck:
                return at
            row = self.row(operation_id)
            self.assertEqual((status, 1), (row.status, row.generation))
            self.group_id = self.site.group()
        self.fail("It does not end.")
