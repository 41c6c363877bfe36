# SPDX-License-Identifier: Apache-2.0
"""Directions, suffixes and recovery points of a group: what the steps and
the observer share.  Reads only; steps change arrays.
"""

from collections.abc import Mapping, Sequence
import re

from protector.db import models
from protector.storage import base

# on demand points carry the epoch they belong to; scheduled ones have the
# array's own number and belong to the newest such suffix before them
_EPOCH = re.compile(r"^e(\d+)(?:-|$)")


def epoch_suffix(epoch: int, *words: str) -> str:
    """The suffix of an on-demand point, as in ``e2`` or ``e2-final-1a2b``."""
    return "-".join([f"e{epoch}", *words])


def epochs(
    points: Sequence[base.Point], known: Mapping[str, int]
) -> dict[str, int]:
    """The epoch of each point by name; 0 when nothing tells it.

    Order is by the clock of the source array, which took them all.

    :param points: of one direction.
    :param known: epochs by name as they were told before: the point that
        told it may have aged out since.
    """
    current, found = 0, {}
    for point in sorted(points, key=lambda p: p.created):
        match = _EPOCH.match(point.suffix)
        if match:
            current = int(match.group(1))
        else:
            current = known.get(point.name) or current
        found[point.name] = current
    return found


def array_volumes(members: list[models.Member], site_id: str) -> list[str]:
    """Array names of all the volumes of the members at a site."""
    return [
        v.array_volume
        for m in members
        for v in m.volumes_at(site_id)
        if v.array_volume
    ]


def members_in(
    point: base.Point, members: list[models.Member], source_site_id: str
) -> list[str]:
    """Ids of the members all of whose volumes the point holds."""
    return [
        m.id
        for m in members
        if m.volumes_at(source_site_id)
        and {v.array_volume for v in m.volumes_at(source_site_id)}
        <= point.volumes
    ]
