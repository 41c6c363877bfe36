# SPDX-License-Identifier: Apache-2.0
"""No workflow is left out of the kill matrix."""

from protector.engine import workflows
from protector.tests import base
from protector.tests.failure import (
    kill_case,
    test_kill_lost,
    test_kill_matrix,
)


class CoverageTest(base.TestCase):
    def test_engines_die_in_every_workflow(self) -> None:
        found = {
            name
            for module in (test_kill_lost, test_kill_matrix)
            for case in vars(module).values()
            if isinstance(case, type) and issubclass(case, kill_case.KillCase)
            for name in case.COVERS
        }
        self.assertEqual(set(workflows.WORKFLOWS), found)
