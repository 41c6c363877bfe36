# SPDX-License-Identifier: Apache-2.0
"""What was observed of a group, as its conditions.

Sets conditions on rows that the caller holds in a transaction; looks at
nothing outside.
"""

from collections.abc import Collection, Sequence
import datetime

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import scene as scenes
from protector.storage import base

Group = models.ProtectionGroup
Kind = c.Condition
HEALTHY = "LinkConnected"
NOT_FENCED_THERE = "NotFencedThere"
# how many intervals are passed; the last is an alarm of its own
LATE = {2: "TwoIntervalsLate", 3: c.CRITICAL_LATE}
# without these nobody should count on a failover
NEEDED = (
    Kind.PEER_REACHABLE,
    Kind.METADATA_IN_SYNC,
    Kind.REPLICATION_CONFIGURED,
    Kind.REPLICATION_HEALTHY,
    Kind.WITHIN_RPO,
)


ASYNCHRONOUS = (
    "The volumes replicate asynchronously: their pod took no overwrite when "
    "the group moved. Fail it back: the next move arrives in the pods."
)


def peer(group: Group, reason: str | None, now: datetime.datetime) -> None:
    """:param reason: why the peer site does not answer; None if it does."""
    protection_groups.set_condition(
        group,
        Kind.PEER_REACHABLE,
        reason is None,
        "Answers" if reason is None else "NoAnswer",
        reason or "The peer site answers.",
        now,
    )


def sync(
    group: Group, held: models.MetadataSync | None, now: datetime.datetime
) -> None:
    """:param held: the document here; None while there is none."""
    if held is None:
        return
    ok = held.remote_status == c.SyncStatus.SYNCED
    protection_groups.set_condition(
        group,
        Kind.METADATA_IN_SYNC,
        ok,
        "Synced" if ok else "NotSynced",
        f"Version {held.version} here, {held.remote_version} at the peer.",
        now,
    )


def replication(
    group: Group,
    status: base.Status | None,
    now: datetime.datetime,
    volumes: Collection[str] = (),
) -> None:
    """:param status: of the current direction; None when it has no array
    group yet.
    :param volumes: array names of those that the members have now.
    """
    ready = bool(status and status.group_exists and status.allowed)
    on = ready and bool(status and status.schedule_enabled)
    protection_groups.set_condition(
        group,
        Kind.REPLICATION_CONFIGURED,
        on,
        "Configured" if on else "NotConfigured",
        "The array group replicates on schedule."
        if on
        else "The array group does not replicate on schedule.",
        now,
    )
    reason, message = _health(status)
    degraded = status.degraded if status else None
    protection_groups.set_condition(
        group,
        Kind.REPLICATION_HEALTHY,
        reason == HEALTHY,
        reason,
        message,
        now,
    )
    outside = set(volumes) - status.volumes if status else ()
    if status is not None and not status.synchronous:
        _degraded(group, ASYNCHRONOUS, now)
    elif outside:
        text = f"Not in the array group: {', '.join(sorted(outside))}."
        _degraded(group, text, now)
    elif ready:
        _degraded(group, degraded, now)
    else:
        _degraded(group, "No pod is stretched over both arrays.", now)


def _health(status: base.Status | None) -> tuple[str, str]:
    """Reason and message: the first thing that is not as it should be."""
    if status is None:
        return "NotConfigured", "The group has no array group yet."
    if not status.group_exists:
        return (
            c.Finding.ARRAY_GROUP_MISSING,
            "There is no group of the volumes on the source array.",
        )
    link = status.degraded or f"The link of the arrays is {status.link}."
    if status.link != "connected":
        return "LinkNotConnected", link
    if not status.allowed:
        return (
            c.Finding.TRANSFER_NOT_ALLOWED,
            "The target array does not take transfers of the group.",
        )
    return HEALTHY, link


def replication_unknown(
    group: Group, error: exception.ProtectorError, now: datetime.datetime
) -> None:
    """The arrays could not be asked."""
    protection_groups.set_condition(
        group,
        Kind.REPLICATION_HEALTHY,
        None,
        error.reason,
        error.message,
        now,
    )
    _degraded(group, error.message, now)


def _degraded(group: Group, why: str | None, now: datetime.datetime) -> None:
    """Of a group that replicates synchronously only: whether a write that
    was acknowledged could be lost with one array, as far as is known."""
    if group.replication_type == c.ReplicationType.SYNC:
        protection_groups.set_condition(
            group,
            Kind.DEGRADED,
            why is not None,
            "PodOnline" if why is None else "PodDegraded",
            why or "The pod is online on both arrays.",
            now,
        )


def fenced(
    group: Group, unfenced: Sequence[str], now: datetime.datetime
) -> None:
    """:param unfenced: names of members whose server at the site that the
    group has left was not locked and stopped."""
    protection_groups.set_condition(
        group,
        Kind.SOURCE_FENCED,
        not unfenced,
        "MembersNotFenced" if unfenced else "Fenced",
        f"Not stopped and locked where the group was: {', '.join(unfenced)}."
        if unfenced
        else "No server of the group runs where it was.",
        now,
    )


def parked_runs(
    group: Group, told: Sequence[tuple[str, str]], now: datetime.datetime
) -> None:
    """What is parked at this site, or was fenced there, was looked at.

    :param told: of each server of these that runs, what it is and what to do.
    """
    reason = c.Finding.PARKED_SERVER_RUNS
    seen = group.conditions.get(Kind.SOURCE_FENCED)
    if seen and seen["status"] is not True and seen["reason"] != reason:
        # what ran on is about to be fenced, which comes first
        return
    if not told:
        fenced(group, [], now)
        return
    fixes = dict.fromkeys(fix for _, fix in told)
    protection_groups.set_condition(
        group,
        Kind.SOURCE_FENCED,
        False,
        reason,
        " ".join([*(message for message, _ in told), *fixes]),
        now,
    )


def unfenced_there(
    group: Group, site_name: str, now: datetime.datetime
) -> None:
    """The site that the group has left says that something may run there."""
    seen = group.conditions.get(Kind.SOURCE_FENCED)
    if seen is None or seen["status"]:
        protection_groups.set_condition(
            group,
            Kind.SOURCE_FENCED,
            False,
            NOT_FENCED_THERE,
            f"Not every server is known to be down where the group was: its "
            f"health at site {site_name} says which, and what to do.",
            now,
        )


def partial(
    group: Group, missing: Sequence[str], now: datetime.datetime
) -> None:
    """:param missing: names of members that do not run where the group
    does."""
    protection_groups.set_condition(
        group,
        Kind.PARTIAL,
        bool(missing),
        "MembersFailed" if missing else "AllMembersRun",
        f"Not running here: {', '.join(missing)}. Retry the operation if it "
        "failed; what its recovery point did not hold runs where it was: "
        "move the group back, or remove it from the group."
        if missing
        else "Every member runs.",
        now,
    )


def rpo(
    group: Group,
    newest: models.RecoveryPoint | None,
    empty: bool,
    rpo_seconds: int,
    now: datetime.datetime,
) -> None:
    """Time goes by whether the arrays answer or not.

    :param newest: the newest complete point of its direction and epoch.
    :param empty: the group has no members.
    """
    if _mirrored(group):
        within, reason = True, "Synchronous"
        message = "Every write is on both arrays."
    elif newest is None:
        within, reason = False, "NoRecoveryPoint"
        message = "There is no complete recovery point of this epoch yet."
    else:
        age = (now - newest.created_at).total_seconds()
        within = age <= rpo_seconds
        reason = "WithinRPO" if within else "RPOViolated"
        # not its age, which is another one when this is read
        taken = times.iso(newest.created_at)
        message = f"The newest recovery point was taken at {taken}."
    protection_groups.set_condition(
        group,
        Kind.WITHIN_RPO,
        None if empty else within,
        reason,
        message,
        now,
    )


def ages(settings: scenes.Settings) -> list[int]:
    """At which ages, in seconds, of the newest point a condition turns."""
    interval = settings.schedule.interval
    return [settings.rpo_seconds, *(n * interval for n in LATE)]


def on_time(
    group: Group,
    newest: models.RecoveryPoint | None,
    empty: bool,
    interval: int,
    now: datetime.datetime,
) -> None:
    """Whether the points come as often as the schedule says: the alarm that
    something is in their way, be it within the RPO or not.

    :param newest: the newest complete point of its direction and epoch.
    :param empty: the group has no members.
    :param interval: seconds between two points.
    """
    if empty:
        status, reason = None, "NoMembers"
        message = "The group has no members."
    elif newest is None:
        status, reason = None, "NoRecoveryPoint"
        message = "There is no complete recovery point of this epoch yet."
    else:
        age = (now - newest.created_at).total_seconds()
        passed = [r for n, r in LATE.items() if age > n * interval]
        status = not passed
        reason = passed[-1] if passed else "OnTime"
        message = (
            f"The newest recovery point was taken at "
            f"{times.iso(newest.created_at)}; one is due every "
            f"{interval / 60:g} min."
        )
    protection_groups.set_condition(
        group, Kind.REPLICATION_ON_TIME, status, reason, message, now
    )


def _mirrored(group: Group) -> bool:
    """Whether the group replicates synchronously and nothing is wrong with
    that."""
    seen = group.conditions.get(Kind.DEGRADED)
    return (
        group.replication_type == c.ReplicationType.SYNC
        and seen is not None
        and seen["status"] is False
    )


def failover_ready(
    group: Group,
    members: Sequence[models.Member],
    now: datetime.datetime,
) -> None:
    """Call last: it follows from the other conditions and from the findings
    of the last preflight.

    What was never observed is not taken for good.

    :param members: all of the group, with what was just observed of them.
    """
    lacking = [str(k) for k in NEEDED if not _holds(group, k)]
    stopping = _stopping(group)
    open_members = [
        m.instance_name
        for m in members
        if m.status != c.MemberStatus.PROTECTED or m.recoverable_at is None
    ]
    if not members:
        reason, message = "NoMembers", "The group has no members."
    elif lacking:
        reason, message = lacking[0], f"Not so: {', '.join(lacking)}."
    elif open_members:
        reason = "MembersNotProtected"
        message = f"Not protected yet: {', '.join(open_members)}."
    elif stopping is None:
        reason, message = "NotChecked", "It was not looked at yet."
    elif stopping:
        reason = stopping[0]
        message = f"{len(stopping)} findings: {', '.join(stopping)}."
    else:
        reason, message = "Ready", "The group can be failed over."
    protection_groups.set_condition(
        group,
        Kind.FAILOVER_READY,
        reason == "Ready",
        reason,
        message,
        now,
    )


def _stopping(group: Group) -> list[str] | None:
    """Codes of the findings that stop a move; None before the first look."""
    if group.findings is None:
        return None
    return [
        f["code"]
        for f in group.findings["findings"]
        if f["severity"] == c.Severity.ERROR
    ]


def _holds(group: Group, kind: str) -> bool:
    found = group.conditions.get(kind)
    return found is not None and found["status"] is True
