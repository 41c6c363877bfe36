# SPDX-License-Identifier: Apache-2.0
"""Where a sandbox is, and that two never share a prefix."""

import pathlib
import socket

import fixtures

from protector.sandbox import layout
from protector.sandbox.cloud.keystone import seeding
from protector.tests import base

FREE = "127.0.201"
"""A prefix that nobody else uses in tests."""
OTHER = "127.0.202"


class LayoutTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.layout = layout.Layout(self.root, FREE)

    def test_sites_have_addresses_of_their_own(self) -> None:
        a, b = self.layout.sites
        self.assertEqual(f"{FREE}.1", a.address)
        self.assertEqual(f"{FREE}.2", b.address)
        self.assertEqual(f"http://{FREE}.2:8788", b.api_url)
        self.assertEqual(f"https://{FREE}.1:8443", a.array_url)
        self.assertEqual(f"http://{FREE}.1:5000/identity/v3", a.auth_url)

    def test_a_process_belongs_to_a_site(self) -> None:
        for name in ("array-b", "cloud-b", "site-b"):
            self.assertEqual("site-b", self.layout.site(name).name)
        a, b = self.layout.sites
        self.assertEqual(b, self.layout.other(a))
        self.assertEqual(a, self.layout.other(b))

    def test_a_third_site(self) -> None:
        three = layout.Layout(self.root, FREE, third=True)
        a, b, c = three.every
        self.assertEqual((a, b), three.sites)
        self.assertEqual(f"{FREE}.3", c.address)
        self.assertEqual([(a, b), (a, c), (b, c)], three.pairs)
        self.assertEqual(
            (b, b, a), (*map(three.other, (a, c)), three.other(b))
        )
        self.assertEqual(9, len(three.processes))
        three.save()
        self.assertEqual(three, layout.load(self.root.resolve()))

    def test_states_do_not_overlap(self) -> None:
        states = {
            self.layout.site(name).state(name)
            for name in self.layout.processes
        }
        self.assertEqual(6, len(states))

    def test_the_prefix_is_remembered(self) -> None:
        self.assertIsNone(layout.load(self.root))
        self.layout.save()
        loaded = layout.load(self.root)
        self.assertEqual(FREE, loaded.prefix if loaded else None)

    def test_the_accounts_are_those_of_the_emulated_clouds(self) -> None:
        self.assertEqual(seeding.PASSWORD, layout.PASSWORD)
        self.assertIn(layout.SERVICE_USER, seeding.USERS)
        self.assertIn(layout.PROJECT, seeding.PROJECTS)


class ChoiceTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(
            fixtures.MonkeyPatch(
                "protector.sandbox.layout._candidates",
                lambda: [FREE, OTHER],
            )
        )

    def _choose(self, wanted: str | None = None) -> layout.Layout:
        found, claim = layout.choose(self.root, wanted)
        self.addCleanup(claim.__exit__)
        return found

    def _listen(self, address: str, port: int) -> None:
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.bind((address, port))
        sock.listen(1)

    def test_the_first_free_prefix(self) -> None:
        self.assertEqual(FREE, self._choose().prefix)

    def test_a_prefix_in_use_is_passed_over(self) -> None:
        self._listen(f"{FREE}.2", layout.API_PORT)
        self.assertEqual(OTHER, self._choose().prefix)

    def test_a_claimed_prefix_is_passed_over(self) -> None:
        """Its processes have not bound their ports yet."""
        self.assertEqual(FREE, self._choose().prefix)
        self.assertEqual(OTHER, self._choose().prefix)

    def test_a_prefix_that_was_asked_for_is_not_replaced(self) -> None:
        self._listen(f"{FREE}.1", layout.CLOUD_PORT)
        error = self.assertRaises(layout.LayoutError, self._choose, FREE)
        self.assertIn(FREE, str(error))

    def test_a_claim_ends(self) -> None:
        with layout.Claim(FREE):
            self.assertRaises(OSError, layout.Claim, FREE)
        with layout.Claim(FREE):
            pass

    def test_nothing_is_free(self) -> None:
        self._choose()
        self._choose()
        self.assertRaises(layout.LayoutError, self._choose)
