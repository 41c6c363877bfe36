# SPDX-License-Identifier: Apache-2.0
"""Bytes: sparse files, copied by extent, compared by chunk.

A volume's provisioned size is its file's length, and only extents with data
are read or copied, so a copy costs what was written, not what was provisioned.
It knows files and nothing of volumes. Nothing is synced to disk: the pages
survive the death of the process.
"""

from collections.abc import Iterator
import contextlib
import errno
import fcntl
import hashlib
import os
import pathlib

CHUNK = 256 * 1024
_BLOCK = 4096
_COPY = 8 * 1024 * 1024
_FICLONE = 0x40049409  # linux/fs.h


@contextlib.contextmanager
def _opened(path: pathlib.Path | str, flags: int) -> Iterator[int]:
    fd = os.open(path, flags, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def create(path: pathlib.Path, size: int) -> None:
    """Make a new file of ``size`` bytes without data."""
    with _opened(path, os.O_RDWR | os.O_CREAT | os.O_EXCL) as fd:
        os.ftruncate(fd, size)


def size_of(path: pathlib.Path | str) -> int:
    """Return the length in bytes."""
    return os.stat(path).st_size


def resize(path: pathlib.Path | str, size: int) -> None:
    """Cut or extend the file; what is added reads as zeros."""
    os.truncate(path, size)


def allocated(path: pathlib.Path | str) -> int:
    """Return the bytes that the file really occupies."""
    try:
        return os.stat(path).st_blocks * 512
    except FileNotFoundError:
        return 0


def read(path: pathlib.Path | str, offset: int, length: int) -> bytes:
    """Return up to ``length`` bytes at ``offset``."""
    with _opened(path, os.O_RDONLY) as fd:
        return _read(fd, offset, length)


def write(path: pathlib.Path | str, offset: int, data: bytes) -> None:
    """Write ``data`` at ``offset`` of a file that exists."""
    with _opened(path, os.O_RDWR) as fd:
        _write(fd, offset, data)


def clone(source: pathlib.Path | str, target: pathlib.Path) -> None:
    """Copy ``source`` to the new file ``target``, sharing blocks if it can."""
    with (
        _opened(source, os.O_RDONLY) as src,
        _opened(target, os.O_RDWR | os.O_CREAT | os.O_EXCL) as dst,
    ):
        try:
            fcntl.ioctl(dst, _FICLONE, src)
        except OSError:
            os.ftruncate(dst, os.fstat(src).st_size)
            _copy_extents(src, dst)


def digest(path: pathlib.Path | str) -> str:
    """Return the SHA-256 of the content, whatever its sparse layout.

    It is taken over each 4096-byte block that is not all zeros: its offset as
    8 bytes, big endian, then its bytes, the last block filled up with zeros.
    Zeros at the end therefore do not count, and neither does the length.
    """
    sha = hashlib.sha256()
    with _opened(path, os.O_RDONLY) as fd:
        for offset, length in _aligned(fd, _COPY):
            data = _read(fd, offset, length)
            for at in range(0, len(data), _BLOCK):
                block = data[at : at + _BLOCK].ljust(_BLOCK, b"\0")
                if block.count(0) != _BLOCK:
                    sha.update((offset + at).to_bytes(8, "big"))
                    sha.update(block)
    return sha.hexdigest()


def chunks(path: pathlib.Path | str) -> Iterator[tuple[int, int, str]]:
    """Yield (offset, length, hash) of each chunk that is not all zeros."""
    with _opened(path, os.O_RDONLY) as fd:
        for offset, length in _aligned(fd, CHUNK):
            data = _read(fd, offset, length)
            if data.count(0) != len(data):
                yield offset, len(data), chunk_hash(data)


def chunk_hash(data: bytes) -> str:
    """Return the hash that chunks are compared by."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def _aligned(fd: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield the pieces, aligned to ``step``, that touch an extent."""
    size = os.fstat(fd).st_size
    done = 0
    for start, end in _extents(fd):
        at = max(done, start - start % step)
        while at < end:
            yield at, min(step, size - at)
            at += step
        done = at


def _extents(fd: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each extent with data (lseek(2), SEEK_DATA)."""
    end = 0
    while True:
        try:
            start = os.lseek(fd, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(fd, start, os.SEEK_HOLE)
        yield start, end


def _copy_extents(src: int, dst: int) -> None:
    for start, end in _extents(src):
        for offset, length in _pieces(start, end, _COPY):
            _copy_piece(src, dst, offset, length)


def _copy_piece(src: int, dst: int, offset: int, length: int) -> None:
    try:
        copied = os.copy_file_range(src, dst, length, offset, offset)
    except OSError:
        copied = 0
    if copied < length:
        at = offset + copied
        _write(dst, at, _read(src, at, length - copied))


def _pieces(start: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, step):
        yield at, min(step, end - at)


def _read(fd: int, offset: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.pread(fd, length, offset)
        if not part:
            break
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


def _write(fd: int, offset: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, offset)
        view = view[done:]
        offset += done
