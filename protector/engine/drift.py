# SPDX-License-Identifier: Apache-2.0
"""What changed behind the rows: volumes at the source, copies at the target.

Reads both clouds, changes nothing; the findings are preflight's.
"""

import contextlib
from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import clouds, types
from protector.db import models
from protector.engine import (
    disks,
    finding,
    membership,
    power,
    recipe,
    targets,
    volume_set,
)
from protector.engine import scene as scenes
from protector.engine.finding import Code, Finding

ADD_AGAIN = "Remove the member and add it again."
# how a move leaves a server, by the role that its copy has since
_LEFT = {
    c.CopyRole.PARKED: "parked",
    # by an unplanned one, or about to be
    c.CopyRole.LIVE: "stopped and locked",
}


def at_source(
    change: volume_set.Change, member: models.Member, rules: recipe.Rules
) -> list[Finding]:
    """Volumes that came to the server, or went, since it was protected."""
    name = member.instance_name
    new = [
        finding.error(
            Code.VOLUME_NOT_PROTECTED,
            f"Volume {added.attachment.volume_id} was attached to {name} "
            "after it was protected, and is in no recovery point.",
            "A planned move takes it along. If an unplanned one is to do "
            "so, remove the member and add it again.",
        )
        for added in change.added
        if added.obstacle(rules) is None
    ]
    detached = [
        finding.warning(
            Code.VOLUME_DETACHED,
            f"Volume {row.name} ({row.cinder_id}) is protected, but "
            f"attached to {name} no more: it moves along, detached.",
            f"Nothing to do. If it is not to move: {ADD_AGAIN}",
        )
        for row in change.detached
    ]
    deleted = [
        finding.warning(
            Code.VOLUME_DELETED,
            f"Volume {row.name} ({row.cinder_id}) of {name} was deleted. "
            "A planned move detaches what stands for it, and keeps that.",
            "Nothing to do, if it is not needed any more.",
        )
        for row in change.gone
    ]
    return new + detached + deleted


def unprotectable(
    change: volume_set.Change, member: models.Member, rules: recipe.Rules
) -> list[Finding]:
    """Volumes that came to the server and cannot move with it."""
    return [
        finding.error(
            Code.VOLUME_NOT_PROTECTABLE,
            f"Volume {added.attachment.volume_id} was attached to "
            f"{member.instance_name} and cannot move: {problem.message}",
            f"{problem.remedy} Or detach it.".strip(),
        )
        for added in change.added
        for problem in [added.obstacle(rules)]
        if problem is not None
    ]


def parked_server(
    project: clouds.ProjectClients,
    scene: scenes.Scene,
    member: models.Member,
    target: str,
) -> list[Finding]:
    """The server there: gone, broken, or running though the group left it.

    :raises CloudUnavailable: Nova cannot tell how it is.
    """
    copy = member.copy(target)
    if copy is None or not copy.server_id:
        return []
    try:
        server = project.compute.get_server(copy.server_id)
    except exception.CloudNotFound:
        return [
            finding.warning(
                Code.PARKED_SERVER_GONE,
                f"The parked server {copy.server_id} of "
                f"{member.instance_name} is gone.",
                "Nothing to do: the server is built anew, with another id.",
            )
        ]
    if server.status == power.UNKNOWN:
        raise exception.CloudUnavailable(
            f"Nova cannot tell how server {server.id} is: the cell that it "
            "is in does not answer.",
            remedy="Mend the cell of Nova.",
        )
    problem = None
    if not server.task_state and not targets.never_ran(server, member):
        problem = targets.obstacle(server)
    live = member.copy(scene.other(target))
    if (
        copy.role in _LEFT
        and server.status not in power.DOWN
        and live is not None
        and live.role == c.CopyRole.LIVE
    ):
        tell = finding.error if problem else finding.warning
        told = _runs(scene, server, target, _LEFT[copy.role])
        return [tell(Code.PARKED_SERVER_RUNS, *told)]
    if problem is None:
        return []
    return [finding.error(Code.PARKED_SERVER_UNUSABLE, *problem)]


def _runs(
    scene: scenes.Scene, server: types.Server, target: str, left: str
) -> tuple[str, str]:
    """That two copies may run, and both ways to one."""
    names = {site.id: site.name for site in scene.sites.values()}
    peer = scene.other(target)
    here, there = names.get(target, target), names.get(peer, peer)
    return (
        f"Server {server.name} ({server.id}) at site {here} is "
        f"{server.status}; by the records it is {left}, and the copy at "
        f"site {there} is live.",
        f"If the copy at {there} is in use, stop or shelve the server; a "
        f"move to {here} needs it shelved. If the server is, "
        f"{taking(scene, target, here)}",
    )


def taking(scene: scenes.Scene, target: str, name: str) -> str:
    """How the group is moved to what is at a site, as it is.

    :param name: of the target.
    """
    is_home = target == scene.group.primary_site_id
    verb = c.Verb.FAILBACK if is_home else c.Verb.FAILOVER
    return (
        f"take the group to {name} as it is: unplanned {verb} with recovery "
        f"point {c.PARKED_POINT}, confirmed."
    )


def at_target(
    project: clouds.ProjectClients,
    sources: clouds.ProjectClients,
    member: models.Member,
    source: str,
    target: str,
) -> list[Finding]:
    """Volumes there that are gone, broken, in use or too small."""
    rows = {str(v.cinder_id): v for v in member.volumes_at(target)}
    origin = {v.ordinal: str(v.cinder_id) for v in member.volumes_at(source)}
    present = {v.id: v for v in project.volume.list(ids=set(rows))}
    sizes = {
        v.id: v.size for v in sources.volume.list(ids=set(origin.values()))
    }
    copy = member.copy(target)
    own = copy and copy.server_id
    found = []
    for volume_id, row in rows.items():
        volume = present.get(volume_id)
        if volume is None:
            found.append(
                finding.warning(
                    Code.COPY_GONE,
                    f"Volume {row.name} ({volume_id}), a copy of "
                    f"{member.instance_name}, is gone.",
                    "Nothing to do: the copy is made anew.",
                )
            )
        elif volume.status.startswith("error"):
            found.append(
                finding.error(
                    Code.COPY_IN_ERROR,
                    f"Volume {volume.name} ({volume.id}) at the target is "
                    f"{volume.status}.",
                    "See the log of Cinder and delete the volume: then it "
                    "is made anew.",
                )
            )
        elif strangers := _strangers(project, volume, member, own):
            found.append(
                finding.error(
                    Code.COPY_IN_USE,
                    f"Volume {volume.name} ({volume.id}), a copy of "
                    f"{member.instance_name}, is attached to server "
                    f"{', '.join(strangers)}.",
                    disks.HELD,
                )
            )
        elif volume.size < sizes.get(origin.get(row.ordinal, ""), 0):
            found += _grown(member, target, volume)
    return found


def _strangers(
    project: clouds.ProjectClients,
    volume: types.Volume,
    member: models.Member,
    own: str | None,
) -> list[str]:
    """Ids of the servers that have a copy and are not the member's own: one
    that a move made whose claim came to nothing is known at its site only."""
    found = []
    for server_id in sorted(set(volume.server_ids) - {own}):
        with contextlib.suppress(exception.CloudNotFound):
            server = project.compute.get_server(server_id)
            if server.metadata.get(membership.MEMBER_MARK) == member.id:
                continue
        found.append(server_id)
    return found


def _grown(member: models.Member, target: str, volume: Any) -> list[Finding]:
    text = (
        f"The source of volume {volume.name} ({volume.id}) at the target is "
        "larger by now"
    )
    if volume.status == "available":
        return [
            finding.warning(
                Code.COPY_TOO_SMALL,
                f"{text}; it is extended.",
                "Nothing to do.",
            )
        ]
    copy = member.copy(target)
    if copy is not None and copy.server_id:
        return [
            finding.warning(
                Code.COPY_TOO_SMALL,
                f"{text}; server {copy.server_id} of {member.instance_name} "
                "is built anew, with another id.",
                "Nothing to do.",
            )
        ]
    return [
        finding.error(
            Code.COPY_TOO_SMALL,
            f"{text}, and Cinder does not extend what is {volume.status}.",
            targets.OUTGROWN,
        )
    ]
