# SPDX-License-Identifier: Apache-2.0
"""A sandbox keeps its place, and one command at a time works on it."""

import pathlib

import fixtures

from protector.sandbox import bringup, layout
from protector.tests import base

PREFIX = "127.0.203"


class PlaceTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _place(self, wanted: str | None) -> layout.Layout:
        with bringup.place(self.root, wanted) as found:
            return found

    def test_a_sandbox_stays_where_it_is(self) -> None:
        self.assertEqual(PREFIX, self._place(PREFIX).prefix)
        self.assertEqual(PREFIX, self._place(None).prefix)
        error = self.assertRaises(layout.LayoutError, self._place, "127.0.204")
        self.assertIn(PREFIX, str(error))

    def test_its_addresses_were_taken_while_it_was_down(self) -> None:
        self._place(PREFIX)
        with layout.Claim(PREFIX):
            error = self.assertRaises(layout.LayoutError, self._place, None)
        self.assertIn("--fresh", str(error))
        self.assertEqual(PREFIX, self._place(None).prefix)

    def test_cleared_it_can_be_elsewhere(self) -> None:
        place = self._place(PREFIX)
        state = place.sites[0].state("array-a")
        state.mkdir(parents=True)
        self.assertEqual([], bringup.clear(self.root))
        self.assertFalse(state.exists())
        self.assertIsNone(layout.load(self.root))
        self.assertEqual("127.0.204", self._place("127.0.204").prefix)

    def test_nothing_to_clear(self) -> None:
        self.assertEqual([], bringup.clear(self.root))


class LockTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(
            fixtures.MonkeyPatch("protector.sandbox.bringup.LOCK_SECONDS", 0.2)
        )

    def _lock(self) -> None:
        with bringup.lock(self.root / "sandbox"):
            pass

    def test_one_at_a_time(self) -> None:
        with bringup.lock(self.root / "sandbox"):
            self.assertRaises(bringup.BringUpError, self._lock)
        self._lock()
