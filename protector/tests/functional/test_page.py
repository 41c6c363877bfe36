# SPDX-License-Identifier: Apache-2.0
"""The documented page, walked on the sandbox from top to bottom."""

from protector.tests.page import examples, issues, sandbox_bed, usage


class SandboxPageTest(usage.Usage, examples.Examples, issues.Issues):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.begin(sandbox_bed.SandboxBed())

    def test_nothing_is_left_out(self) -> None:
        self.check_nothing_left_out()
