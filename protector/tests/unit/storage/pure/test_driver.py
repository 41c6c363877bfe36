# SPDX-License-Identifier: Apache-2.0
"""The driver keeps its promises over both generations of REST."""

from protector.storage.pure import connection, rest1, rest2
from protector.tests.unit.storage.pure import (
    contract,
    contract_content,
    contract_sync,
    contract_trouble,
)


class TestProtectionOverRest1(contract.DriverContract):
    rest = ("1",)

    def test_speaks_rest1(self) -> None:
        found = self.driver.check(self.a.array)
        self.assertTrue(found["rest"].startswith("1."))
        arrays = connection.Connections((5, 5), self.before_change)
        self.assertIsInstance(arrays.of(self.a.array), rest1.Rest1)

    def test_a_connection_is_kept(self) -> None:
        self.hear("urllib3", "urllib3.connectionpool")
        opened = []
        for _ in range(3):
            self.driver.link(self.a.array, self.b.array)
            opened.append(self.log_output.count("Starting new HTTPS"))
        self.assertGreater(opened[0], 0)
        self.assertEqual(opened[:1] * 3, opened)

    def test_token_is_nowhere(self) -> None:
        self.hear("urllib3", "urllib3.connectionpool")
        self.protected("v1")
        self.point("e1")
        self.assertIn("/api/1.19/auth/session", self.log_output)
        self.assertIn("Array array-b: set {'allowed': True}", self.log_output)
        for array in (self.a.array, self.b.array):
            self.assertNotIn(array.api_token, self.log_output)
            self.assertNotIn(array.api_token, repr(self.direction))


class TestContentOverRest1(contract_content.ContentContract):
    rest = ("1",)


class TestTroubleOverRest1(contract_trouble.TroubleContract):
    rest = ("1",)


class TestPodsOverRest1(contract_sync.SyncContract):
    rest = ("1",)


class TestProtectionOverRest2(contract.DriverContract):
    sends_later = False

    def test_speaks_rest2(self) -> None:
        found = self.driver.check(self.a.array)
        self.assertEqual("2.17", found["rest"])
        arrays = connection.Connections((5, 5), self.before_change)
        self.assertIsInstance(arrays.of(self.a.array), rest2.Rest2)

    def test_token_is_nowhere(self) -> None:
        self.hear("urllib3", "urllib3.connectionpool", "pypureclient")
        self.protected("v1")
        self.point("e1")
        self.assertIn("/api/2.17/login", self.log_output)
        self.assertIn(
            "Array array-b: set allowed True on array-a", self.log_output
        )
        for array in (self.a.array, self.b.array):
            self.assertNotIn(array.api_token, self.log_output)
            self.assertNotIn(array.api_token, repr(self.direction))


class TestContentOverRest2(contract_content.ContentContract):
    pass


class TestTroubleOverRest2(contract_trouble.TroubleContract):
    pass


class TestPodsOverRest2(contract_sync.SyncContract):
    pass
