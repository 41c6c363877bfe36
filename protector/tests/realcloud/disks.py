# SPDX-License-Identifier: Apache-2.0
"""The bytes of volumes that Cinder keeps as files.

Stands in for the guests, which do not run on the bed: it writes where a
guest would and reads what a guest would find.
"""

from collections.abc import Iterator
import errno
import hashlib
import os
import pathlib
import secrets

EXTENT = 512 * 1024
EXTENTS = 6
CHUNK = 64 * 1024


def path(pool: pathlib.Path, volume_id: str) -> pathlib.Path:
    return pool / f"volume-{volume_id}"


def scribble(pool: pathlib.Path, volume_id: str) -> str:
    """Write random bytes at both ends and at random places; the digest."""
    file = path(pool, volume_id)
    last = file.stat().st_size - EXTENT
    offsets = [0, last, *(secrets.randbelow(last) for _ in range(EXTENTS))]
    with open(file, "r+b") as disk:
        for offset in offsets:
            disk.seek(offset)
            disk.write(secrets.token_bytes(EXTENT))
        disk.flush()
        os.fsync(disk.fileno())
    return digest(pool, volume_id)


def digest(pool: pathlib.Path, volume_id: str) -> str:
    """SHA-256 over the volume's chunks that are not zero, with their places.

    Equal exactly if the contents are, however sparse the files.
    """
    found = hashlib.sha256()
    zero = bytes(CHUNK)
    with open(path(pool, volume_id), "rb") as disk:
        for offset in _places(disk.fileno()):
            chunk = os.pread(disk.fileno(), CHUNK, offset)
            if chunk != zero[: len(chunk)]:
                found.update(offset.to_bytes(8, "big") + chunk)
    return found.hexdigest()


def _places(descriptor: int) -> Iterator[int]:
    """Offsets of the chunks in which the file has data."""
    offset = 0
    while True:
        try:
            data = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        offset = data - data % CHUNK
        yield offset
        offset += CHUNK
