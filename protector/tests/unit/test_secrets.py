# SPDX-License-Identifier: Apache-2.0
"""Sealed credentials: keys that come, rotate and go."""

import pathlib
import stat

import fixtures

from protector import exception, secrets
from protector.tests import base

SECRET = "pässword-1"


class SecretsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = top / "keys"
        self.sealer = secrets.Sealer(str(self.path))

    def add(self) -> int:
        return secrets.add_key(str(self.path))

    def test_sealed_and_opened(self) -> None:
        self.add()
        sealed = self.sealer.seal(SECRET)
        self.assertNotIn(SECRET, sealed)
        self.assertNotEqual(sealed, self.sealer.seal(SECRET))
        self.assertEqual(SECRET, self.sealer.open(sealed))

    def test_keys_are_their_owners_alone(self) -> None:
        self.assertEqual([1, 2], [self.add(), self.add()])
        self.assertEqual(0o700, stat.S_IMODE(self.path.stat().st_mode))
        for number in ("1", "2"):
            mode = (self.path / number).stat().st_mode
            self.assertEqual(0o600, stat.S_IMODE(mode))

    def test_rotation(self) -> None:
        self.add()
        old = self.sealer.seal(SECRET)
        self.add()
        # all open, the newest seals
        self.assertEqual(SECRET, self.sealer.open(old))
        resealed = self.sealer.reseal(old)
        fresh = self.sealer.seal(SECRET)
        (self.path / "1").unlink()
        for sealed in (resealed, fresh):
            self.assertEqual(SECRET, self.sealer.open(sealed))
        self.refused(self.sealer.open, old)

    def test_ten_is_newer_than_nine(self) -> None:
        for _ in range(10):
            self.add()
        sealed = self.sealer.seal(SECRET)
        for number in range(1, 10):
            (self.path / str(number)).unlink()
        self.assertEqual(SECRET, self.sealer.open(sealed))

    def test_other_files_are_no_keys(self) -> None:
        self.add()
        for name in ("README", "2.bak", ".3.swp", "²"):
            (self.path / name).write_text("no key")
        self.assertEqual(SECRET, self.sealer.open(self.sealer.seal(SECRET)))
        self.assertEqual(2, self.add())

    def refused(self, call: object, *args: str) -> None:
        error = self.assertRaises(exception.ProtectorError, call, *args)
        self.assertIn("key", error.remedy + error.message)
        for given in (SECRET, *args):
            self.assertNotIn(given, str(error.as_dict()))

    def test_without_a_key(self) -> None:
        self.refused(self.sealer.seal, SECRET)
        self.path.mkdir()
        self.refused(self.sealer.seal, SECRET)

    def test_what_no_key_opens(self) -> None:
        self.add()
        sealed = self.sealer.seal(SECRET)
        for broken in (sealed[:-4] + "AAAA", "not-sealed", "ä"):
            self.refused(self.sealer.open, broken)
            self.refused(self.sealer.reseal, broken)

    def test_a_key_file_that_is_none(self) -> None:
        self.add()
        (self.path / "2").write_text("")
        self.refused(self.sealer.seal, SECRET)
