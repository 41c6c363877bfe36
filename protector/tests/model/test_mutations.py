# SPDX-License-Identifier: Apache-2.0
"""That the model finds mistakes: each of ``mutations`` within a few
scenarios, which begin so that it can matter."""

import collections

import hypothesis
from hypothesis import stateful

from protector.tests import base
from protector.tests.model import bed, invariants, machine, mutations
from protector.tests.model import test_model as models

AT_MOST = 5
"""Scenarios until it has to be found."""


class MutationsTest(base.TestCase):
    DEFAULT_TIMEOUT = 3000

    def test_each_is_found(self) -> None:
        place = self.useFixture(bed.Bed())
        for name, mutation in mutations.mutations().items():
            with self.subTest(name), mutation:
                self._find(place, mutation.lead)

    def _find(self, place: bed.Bed, lead: mutations.Lead) -> None:
        @hypothesis.seed(1)
        def begin() -> machine.Machine:
            return machine.Machine(place, collections.Counter(), lead)

        self.assertRaises(
            invariants.Violation,
            stateful.run_state_machine_as_test,
            begin,
            settings=models.settings(AT_MOST, 5),
        )
