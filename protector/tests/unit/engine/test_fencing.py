# SPDX-License-Identifier: Apache-2.0
"""Locks of ours: set as the service, recognised, lifted; others' stay."""

from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import fencing
from protector.tests import base
from protector.tests.unit.engine import fake_project as fake


class Poll:
    """Answers what the server becomes."""

    def __init__(self, compute: fake.Compute, status: str | None) -> None:
        self._compute = compute
        self._status = status

    def wait(self, key: str, done: Any, seconds: float) -> Any:
        became = self._status and fake.server(key, status=self._status)
        return done(became or None)


class Context:
    """What fencing uses of a step's context."""

    def __init__(self, becomes: str | None = "ACTIVE") -> None:
        self.operation = models.Operation(id="op-1")
        self.mine = fake.Project("p-here")
        # the service's own project; a lock from there binds the tenant
        self.service = fake.Project("p-service")
        self.service.changes = self.service.compute.changes = self.mine.changes
        self.becomes = becomes
        self.remaining = 60.0

    def tenant(self, site_id: str) -> fake.Project:
        return self.mine

    def site(self, site_id: str) -> Any:
        return self

    def servers(self, site_id: str) -> Poll:
        return Poll(self.mine.compute, self.becomes)

    def server(self, **values: Any) -> types.Server:
        made = fake.server(**values)
        self.mine.compute.servers["s1"] = made
        return made


class ReasonTest(base.TestCase):
    def test_read_back(self) -> None:
        made = fencing.reason("op-1", "ACTIVE")
        self.assertEqual(("op-1", "ACTIVE"), fencing.parse(made))
        # Nova keeps 255 characters
        self.assertLess(len(made), 100)

    def test_anothers(self) -> None:
        for text in (None, "", "maintenance", "protector", "protector:x"):
            self.assertIsNone(fencing.parse(text))
        self.assertIsNone(fencing.parse("other:op-1:ACTIVE"))
        self.assertIsNone(fencing.parse("protector:op-1:ACTIVE:more"))


class LockTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ctx = Context()

    def lock(self, **values: Any) -> str:
        return fencing.lock(self.ctx, "here", self.ctx.server(**values))

    def test_notes_the_state_as_the_service(self) -> None:
        for status in ("ACTIVE", "SHUTOFF"):
            self.assertEqual(status, self.lock(status=status))
            change = ("lock", "s1", f"protector:op-1:{status}")
            self.assertEqual(change, self.ctx.mine.changes[-1])

    def test_again_it_is_the_state_of_the_first_time(self) -> None:
        """Adopted after the stop: the server is down by now."""
        power = self.lock(
            status="SHUTOFF",
            locked=True,
            locked_reason="protector:op-1:ACTIVE",
        )
        self.assertEqual("ACTIVE", power)
        self.assertEqual([], self.ctx.mine.changes)

    def test_our_reason_on_an_unlocked_server_is_no_lock(self) -> None:
        power = self.lock(
            status="SHUTOFF", locked_reason="protector:op-1:ACTIVE"
        )
        self.assertEqual("SHUTOFF", power)
        self.assertEqual(1, len(self.ctx.mine.changes))

    def test_what_cannot_move(self) -> None:
        for status in ("RESCUE", "ERROR", "VERIFY_RESIZE", "PAUSED"):
            error = self.assertRaises(
                exception.UnexpectedState, self.lock, status=status
            )
            self.assertIn(status, error.message)
            self.assertIn("ACTIVE", error.message)
        self.assertEqual([], self.ctx.mine.changes)

    def test_the_state_an_earlier_operation_left_is_passed_on(self) -> None:
        """Its compensation failed: the tenant's server was up before it and
        nobody but us could stop it."""
        power = self.lock(
            status="SHUTOFF",
            locked=True,
            locked_reason="protector:op-0:ACTIVE",
        )
        self.assertEqual("ACTIVE", power)
        self.assertEqual(
            [("lock", "s1", "protector:op-1:ACTIVE")], self.ctx.mine.changes
        )


class LiftTest(base.TestCase):
    def lift(self, **values: Any) -> list[Any]:
        ctx = Context()
        ctx.server(**values)
        fencing.lift(ctx, "here", "s1")
        return ctx.mine.changes

    def test_ours_whatever_the_operation(self) -> None:
        for operation_id in ("op-1", "op-0"):
            self.assertEqual(
                [("unlock", "s1")],
                self.lift(
                    locked=True,
                    locked_reason=f"protector:{operation_id}:ACTIVE",
                ),
            )

    def test_anothers_stays(self) -> None:
        for reason in (None, "maintenance"):
            self.assertEqual([], self.lift(locked=True, locked_reason=reason))
        self.assertEqual([], self.lift())


class UndoTest(base.TestCase):
    def undo(self, becomes: str | None = "ACTIVE", **values: Any) -> Any:
        ctx = Context(becomes)
        self.changes = ctx.mine.changes
        if values:
            ctx.server(**values)
        fencing.undo(ctx, "here", "s1")
        return self.changes

    def ours(self, power: str, status: str, **more: Any) -> Any:
        reason = f"protector:op-1:{power}"
        return self.undo(
            status=status, locked=True, locked_reason=reason, **more
        )

    def test_what_ran_runs_again_before_the_lock_goes(self) -> None:
        self.assertEqual(
            [("start", "s1"), ("unlock", "s1")], self.ours("ACTIVE", "SHUTOFF")
        )

    def test_what_stood_still_stays_so(self) -> None:
        for power, status in (("SHUTOFF", "SHUTOFF"), ("ACTIVE", "ACTIVE")):
            self.assertEqual([("unlock", "s1")], self.ours(power, status))

    def test_one_that_does_not_start_keeps_its_lock(self) -> None:
        """The lock says what is still to be brought back."""
        for becomes in ("ERROR", None):
            self.assertRaises(
                exception.UnexpectedState,
                self.ours,
                "ACTIVE",
                "SHUTOFF",
                becomes=becomes,
            )
            self.assertEqual([("start", "s1")], self.changes)

    def test_not_ours_to_bring_back(self) -> None:
        self.assertEqual([], self.undo())
        for values in (
            {"locked": False},
            {"locked": True, "locked_reason": "maintenance"},
            {"locked": True, "locked_reason": "protector:op-0:ACTIVE"},
        ):
            self.assertEqual([], self.undo(status="SHUTOFF", **values))
