# SPDX-License-Identifier: Apache-2.0
"""The array's rules for names, and how compound names are taken apart.

A name has 1 to 63 characters of ``[A-Za-z0-9_-]``, begins and ends with a
letter or digit and has at least one character that is not a digit; a suffix
has no underscore. A snapshot of a volume is ``volume.suffix``, one of a
protection group ``group.suffix`` with members ``group.suffix.volume``; what
was replicated from elsewhere carries the source array: ``array:group...``.
What lies in a pod is ``pod::name``; a member of a snapshot of the group
``pod::group`` is called without the pod: ``pod::group.suffix.volume``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import re
from typing import Any

from protector.sandbox.array import errors

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?")
_SUFFIX = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True)
class GroupName:
    """``[origin:]group[.suffix]``; ``origin`` is "" for the array's own."""

    origin: str
    group: str
    suffix: str | None = None


@dataclass(frozen=True)
class SnapshotName:
    """A volume snapshot's name; ``group`` is None for ``volume.suffix``."""

    origin: str
    group: str | None
    suffix: str
    volume: str


def check(kind: str, name: str) -> str:
    """Return ``name`` if it may be given to a new object of ``kind``.

    Raises ``ArrayError`` otherwise. Volume groups (``group/name``) are not
    emulated and are refused as such.
    """
    refuse_volume_groups(name)
    pod, base = split(name)
    for part in (pod, base) if "::" in name else (base,):
        if not _NAME.fullmatch(part) or part.isdigit():
            raise errors.ArrayError(f"{kind} name is invalid.", name)
    return name


def split(name: str) -> tuple[str, str]:
    """Return the pod, "" for none, and what is called so in it."""
    pod, _, base = name.rpartition("::")
    return pod, base


def check_suffix(suffix: str) -> str:
    """Return ``suffix`` if a caller may choose it. Raises ``ArrayError``."""
    if not _SUFFIX.fullmatch(suffix) or suffix.isdigit():
        raise errors.ArrayError("Snapshot suffix is invalid.", suffix)
    return suffix


def mentioned(values: Any) -> Iterator[str]:
    """Yield what lies in pods, of all that a request names.

    A pod that a volume is to be moved to is yielded as ``pod::``.
    """
    if isinstance(values, str) and "::" in values:
        yield values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            named = value.get("name") if isinstance(value, Mapping) else value
            if key in ("pod", "container") and named:
                yield f"{named}::"
            yield from mentioned(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from mentioned(value)


def refuse_volume_groups(name: str) -> None:
    """Raise ``ArrayError`` if ``name`` lies in a volume group."""
    if "/" in name:
        raise errors.ArrayError(
            "Volume groups are not supported by this array.", name
        )


def parse_group(name: str) -> GroupName:
    """Take apart the name of a protection group or of its snapshot."""
    refuse_volume_groups(name)
    pod, origin, rest = _parts(name)
    group, dot, suffix = rest.partition(".")
    return GroupName(origin, pod + group, suffix if dot else None)


def parse_snapshot(name: str) -> SnapshotName | None:
    """Take apart a volume snapshot's name; None if it is not one."""
    refuse_volume_groups(name)
    pod, origin, rest = _parts(name)
    parts = rest.split(".")
    if len(parts) == 3:
        return SnapshotName(origin, pod + parts[0], parts[1], parts[2])
    if len(parts) == 2 and not origin:
        return SnapshotName("", None, parts[1], pod + parts[0])
    return None


def _parts(name: str) -> tuple[str, str, str]:
    """Return ``pod::``, the source array, and the rest."""
    pod, mark, base = name.rpartition("::")
    origin, _, rest = base.rpartition(":")
    return pod + mark, origin, rest


def qualified(origin: str, name: str) -> str:
    """Return ``origin:name``, or ``name`` for the array's own objects."""
    return f"{origin}:{name}" if origin else name
