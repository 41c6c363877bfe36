# SPDX-License-Identifier: Apache-2.0
"""What changed behind the rows: volumes at the source, copies at the target.

Reads both clouds, changes nothing; the findings are preflight's.
"""

from typing import Any

from protector import exception
from protector.clients import clouds
from protector.db import models
from protector.engine import finding, targets
from protector.engine.finding import Code, Finding

ADD_AGAIN = "Remove the member and add it again."


def at_source(
    project: clouds.ProjectClients, member: models.Member, source: str
) -> list[Finding]:
    """Volumes that came to the server, or went, since it was protected."""
    copy = member.copy(source)
    if copy is None or not copy.server_id:
        return []
    try:
        attachments = project.compute.attachments(copy.server_id)
    except exception.CloudNotFound:
        # told with the servers
        return []
    attached = {a.volume_id for a in attachments}
    known = {str(v.cinder_id) for v in member.volumes_at(source)}
    left_out = set((member.recipe or {}).get("left_out", []))
    return [
        finding.error(
            Code.VOLUME_NOT_PROTECTED,
            f"Volume {volume_id} was attached to {member.instance_name} "
            "after it was protected, and would not move.",
            f"Detach the volume, or: {ADD_AGAIN}",
        )
        for volume_id in sorted(attached - known - left_out)
    ] + [
        finding.warning(
            Code.VOLUME_DETACHED,
            f"Volume {volume_id} is protected, but attached to "
            f"{member.instance_name} no more.",
            ADD_AGAIN,
        )
        for volume_id in sorted(known - attached)
    ]


def at_target(
    project: clouds.ProjectClients,
    sources: clouds.ProjectClients,
    member: models.Member,
    source: str,
    target: str,
) -> list[Finding]:
    """Servers and volumes there that are gone, broken or too small."""
    return _server(project, member, target) + _volumes(
        project, sources, member, source, target
    )


def _server(
    project: clouds.ProjectClients, member: models.Member, target: str
) -> list[Finding]:
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
    if server.task_state or targets.never_ran(server, member):
        return []
    problem = targets.obstacle(server)
    if problem is None:
        return []
    return [finding.error(Code.PARKED_SERVER_UNUSABLE, *problem)]


def _volumes(
    project: clouds.ProjectClients,
    sources: clouds.ProjectClients,
    member: models.Member,
    source: str,
    target: str,
) -> list[Finding]:
    rows = {str(v.cinder_id): v for v in member.volumes_at(target)}
    origin = {v.ordinal: str(v.cinder_id) for v in member.volumes_at(source)}
    present = {v.id: v for v in project.volume.list(ids=set(rows))}
    sizes = {
        v.id: v.size for v in sources.volume.list(ids=set(origin.values()))
    }
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
        elif volume.size < sizes.get(origin.get(row.ordinal, ""), 0):
            found += _grown(member, target, volume)
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
