# SPDX-License-Identifier: Apache-2.0
"""No workflow is left out of the matrices of deaths and of outages."""

import types

from protector.engine import workflows
from protector.tests import base
from protector.tests.failure import (
    kill_case,
    test_kill_lost,
    test_kill_matrix,
    test_outages,
    test_pairs,
)


class CoverageTest(base.TestCase):
    def test_engines_die_in_every_workflow(self) -> None:
        self.assertEqual(
            set(workflows.WORKFLOWS),
            _covered(test_kill_lost, test_kill_matrix),
        )

    def test_database_and_broker_go_away_in_every_workflow(self) -> None:
        self.assertEqual(set(workflows.WORKFLOWS), _covered(test_outages))

    def test_one_of_two_engines_dies_in_every_workflow(self) -> None:
        self.assertEqual(set(workflows.WORKFLOWS), _covered(test_pairs))


def _covered(*modules: types.ModuleType) -> set[str]:
    return {
        name
        for module in modules
        for case in vars(module).values()
        if isinstance(case, type)
        and issubclass(case, kill_case.KillCase)
        and case.__module__ == module.__name__
        for name in getattr(case, "COVERS", ())
    }
