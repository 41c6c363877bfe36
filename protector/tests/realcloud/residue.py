# SPDX-License-Identifier: Apache-2.0
"""What a test adds to be shown the logs and to leave nothing behind."""

from typing import Any, ClassVar

from testtools import content

from protector.tests import base
from protector.tests.realcloud import inventory, pair, tenancy


class PairTestCase(base.TestCase):
    """:cvar tenancy: of all tests; whoever has them makes it."""

    DEFAULT_TIMEOUT = 900
    LOOPBACK_ONLY = False
    tenancy: ClassVar[tenancy.Tenancy]
    pair: pair.Pair

    def setUp(self) -> None:
        # before what others do about it writes more into the logs
        self.addOnException(self._attach)
        self.pair = self.tenancy.pair
        super().setUp()
        self.before = self._take()

    def _attach(self, _error: Any) -> None:
        """Show the ends of all logs with the failure."""
        running = self.pair.processes
        for name in running.names():
            self.addDetail(
                f"{name}.log", content.text_content(running.tail(name))
            )

    def _take(self) -> list[inventory.Inventory]:
        return [inventory.take(s.tenant) for s in (self.pair.a, self.pair.b)]

    def check_no_residue(self) -> None:
        """Both clouds and arrays have what they had before the test."""
        for before, after in zip(self.before, self._take(), strict=True):
            self.assertEqual({}, inventory.added(before, after))
            self.assertEqual({}, inventory.removed(before, after))
        self.check_no_staging()
        for array in (self.pair.arrays.a, self.pair.arrays.b):
            self.assertEqual([], array.groups(), array.name)
        for site in (self.pair.a, self.pair.b):
            user = self.pair.service_user(site)
            self.assertEqual([], [k.name for k in user.compute.keypairs()])

    def check_no_staging(self) -> None:
        arrays = self.pair.arrays
        for array in (arrays.a, arrays.b):
            self.assertEqual([], array.leftovers(), array.name)
