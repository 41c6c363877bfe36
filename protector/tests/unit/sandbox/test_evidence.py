# SPDX-License-Identifier: Apache-2.0
"""What remains is found: new, gone or marked."""

from protector.sandbox import evidence
from protector.tests import base


class RemainderTest(base.TestCase):
    def _remainder(
        self,
        before: dict[str, evidence.Json],
        after: dict[str, evidence.Json],
    ) -> list[str]:
        return evidence.remainder({"ports": before}, {"ports": after})

    def test_nothing(self) -> None:
        rows = {"1": {"id": "1", "name": "web"}}
        self.assertEqual([], self._remainder(rows, dict(rows)))

    def test_new_and_gone(self) -> None:
        left = self._remainder(
            {"1": {"id": "1", "name": "web"}}, {"2": {"id": "2"}}
        )
        self.assertEqual(["new in ports: 2", "gone from ports: web (1)"], left)

    def test_a_mark_that_was_not_there(self) -> None:
        plain = {"id": "1", "metadata": {}}
        marked = {"id": "1", "metadata": {"protector_member": "m"}}
        self.assertEqual(
            ["marked in ports: 1"],
            self._remainder({"1": plain}, {"1": marked}),
        )
        self.assertEqual([], self._remainder({"1": marked}, {"1": marked}))
