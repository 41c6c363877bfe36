# SPDX-License-Identifier: Apache-2.0
"""Sparse files: copied fast, compared truly."""

import os
import pathlib
import time

import fixtures

from protector.sandbox.array import blocks
from protector.tests import base

_MIB = 1024**2
_GIB = 1024**3


class BlocksTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def file(self, name: str, size: int, *pieces: tuple[int, bytes]) -> str:
        path = self.home / name
        blocks.create(path, size)
        for offset, data in pieces:
            blocks.write(path, offset, data)
        return str(path)

    def test_clone_of_a_sparse_file_is_cheap(self) -> None:
        data = os.urandom(3 * _MIB)
        source = self.file("s", _GIB, (700 * _MIB + 5, data))
        target = self.home / "t"
        start = time.monotonic()
        blocks.clone(source, target)
        self.assertLess(time.monotonic() - start, 1.0)
        self.assertEqual(_GIB, blocks.size_of(target))
        self.assertLess(blocks.allocated(target), 8 * _MIB)
        self.assertEqual(data, blocks.read(target, 700 * _MIB + 5, len(data)))
        self.assertEqual(blocks.digest(source), blocks.digest(target))

    def test_digest_sees_where_data_lies(self) -> None:
        one = self.file("one", _MIB, (0, b"x"))
        two = self.file("two", _MIB, (4096, b"x"))
        longer = self.file("longer", 2 * _MIB, (0, b"x"))
        self.assertNotEqual(blocks.digest(one), blocks.digest(two))
        self.assertEqual(blocks.digest(one), blocks.digest(longer))

    def test_chunks_leave_zeros_out(self) -> None:
        path = self.file(
            "c",
            3 * blocks.CHUNK + 512,
            (0, bytes(blocks.CHUNK)),
            (blocks.CHUNK + 7, b"x"),
            (3 * blocks.CHUNK, b"tail"),
        )
        found = list(blocks.chunks(path))
        self.assertEqual(
            [(blocks.CHUNK, blocks.CHUNK), (3 * blocks.CHUNK, 512)],
            [(offset, length) for offset, length, _ in found],
        )

    def test_chunks_of_scattered_extents_come_once(self) -> None:
        pieces = [(n * 65536, b"x") for n in range(16)]
        path = self.file("e", _MIB, *pieces)
        offsets = [offset for offset, _, _ in blocks.chunks(path)]
        self.assertEqual([n * blocks.CHUNK for n in range(4)], offsets)
