# SPDX-License-Identifier: Apache-2.0
"""The metadata document: its bytes, its checksum, and which one is newer.

Pure functions; what goes into a document is decided in
``db.api.metadata_sync``.
"""

import dataclasses
import hashlib
import json
from typing import Any

SCHEMA = "1.0"


@dataclasses.dataclass(frozen=True, order=True)
class Triple:
    """Identity of a document.  Only (epoch, version) orders."""

    epoch: int
    version: int
    checksum: str = dataclasses.field(compare=False)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def same(self, other: "Triple | None") -> bool:
        return other is not None and self.as_dict() == other.as_dict()


def encode(document: dict[str, Any]) -> bytes:
    """The exact bytes that are stored, summed and sent."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()


def checksum(document: bytes) -> str:
    """SHA-256 over the exact bytes, in hex."""
    return hashlib.sha256(document).hexdigest()


def triple(document: bytes) -> Triple:
    """:raises ValueError: the bytes are no document."""
    try:
        head = json.loads(document)
        return Triple(
            int(head["epoch"]), int(head["version"]), checksum(document)
        )
    except (KeyError, TypeError) as e:
        raise ValueError(f"not a metadata document: {e!r}") from None


def newer(mine: Triple | None, offered: Triple) -> bool:
    """Whether the offered document replaces mine."""
    return mine is None or (offered.epoch, offered.version) > (
        mine.epoch,
        mine.version,
    )


def next_epoch(seen: int, is_primary: bool) -> int:
    """The smallest epoch above ``seen`` that this site may claim.

    The site created as primary claims odd ones, the other even ones, so two
    sites can never claim the same.
    """
    epoch = seen + 1
    return epoch if is_claimed_by(epoch, is_primary) else epoch + 1


def is_claimed_by(epoch: int, is_primary: bool) -> bool:
    """Whether the site created as primary, or the other one, claims it."""
    return epoch % 2 == (1 if is_primary else 0)
