# SPDX-License-Identifier: Apache-2.0
"""A blow is dealt once, when its step has begun."""

import types
from typing import Any

from protector.sandbox import disturb
from protector.tests import base

PROCESSES = ("site-a", "site-b")


class FakeFleet:
    """Writes down what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def kill(self, name: str) -> None:
        self.asked.append(("kill", name))

    def start(self, name: str) -> None:
        self.asked.append(("start", name))


def operation(status: str, kind: str = "failover") -> Any:
    """An operation in which ``servers.start`` has a status."""
    steps = [{"name": "servers.start", "status": status}]
    return types.SimpleNamespace(kind=kind, steps=steps)


class ParseTest(base.TestCase):
    def test_what_is_understood(self) -> None:
        for text in ("site-b@volumes.overwrite", "site-a@failback:a.b"):
            self.assertEqual(text, str(disturb.parse(text, PROCESSES)))

    def test_what_is_not(self) -> None:
        for text in ("site-b", "site-c@a.b", "site-b@", "site-b@:a.b", "@a"):
            self.assertRaises(ValueError, disturb.parse, text, PROCESSES)


class DisturberTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fleet = FakeFleet()
        self.said: list[str] = []

    def _disturber(self, *texts: str) -> disturb.Disturber:
        blows = [disturb.parse(text, PROCESSES) for text in texts]
        found = disturb.Disturber(self.fleet, blows, self.said.append)
        self.addCleanup(found.close)
        return found

    def test_once_when_the_step_begins(self) -> None:
        disturber = self._disturber("site-b@servers.start")
        for status in ("pending", "running", "done"):
            disturber.look(operation(status))
        disturber.settle()
        self.assertEqual(
            [("kill", "site-b"), ("start", "site-b")], self.fleet.asked
        )
        self.assertEqual([], disturber.undealt)

    def test_a_step_that_was_too_quick_to_be_seen_running(self) -> None:
        disturber = self._disturber("site-b@servers.start")
        disturber.look(operation("done"))
        disturber.settle()
        self.assertEqual(2, len(self.fleet.asked))

    def test_of_one_kind_only(self) -> None:
        disturber = self._disturber("site-b@failback:servers.start")
        disturber.look(operation("running"))
        self.assertEqual(1, len(disturber.undealt))
        disturber.look(operation("running", "failback"))
        disturber.settle()
        self.assertEqual(2, len(self.fleet.asked))

    def test_what_went_wrong_is_told(self) -> None:
        disturber = self._disturber("site-a@servers.start")

        def broken(name: str) -> None:
            raise RuntimeError(name)

        self.fleet.start = broken
        disturber.look(operation("running"))
        self.assertRaises(RuntimeError, disturber.settle)
