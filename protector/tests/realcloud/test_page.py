# SPDX-License-Identifier: Apache-2.0
"""The documented page, walked on two real clouds from top to bottom."""

from protector.tests.page import examples, issues, usage
from protector.tests.realcloud import page_bed, residue


class RealPageTest(
    residue.PairTestCase, usage.Usage, examples.Examples, issues.Issues
):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        bed = page_bed.RealBed()
        cls.begin(bed)
        cls.pair = bed.pair

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self.check_no_residue)

    def test_nothing_is_left_out(self) -> None:
        self.check_nothing_left_out()
