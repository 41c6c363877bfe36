# SPDX-License-Identifier: Apache-2.0
"""Which recovery point a move without its source arrives from.

Looks at the target's array and at the rows; asks nothing of the source and
changes nothing.
"""

from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import claims, recovery_points
from protector.engine import replication
from protector.storage import base


@dataclasses.dataclass(frozen=True)
class Choice:
    """:ivar point: its name on the target array, or ``parked``.
    :ivar created: when the source was so; None of parked content.
    :ivar left_out: members that the point does not hold.
    """

    point: str
    created: datetime.datetime | None
    left_out: Sequence[models.Member]


def choose(
    look: Any,
    source: str,
    target: str,
    wanted: str | None,
    captured: str | None = None,
) -> Choice:
    """The point that was asked for, else the newest complete one of the
    direction and epoch that the group was in, else what is parked there.

    :param look: the context of a step, or a ``Reader``.
    :param wanted: id of a point, or ``parked``.
    :param captured: name of the point that the target has just taken; none
        is newer, whatever the clocks of the arrays say.
    :raises NoRecoveryPoint: there is none, it holds no member, or the target
        cannot use what it has of the direction.
    """
    if wanted == c.PARKED_POINT:
        found = _parked(look, target)
    elif wanted is not None:
        found = _of(look, source, _named(look, source, wanted))
    elif captured is not None:
        found = _of(look, source, _called(look, source, captured))
    else:
        _refuse_obstacle(look, source)
        newest = newest_point(look, source)
        found = _of(look, source, newest) if newest else _parked(look, target)
    if len(found.left_out) == len(look.scene.movable(source)):
        raise exception.NoRecoveryPoint(
            f"{obstacle(look, source)}There is no complete recovery point of "
            f"protection group {look.scene.group.name} from site "
            f"{look.scene.sites[source].name}, and nothing of it is parked "
            f"at {look.scene.sites[target].name}."
            if found.created is None
            else f"Recovery point {found.point} holds no member of the group."
        )
    return found


def obstacle(look: Any, source: str) -> str:
    """Why the target's array cannot use what it has, as a sentence to put
    in front; empty if it can.

    :param look: the context of a step, or a ``Reader``.
    """
    if not look.scene.side(source).array_group:
        return ""
    found = look.driver.obstacle(look.direction(source))
    return f"{found} " if found else ""


def epoch_of(group: models.ProtectionGroup) -> int:
    """The epoch of the points that a move from today's primary has: a claim
    that has not settled has none of its own."""
    claim = group.claim
    if claim and claim["site_id"] != group.current_primary_site_id:
        return int(claim["parent"]["epoch"])
    return group.epoch


def _complete(look: Any, source: str) -> list[base.Point]:
    if not look.scene.side(source).array_group:
        return []
    points = look.driver.list_points(look.direction(source))
    return [p for p in points if p.complete]


def newest_point(look: Any, source: str) -> base.Point | None:
    """The newest complete one of today's direction and epoch."""
    points = _complete(look, source)
    epochs = replication.epochs(points, look.known_epochs())
    wanted = epoch_of(look.scene.group)
    members = look.scene.movable(source)
    current = [p for p in points if epochs[p.name] == wanted]
    held = [p for p in current if replication.members_in(p, members, source)]
    return max(held or current, key=lambda p: p.created, default=None)


def _refuse_obstacle(look: Any, source: str) -> None:
    """What is parked at the target is older than what its array has and
    cannot use: nobody gets it who did not ask for it."""
    found = obstacle(look, source)
    if found:
        raise exception.NoRecoveryPoint(
            f"{found}No recovery point of protection group "
            f"{look.scene.group.name} can be used there.",
            remedy="Mend the pod, or choose what is parked at the target.",
        )


def _named(look: Any, source: str, point_id: str) -> base.Point:
    with look.runtime.db.reader() as session:
        row = recovery_points.get(session, look.scene.group.id, point_id)
    return _called(look, source, row.name)


def _called(look: Any, source: str, name: str) -> base.Point:
    for point in _complete(look, source):
        if point.name == name:
            return point
    raise exception.NoRecoveryPoint(
        f"Recovery point {name} is not complete on the array of site "
        f"{look.scene.sites[look.scene.other(source)].name}, or not there "
        "any more."
    )


def _of(look: Any, source: str, point: base.Point) -> Choice:
    members = look.scene.movable(source)
    held = replication.members_in(point, members, source)
    left = [m for m in members if m.id not in held]
    return Choice(point.name, point.created, left)


def _parked(look: Any, target: str) -> Choice:
    """:raises NoRecoveryPoint: a move that did not come to its end has
    overwritten a part of it."""
    movable = look.scene.movable(look.scene.other(target))
    left = [m for m in movable if not _has_server(m, target)]
    with look.runtime.db.reader() as session:
        torn = claims.half_overwritten(session, look.scene.group.id, target)
    if torn and len(left) < len(movable):
        raise exception.NoRecoveryPoint(
            f"What is parked of protection group {look.scene.group.name} at "
            f"site {look.scene.sites[target].name} was overwritten in part "
            f"by operation {torn}, and is no recovery point any more.",
            remedy="Retry that operation, or choose a complete recovery "
            "point; what was there before is in its undo copy.",
        )
    return Choice(c.PARKED_POINT, None, left)


def _has_server(member: models.Member, site_id: str) -> bool:
    copy = member.copy(site_id)
    return (
        copy is not None
        and copy.server_id is not None
        and copy.role != c.CopyRole.GONE
    )
