# SPDX-License-Identifier: Apache-2.0
"""Documents: bytes, checksums, order; epochs: parity."""

import hashlib

from protector import metadata
from protector.tests import base

Triple = metadata.Triple


class TripleTest(base.TestCase):
    def test_order_is_by_epoch_then_version(self) -> None:
        mine = Triple(2, 5, "a")
        for epoch, version, expected in (
            (1, 9, False),
            (2, 4, False),
            (2, 5, False),
            (2, 6, True),
            (3, 1, True),
        ):
            offered = Triple(epoch, version, "b")
            self.assertEqual(expected, metadata.newer(mine, offered), offered)
        self.assertTrue(metadata.newer(None, Triple(1, 1, "x")))

    def test_the_same_only_with_the_same_checksum(self) -> None:
        mine = Triple(1, 2, "a")
        self.assertTrue(mine.same(Triple(1, 2, "a")))
        for other in (Triple(1, 2, "b"), Triple(1, 3, "a"), None):
            self.assertFalse(mine.same(other), other)

    def test_as_dict(self) -> None:
        self.assertEqual(
            {"epoch": 1, "version": 2, "checksum": "a"},
            Triple(1, 2, "a").as_dict(),
        )


class DocumentTest(base.TestCase):
    def test_the_sum_is_over_the_exact_bytes(self) -> None:
        raw = metadata.encode({"epoch": 3, "version": 4, "name": "ü"})
        self.assertEqual(
            Triple(3, 4, hashlib.sha256(raw).hexdigest()),
            metadata.triple(raw),
        )
        spaced = raw.replace(b":", b": ")
        self.assertNotEqual(
            metadata.triple(raw).checksum, metadata.triple(spaced).checksum
        )

    def test_equal_documents_are_equal_bytes(self) -> None:
        one = metadata.encode({"a": 1, "b": {"d": 1, "c": "ü"}})
        other = metadata.encode({"b": {"c": "ü", "d": 1}, "a": 1})
        self.assertEqual(one, other)
        self.assertIn("ü".encode(), one)

    def test_what_is_no_document(self) -> None:
        for raw in (
            b"",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"{}",
            b'{"epoch": 1}',
            b'{"epoch": null, "version": 1}',
            b'{"epoch": "one", "version": 1}',
        ):
            self.assertRaises(ValueError, metadata.triple, raw)


class EpochTest(base.TestCase):
    def test_smallest_of_its_parity_above_what_was_seen(self) -> None:
        for seen in range(1, 50):
            odd = metadata.next_epoch(seen, True)
            even = metadata.next_epoch(seen, False)
            self.assertEqual((1, 0), (odd % 2, even % 2))
            for epoch in (odd, even):
                self.assertTrue(seen < epoch <= seen + 2)
            # so two sites never claim the same
            self.assertNotEqual(odd, even)
