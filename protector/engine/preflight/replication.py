# SPDX-License-Identifier: Apache-2.0
"""What the arrays say: the link, the group, and what could be returned to."""

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.engine import drill, finding
from protector.engine import points as recovery
from protector.engine import replication as directions
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look
from protector.storage import base

FULL, SHORT = 1.0, 0.9
"""Parts of its capacity from which an array takes nothing in, or soon."""
GIB = 1024**3
MEND = "Mend the connection of the arrays."
CONFIGURE = "Set the replication policy again, or run reprotect."


def replication(look: Look) -> list[Finding]:
    """Of the direction of the move."""
    status = look.driver.status(look.ctx.direction(look.source))
    found = []
    if not status.group_exists:
        found.append(
            finding.error(
                Code.ARRAY_GROUP_MISSING,
                "There is no group of the volumes on the source array.",
                CONFIGURE,
            )
        )
    elif not status.schedule_enabled:
        found.append(
            finding.warning(
                Code.SCHEDULE_OFF,
                "The group does not replicate on schedule.",
                CONFIGURE,
            )
        )
    if status.blackout:
        found.append(_rests(*status.blackout))
    if status.link != "connected":
        found.append(
            finding.error(
                Code.LINK_DOWN,
                status.degraded
                or f"The link between the arrays is {status.link}.",
                MEND,
            )
        )
    if not status.allowed:
        found.append(
            finding.error(
                Code.TRANSFER_NOT_ALLOWED,
                "The target array does not take transfers of the group.",
                "Allow the array group on the target array.",
            )
        )
    return found + _space(look)


def _space(look: Look) -> list[Finding]:
    """Of both arrays: the source takes snapshots, the target takes them in."""
    found = []
    for site_id in (look.source, look.target):
        array = look.ctx.array(site_id)
        told = look.driver.space(array)
        if told is None or told.used < told.capacity * SHORT:
            continue
        full = told.used >= told.capacity * FULL
        found.append(
            (finding.error if full else finding.warning)(
                Code.ARRAY_SPACE_SHORT,
                f"Array {array.name} has {told.used / GIB:.0f} of "
                f"{told.capacity / GIB:.0f} GiB in use.",
                "Make room on the array.",
            )
        )
    return found


def _rests(start: int, end: int) -> Finding:
    """The operator's own: the policy does not know of it."""
    hours = " to ".join(
        f"{second // 3600:02}:{second % 3600 // 60:02}"
        for second in (start, end)
    )
    return finding.warning(
        Code.SCHEDULE_RESTS,
        f"The array group is not replicated on schedule from {hours}, by the "
        "clock of the source array.",
        "Take the blackout from the array group, or replicate on demand.",
    )


def copies(look: Look) -> list[Finding]:
    """Whether the target's array takes something into the copies that lie
    in a pod, and what a move needs on the day when it does not."""
    if look.scene.group.replication_type != c.ReplicationType.SYNC:
        return []
    names = directions.array_volumes(look.members, look.target)
    why = look.driver.closed(look.ctx.array(look.target), names)
    found = [finding.error(Code.COPIES_CLOSED, why, MEND)] if why else []
    client, side = (
        look.tenant(look.target).volume,
        look.scene.side(look.target),
    )
    try:
        drill.clone_type(client, side)
    except exception.PreflightFailed as e:
        found.append(
            finding.warning(Code.CLONE_TYPE_MISSING, e.message, e.remedy)
        )
    return found


def points(look: Look) -> list[Finding]:
    """Age and members of the newest complete point of this epoch."""
    complete = _complete(look)
    if not complete:
        return [
            finding.error(
                Code.NO_RECOVERY_POINT,
                recovery.obstacle(look.ctx, look.source)
                + "There is no complete recovery point of the current "
                "direction.",
                "Replicate now, and wait for the transfer.",
            )
        ]
    held = {p.name: _members_in(look, p) for p in complete}
    # as a move takes it
    taken = next((p for p in complete if held[p.name]), complete[0])
    age = (look.ctx.clock.now() - taken.created).total_seconds()
    known = set().union(*held.values())
    return _age(look, age) + [
        finding.warning(
            Code.MEMBER_NEWER_THAN_POINT,
            f"Member {m.instance_name} is newer than the newest complete "
            f"recovery point, {complete[0].name}.",
            "Replicate now, and wait for the transfer.",
            m.id,
        )
        for m in look.members
        if m.id not in known
    ]


def held(look: Look) -> list[Finding]:
    """Members that older points bring back whole, and the newest does not:
    a volume of theirs was deleted, or taken out of the group."""
    complete = _complete(look)
    return [
        finding.error(
            Code.VOLUME_NOT_IN_POINT,
            f"The newest recovery point, {complete[0].name}, lacks volume "
            f"{_lacking(look, member, complete[0])} of {member.instance_name}"
            f"; {whole.name}, of {times.iso(whole.created)}, is the newest "
            "that has all of it.",
            "A planned move takes what the server has now. Before an "
            "unplanned one, remove the member and add it again; or choose "
            "that point.",
            member.id,
        )
        for member in look.members
        for whole in [_newest_whole(look, member, complete)]
        if whole is not None and whole is not complete[0]
    ]


def _newest_whole(
    look: Look, member: models.Member, complete: list[base.Point]
) -> base.Point | None:
    found = (p for p in complete if member.id in _members_in(look, p))
    return next(found, None)


def _lacking(look: Look, member: models.Member, point: base.Point) -> str:
    return ", ".join(
        f"{v.name} ({v.cinder_id})"
        for v in member.volumes_at(look.source)
        if v.array_volume not in point.volumes
    )


def _members_in(look: Look, point: base.Point) -> list[str]:
    return directions.members_in(point, look.members, look.source)


def _complete(look: Look) -> list[base.Point]:
    """The complete points of today's direction and epoch, newest first."""
    epochs = directions.epochs(look.points, look.ctx.known_epochs())
    epoch = recovery.epoch_of(look.scene.group)
    return sorted(
        (p for p in look.points if p.complete and epochs[p.name] == epoch),
        key=lambda p: p.created,
        reverse=True,
    )


def _age(look: Look, seconds: float) -> list[Finding]:
    """Told before the RPO is passed: at two thirds of it."""
    allowed = look.scene.settings.rpo_seconds
    if seconds * 3 <= allowed * 2:
        return []
    return [
        finding.warning(
            Code.RECOVERY_POINT_OLD,
            f"The newest complete recovery point is {seconds / 60:.0f} min "
            f"old; the RPO is {allowed / 60:.0f} min.",
            "Replicate now, or check the load of the link.",
        )
    ]
