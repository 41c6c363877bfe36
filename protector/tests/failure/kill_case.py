# SPDX-License-Identifier: Apache-2.0
"""A part of the kill matrix, and which workflows engines died in there."""

from collections.abc import Callable
from typing import Any, ClassVar

from protector.db import models
from protector.engine import workflows
from protector.tests.failure import kills, mortal, tour


class KillCase(tour.Tour):
    """``COVERS``: the workflows, by their names in the registry; the test
    holds that engines died in these and in no other.  ``PASSES``: the kinds
    of moments of each round, where one has not the time for all of them."""

    COVERS: ClassVar[frozenset[str]]
    PASSES: ClassVar[tuple[tuple[str, ...], ...]] = tuple(
        (kind,) for kind in kills.KINDS
    )

    def setUp(self) -> None:
        super().setUp()
        self.covered: set[str] = set()
        self.addCleanup(self._check)

    def attempt(
        self,
        at: Any,
        verb: str,
        start: Callable[[], Any],
        name: str,
        plan: mortal.Plan,
    ) -> models.Operation:
        ended = super().attempt(at, verb, start, name, plan)
        if plan.cases(name):
            self.covered.add(workflow(ended))
        return ended

    def _check(self) -> None:
        if not self.violations:
            self.assertEqual(self.COVERS, self.covered)


def workflow(operation: models.Operation) -> str:
    """The name in the registry of what an operation was planned from."""
    name = workflows.named(operation.kind, operation.args, operation.data)
    alone = workflows.WORKFLOWS.get(f"{name} alone", ())
    known = {
        step
        for stage in alone
        for step in getattr(stage, "steps", ()) or (stage.step,)
    }
    taken = {step.name for step in operation.steps}
    return f"{name} alone" if taken <= known else name
