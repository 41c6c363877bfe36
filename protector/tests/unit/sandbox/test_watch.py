# SPDX-License-Identifier: Apache-2.0
"""An operation is followed to its end, through outages, up to a deadline."""

from collections.abc import Callable
import types
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions

from protector.sandbox import watch
from protector.tests import base

QUICK = watch.Patience(seconds=5, interval=0.001)
AWAY = ksa_exceptions.ConnectFailure("refused")


def operation(status: str, **values: Any) -> Any:
    """An operation as the SDK has it."""
    given = {"id": "op", "kind": "failover", "steps": [], "error": None}
    return types.SimpleNamespace(status=status, **given | values)


def answers(*given: Any) -> Callable[[str], Any]:
    """A look that gives or raises these, the last one for ever."""
    left = list(given)

    def look(operation_id: str) -> Any:
        found = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(found, Exception):
            raise found
        return found

    return look


class FollowTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.seen: list[str] = []
        self.gone: list[str] = []

    def _follow(
        self,
        first: Callable[[str], Any],
        second: Callable[[str], Any] = lambda _id: operation("running"),
        patience: watch.Patience = QUICK,
    ) -> Any:
        return watch.follow(
            "op",
            [watch.Source("site-b", first), watch.Source("site-a", second)],
            lambda found: self.seen.append(found.status),
            self.gone.append,
            patience,
        )

    def test_to_its_end(self) -> None:
        ended = self._follow(
            answers(operation("running"), operation("completed"))
        )
        self.assertEqual("completed", ended.status)
        self.assertEqual(["running", "completed"], self.seen)

    def test_an_outage_is_borne_and_the_other_site_asked(self) -> None:
        self._follow(
            answers(operation("running"), AWAY, operation("completed"))
        )
        self.assertEqual(["site-b"], self.gone)
        self.assertEqual(["running", "running", "completed"], self.seen)

    def test_only_the_executor_says_that_it_has_ended(self) -> None:
        first = answers(AWAY, operation("running"), operation("completed"))
        self._follow(first, answers(operation("completed")))
        self.assertEqual(["completed", "running", "completed"], self.seen)

    def test_the_other_site_need_not_know_it_yet(self) -> None:
        missing = exceptions.NotFoundException("no such operation")
        self._follow(answers(AWAY, operation("completed")), answers(missing))
        self.assertEqual(["site-b", "site-a"], self.gone)

    def test_a_refusal_is_no_outage(self) -> None:
        for error in (
            exceptions.NotFoundException("gone", http_status=404),
            exceptions.ForbiddenException("no", http_status=403),
        ):
            self.assertRaises(type(error), self._follow, answers(error))

    def test_a_failure_tells_error_remedy_and_step(self) -> None:
        failed = operation(
            "failed",
            error={"reason": "Q", "message": "no room", "remedy": "make it"},
            steps=[
                {
                    "name": "servers.start",
                    "member": "web",
                    "status": "failed",
                    "error": {"message": "quota"},
                }
            ],
        )
        error = self.assertRaises(
            watch.OperationError, self._follow, answers(failed)
        )
        for text in ("no room", "make it", "servers.start web", "quota"):
            self.assertIn(text, str(error))

    def test_a_deadline(self) -> None:
        stuck = operation(
            "running",
            steps=[{"name": "final", "member": None, "status": "running"}],
        )
        error = self.assertRaises(
            watch.OperationError,
            self._follow,
            answers(stuck),
            patience=watch.Patience(0.05, 0.001),
        )
        self.assertIn("at final", str(error))

    def test_nobody_answers(self) -> None:
        error = self.assertRaises(
            watch.OperationError,
            self._follow,
            answers(AWAY),
            answers(AWAY),
            patience=watch.Patience(0.05, 0.001),
        )
        self.assertIn("no site answered", str(error))
