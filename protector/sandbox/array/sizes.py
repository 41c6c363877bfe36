# SPDX-License-Identifier: Apache-2.0
"""Volume sizes: what callers may write, and what an array takes."""

import re
from typing import Any

from protector.sandbox.array import errors

_SECTOR = 512
_LEAST = 1024**2
_MOST = 4 * 1024**5
_TEXT = re.compile(r"(\d+)([SKMGTP]?)", re.IGNORECASE)
_UNITS = {"": 1, "S": _SECTOR, **{u: 1024 ** (i + 1) for i, u in
          enumerate("KMGTP")}}  # fmt: skip


def parse(size: Any, name: str) -> int:
    """Return bytes for ``size``: an int of bytes or text such as "10G".

    Letters are binary multiples, S is a 512-byte sector. Raises
    ``ArrayError`` unless it is whole sectors between 1 MiB and 4 PiB.
    """
    if isinstance(size, bool):
        raise errors.ArrayError("Invalid size.", name)
    match = _TEXT.fullmatch(str(size))
    if match is None:
        raise errors.ArrayError("Invalid size.", name)
    number = int(match[1]) * _UNITS[match[2].upper()]
    if number % _SECTOR or not _LEAST <= number <= _MOST:
        raise errors.ArrayError(
            "Invalid size: it must be a multiple of 512 between 1M and 4P.",
            name,
        )
    return number
