# SPDX-License-Identifier: Apache-2.0
"""Rows of protection groups; the only writer of status, slot and claim."""

from collections.abc import Collection
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata, states
from protector.db import events, models

Group = models.ProtectionGroup


def find(session: orm.Session, group_id: str) -> Group | None:
    """The group, tombstones left out."""
    group = session.get(Group, group_id)
    return group if group is not None and not group.deleted else None


def get(session: orm.Session, group_id: str) -> Group:
    """:raises NotFound: there is no such group."""
    group = find(session, group_id)
    if group is None:
        raise unknown(group_id)
    return group


def unknown(group_id: str) -> exception.NotFound:
    return exception.NotFound(
        f"There is no protection group {group_id}.", id=group_id
    )


def lock(session: orm.Session, group_id: str) -> Group:
    """Like ``get``, with the row locked until the transaction ends."""
    statement = (
        sa.select(Group)
        .where(Group.id == group_id, Group.deleted == "")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    group = session.scalars(statement).one_or_none()
    if group is None:
        return get(session, group_id)
    return group


def by_name(session: orm.Session, project_id: str, name: str) -> Group | None:
    return session.scalars(
        sa.select(Group).where(
            Group.project_id == project_id,
            Group.name == name,
            Group.deleted == "",
        )
    ).one_or_none()


def alive_ids(session: orm.Session) -> list[str]:
    statement = sa.select(Group.id).where(Group.deleted == "")
    return list(session.scalars(statement.order_by(Group.id)))


def tombstone_ids(session: orm.Session) -> list[str]:
    """Groups that the peer has still to forget, but for those whose delete
    has not ended: it tells the peer itself, and needs the row until then."""
    op = models.Operation
    busy = (
        sa.select(op.id)
        .where(op.protection_group_id == Group.id, op.status.in_(c.UNFINISHED))
        .exists()
    )
    statement = sa.select(Group.id).where(Group.deleted != "", ~busy)
    return list(session.scalars(statement))


def add(
    session: orm.Session, now: datetime.datetime, values: dict[str, Any]
) -> Group:
    """A new group in status creating, epoch 1, version 0.

    :raises NameTaken: the project has a group of that name.
    """
    check_name(session, values["project_id"], values["name"])
    group = Group(
        status=c.GroupStatus.CREATING,
        current_primary_site_id=values["primary_site_id"],
        epoch=1,
        epoch_seen=1,
        metadata_version=0,
        failover_count=0,
        conditions={},
        deleted="",
        created_at=now,
        **values,
    )
    session.add(group)
    session.flush()
    return group


def check_name(
    session: orm.Session,
    project_id: str,
    name: str,
    except_id: str | None = None,
) -> None:
    """:raises NameTaken: another group of the project has the name."""
    other = by_name(session, project_id, name)
    if other is not None and other.id != except_id:
        raise exception.NameTaken(
            f"Protection group {name} exists already in the project: "
            f"{other.id} in status {other.status}.",
            id=other.id,
        )


def take_slot(
    session: orm.Session,
    group: Group,
    operation_id: str,
    verb: str,
    resumed: bool = False,
) -> None:
    """Give the exclusive slot to an operation and show its status.

    :param resumed: the operation is past its point of no return, which no
        status forbids.
    :raises InvalidStatus: the status does not allow the verb.
    :raises GroupBusy: another operation holds the slot.
    """
    refused = refusal(group, verb)
    if group.operation_id == operation_id:
        return
    if group.operation_id is not None:
        raise busy(group)
    if refused is not None and not resumed:
        raise refused
    group.operation_id = operation_id
    group.last_operation_id = operation_id
    transient = states.TRANSIENT.get(c.Verb(verb))
    if transient is not None:
        group.status = transient


def refusal(group: Group, verb: str) -> exception.InvalidStatus | None:
    """Why the state of the group refuses a verb; None when it does not."""
    return states.refusal(
        verb,
        group.name,
        group.status,
        group.error_verb,
        alone=holds(group, c.Condition.UNPROTECTED),
        forgotten=holds(group, c.Condition.PEER_REGRESSED)
        and not holds(group, c.Condition.SPLIT),
    )


def busy(group: Group) -> exception.GroupBusy:
    return exception.GroupBusy(
        f"Protection group {group.name} is busy: operation "
        f"{group.operation_id} runs (status {group.status}).",
        operation_id=group.operation_id,
        status=group.status,
    )


def free_slot(session: orm.Session, group: Group, operation_id: str) -> None:
    if group.operation_id == operation_id:
        group.operation_id = None


def set_status(
    group: Group, status: str, error_verb: str | None = None
) -> None:
    group.status = status
    group.error_verb = error_verb


def resting_status(group: Group) -> c.GroupStatus:
    """What the group is when nothing runs, by where it runs."""
    if group.current_primary_site_id == group.primary_site_id:
        return c.GroupStatus.ACTIVE
    return c.GroupStatus.FAILED_OVER


def moved(before: Group, now: Group) -> bool:
    """Whether the direction is another than it was before: what was seen
    then is not true of it."""
    return (before.epoch, before.current_primary_site_id) != (
        now.epoch,
        now.current_primary_site_id,
    )


def see_epoch(group: Group, epoch: int) -> None:
    group.epoch_seen = max(group.epoch_seen, group.epoch, epoch)


def is_taken(group: Group, site_id: str) -> bool:
    """Whether the group runs at a site by all that it holds, and the other
    one was given an epoch above, or claimed it, and told no more."""
    runs = group.current_primary_site_id == site_id
    return runs and group.epoch_seen > group.epoch


def ask_epoch(group: Group, site_id: str) -> int:
    """Choose and remember the epoch that ``site_id`` will claim."""
    epoch = metadata.next_epoch(
        max(group.epoch, group.epoch_seen), site_id == group.primary_site_id
    )
    see_epoch(group, epoch)
    return epoch


def claim(
    group: Group,
    epoch: int,
    site_id: str,
    operation_id: str,
    parent: dict[str, Any],
) -> None:
    """Record the claim; the version does not change by it.

    :param parent: (epoch, version, checksum) of the document it builds on.
    """
    group.epoch = epoch
    see_epoch(group, epoch)
    group.claim = {
        "site_id": site_id,
        "operation_id": operation_id,
        "parent": parent,
    }


def set_condition(
    group: Group,
    kind: str,
    status: bool | None,
    reason: str,
    message: str,
    now: datetime.datetime,
) -> bool:
    """Set one condition; whether its status or reason changed.

    :param status: None is unknown.
    """
    old = group.conditions.get(kind)
    if old and (old["status"], old["reason"]) == (status, reason):
        if old["message"] != message:
            group.conditions = {
                **group.conditions,
                kind: {**old, "message": message},
            }
        return False
    fresh = {
        # whom it has been seen of
        **(old or {}),
        "status": status,
        "reason": reason,
        "message": message,
        "at": now.isoformat(),
        "version": group.metadata_version,
    }
    group.conditions = {**group.conditions, kind: fresh}
    events.condition(group, kind, old)
    return True


def holds(group: Group, kind: str) -> bool:
    """Whether a condition was observed to be so."""
    found = group.conditions.get(kind)
    return found is not None and found["status"] is True


def drop_conditions(group: Group, *kinds: str) -> None:
    """What was observed of them counts no more."""
    before = group.conditions
    group.conditions = {
        kind: found for kind, found in before.items() if kind not in kinds
    }
    for kind in kinds:
        if kind in before:
            events.condition(group, kind, before[kind])


def fenced_members(group: Group) -> set[str]:
    """Ids of those whose server at this site was seen to be down since the
    group left: who starts one again knows that another runs."""
    found = group.conditions.get(c.Condition.SOURCE_FENCED) or {}
    return set(found.get("members", ()))


def note_fenced(group: Group, member_ids: Collection[str]) -> None:
    """Add to those; the condition is there."""
    kind = c.Condition.SOURCE_FENCED
    known = sorted(fenced_members(group) | set(member_ids))
    found = {**group.conditions[kind], "members": known}
    group.conditions = {**group.conditions, kind: found}


def fence_anew(group: Group, now: datetime.datetime) -> None:
    """A member that an unplanned move could not start at first runs at the
    other site since; the others were seen to."""
    if not fenced_members(group):
        drop_conditions(group, c.Condition.SOURCE_FENCED)
        return
    set_condition(
        group,
        c.Condition.SOURCE_FENCED,
        False,
        "MembersNotFenced",
        "A member that started late at the other site is to be stopped here.",
        now,
    )


def one_history(group: Group, now: datetime.datetime) -> None:
    """Both sites hold the same again, where they did not."""
    for kind in (c.Condition.SPLIT, c.Condition.PEER_REGRESSED):
        if kind in group.conditions:
            set_condition(
                group,
                kind,
                False,
                "OneHistory",
                "Both sites hold the same history.",
                now,
            )


def rehome(
    group: Group,
    site_id: str,
    secondary_site_id: str,
    secondary_project_id: str,
    operation_id: str,
    parent: dict[str, Any],
) -> None:
    """The group runs here, as if it was created here, and has another
    secondary site: in an epoch of its own.

    :param group: locked.
    """
    group.primary_site_id = group.current_primary_site_id = site_id
    group.primary_project_id = group.project_id
    group.secondary_site_id = secondary_site_id
    group.secondary_project_id = secondary_project_id
    group.last_replication_at = None
    set_status(group, c.GroupStatus.ACTIVE)
    claim(group, ask_epoch(group, site_id), site_id, operation_id, parent)
    # what was observed was of the other pair
    drop_conditions(group, *group.conditions)


def bury(session: orm.Session, group: Group) -> None:
    """Turn the group into a tombstone: its name is free, its row stays
    until the peer has acknowledged."""
    group.deleted = group.id
    group.operation_id = None


def forget(session: orm.Session, group_id: str) -> None:
    """Remove a tombstone (or a reservation) with all that hangs on it."""
    group = session.get(Group, group_id)
    if group is not None:
        session.delete(group)


def volume_group(
    session: orm.Session, cinder_ids: list[str], except_group: str
) -> Group | None:
    """A group, other than the given one, that has one of the volumes."""
    statement = (
        sa.select(Group)
        .join(models.Member)
        .join(models.VolumeCopy)
        .where(
            models.VolumeCopy.cinder_id.in_(cinder_ids),
            Group.id != except_group,
            Group.deleted == "",
        )
    )
    return session.scalars(statement).first()
