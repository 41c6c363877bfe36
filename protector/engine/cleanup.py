# SPDX-License-Identifier: Apache-2.0
"""What may be removed of the copies that are parked at the site that a group
has left, and what has to stay.

Reads the clouds and the arrays; the removal itself is in ``steps.cleanup``.
"""

from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import arrival, replication, targets
from protector.engine import scene as scenes


def parked(scene: scenes.Scene) -> list[models.Member]:
    """Members whose server is parked where the group does not run."""
    other = scene.other(scene.group.current_primary_site_id)
    return [
        member
        for member in scene.settled_members
        for copy in [member.copy(other)]
        if copy is not None
        and copy.server_id
        and copy.role == c.CopyRole.PARKED
    ]


def covered(look: Any, source: str) -> set[str]:
    """Ids of the members that a complete point of today's direction and
    epoch holds: what is parked is no longer all there is beside the live
    copy.

    :param look: the context of a step, a ``Reader`` or a ``Look``'s.
    """
    scene: scenes.Scene = look.scene
    points = look.driver.list_points(look.direction(source))
    epochs = replication.epochs(points, look.known_epochs())
    return {
        member_id
        for point in points
        if point.complete and epochs[point.name] == scene.group.epoch
        for member_id in replication.members_in(
            point, scene.settled_members, source
        )
    }


def obstacle(look: Any, member: models.Member) -> str | None:
    """Why the member's parked server and its volumes have to stay; None
    when they may go.

    :param look: the context of a step, or a ``Look``; its target is the
        site of the parked copies.
    """
    copy = member.copy(look.target)
    if copy is None or not copy.server_id:
        return "nothing is parked"
    if copy.content_unique:
        return "its content exists nowhere else"
    compute = look.tenant(look.target).compute
    try:
        server = compute.get_server(copy.server_id)
    except exception.CloudNotFound:
        return "its server is gone: its volumes may have been used since"
    problem = targets.obstacle(server)
    if problem is not None:
        return problem[0]
    if arrival.content_is_unique(look, member):
        return "its server was used since it was parked"
    known = {v.cinder_id for v in member.volumes_at(look.target)}
    foreign = sorted(
        a.volume_id
        for a in compute.attachments(copy.server_id)
        if a.volume_id not in known
    )
    if foreign:
        return (
            f"volumes that are not protected are attached to it: "
            f"{', '.join(foreign)}"
        )
    return None
