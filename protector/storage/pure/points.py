# SPDX-License-Identifier: Apache-2.0
"""Recovery points, as the target array alone shows them."""

import collections
import datetime

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter, names


def listed(target: adapter.Adapter, group: str) -> list[base.Point]:
    """The points of a replicated group, newest first.

    :param group: its name on the target, ``source:group``.
    """
    transfers = target.transfers(group)
    volumes = _volumes(target, group) if transfers else {}
    points = [
        _point(transfer, group, volumes.get(transfer.snapshot, frozenset()))
        for transfer in transfers
        if names.suffix_of(transfer.snapshot, group)
    ]
    return sorted(points, key=lambda point: point.created, reverse=True)


def require_complete(
    target: adapter.Adapter, group: str, snapshot: str
) -> None:
    """:raises ArrayNotFound: there is no such point of the group.
    :raises ArrayError: its transfer is not complete."""
    for transfer in target.transfers(group):
        if transfer.snapshot != snapshot:
            continue
        if _completed(transfer) is None:
            raise exception.ArrayError(
                f"Recovery point {snapshot} has not arrived completely.",
                remedy="Wait for its transfer, or choose another point.",
            )
        return
    raise exception.ArrayNotFound(
        f"There is no recovery point {snapshot} of group {group}.",
        remedy="Choose another recovery point.",
    )


def _point(
    transfer: adapter.Transfer, group: str, volumes: frozenset[str]
) -> base.Point:
    return base.Point(
        name=transfer.snapshot,
        suffix=names.suffix_of(transfer.snapshot, group) or "",
        created=transfer.created,
        completed=_completed(transfer),
        progress=transfer.progress,
        bytes=transfer.bytes,
        volumes=volumes,
    )


def _completed(transfer: adapter.Transfer) -> datetime.datetime | None:
    """The time of completion, once the array says both that and 100 %."""
    return transfer.completed if transfer.progress == 1 else None


def _volumes(target: adapter.Adapter, group: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = collections.defaultdict(set)
    for member in target.members(group):
        split = names.split_member(member, group)
        if split:
            snapshot, volume = split
            found[snapshot].add(volume)
    return {name: frozenset(volumes) for name, volumes in found.items()}
