# SPDX-License-Identifier: Apache-2.0
"""Random scenarios on two sites; the invariants hold at each step, and all of
them end well.

The scenarios are the same each time, unless ``PROTECTOR_MODEL_SEED`` is
another; ``PROTECTOR_MODEL_SCENARIOS`` is their number, and with
``PROTECTOR_MODEL_SHRINK`` a failure is made as short as possible.
"""

import collections
import os

import hypothesis
from hypothesis import stateful

from protector.tests import base
from protector.tests.model import bed, counts, machine

WORKERS = 2
"""Tests that share the scenarios, and run side by side."""


class ModelTest(base.TestCase):
    DEFAULT_TIMEOUT = 3000

    def _run(self, number: int) -> None:
        scenarios = int(os.environ.get("PROTECTOR_MODEL_SCENARIOS", "20"))
        seed = int(os.environ.get("PROTECTOR_MODEL_SEED", "1"))
        place = self.useFixture(bed.Bed())
        found: counts.Counts = collections.Counter()
        self.addCleanup(counts.save, self.id(), found)

        @hypothesis.seed(seed * WORKERS + number)
        def begin() -> machine.Machine:
            return machine.Machine(place, found)

        # what hypothesis ends at random is no shorter
        least = 0 if _shrinks() else counts.STEPS
        stateful.run_state_machine_as_test(
            begin,
            settings=settings(-(-scenarios // WORKERS)),
            _min_steps=least,
        )


class FirstTest(ModelTest):
    def test_scenarios(self) -> None:
        self._run(0)


class SecondTest(ModelTest):
    def test_scenarios(self) -> None:
        self._run(1)


def _shrinks() -> bool:
    return bool(os.environ.get("PROTECTOR_MODEL_SHRINK"))


def settings(scenarios: int, steps: int = counts.STEPS) -> hypothesis.settings:
    """:param steps: of each, beside its beginning."""
    phases = [hypothesis.Phase.generate]
    if _shrinks():
        phases.append(hypothesis.Phase.shrink)
    return hypothesis.settings(
        max_examples=scenarios,
        stateful_step_count=steps + 1,
        phases=phases,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
