# SPDX-License-Identifier: Apache-2.0
"""The tests of a stage are dealt out by how long they take."""

import pathlib
import pkgutil
import subprocess
import sys
import tempfile

from stestr import scheduler
from stestr.repository import file as repository

from protector.tests import base

WEIGH = pathlib.Path(__file__).parents[3] / "tools" / "stages" / "weigh.py"
WEIGHTS = """
# seconds
a.short 1
a.long 90
a.long.Longer 100
"""
LISTED = ["a.long.Longer.test", "a.long.test"] + [
    f"a.short.test_{number}" for number in range(110)
]


class WeighTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )

    def test_two_workers_end_together(self) -> None:
        known = repository.RepositoryFactory().initialise(str(self.path))
        weights, listed = self.path / "weights", self.path / "listed"
        weights.write_text(WEIGHTS)
        listed.write_text("\n".join(LISTED))
        subprocess.run(
            [sys.executable, WEIGH, self.path, listed, weights],
            check=True,
            timeout=60,
        )
        found = scheduler.partition_tests(LISTED, 2, known, None)
        self.assertEqual([51, 61], sorted(len(tests) for tests in found))

    def test_every_line_of_the_stages_is_of_a_test(self) -> None:
        for weights in WEIGH.parent.glob("*.weights"):
            for line in weights.read_text().splitlines()[1:]:
                name, seconds = line.split()
                self.assertGreater(float(seconds), 1)
                # raises when there is none
                pkgutil.resolve_name(name)
