# SPDX-License-Identifier: Apache-2.0
"""Each person asks each route; the matrix says what they are answered."""

from protector.tests.functional.rbac import case


class MatrixTest(case.RbacTest):
    def test_admin(self) -> None:
        self._ask_all("admin")

    def test_manager(self) -> None:
        self._ask_all("manager")

    def test_member(self) -> None:
        self._ask_all("member")

    def test_reader(self) -> None:
        self._ask_all("reader")

    def test_auditor(self) -> None:
        self._ask_all("auditor")

    def test_stranger(self) -> None:
        self._ask_all("stranger")

    def test_service(self) -> None:
        self._ask_all("service")

    def test_peer(self) -> None:
        self._ask_all("peer")

    def test_registered(self) -> None:
        self._ask_all("registered")

    def test_namesake(self) -> None:
        self._ask_all("namesake")

    def test_unscoped(self) -> None:
        self._ask_all("unscoped")

    def test_domain_admin(self) -> None:
        self._ask_all("domain_admin")

    def test_anonymous(self) -> None:
        self._ask_all("anonymous")

    def test_nobody_is_left_out(self) -> None:
        asked = {f"test_{person}" for person in self.matrix.people}
        self.assertEqual(set(), asked - set(dir(self)))

    def _ask_all(self, person: str) -> None:
        wrong = [self.check(cell) for cell in self.matrix.cells(person)]
        self.assertEqual([], [text for text in wrong if text])
