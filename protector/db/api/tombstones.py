# SPDX-License-Identifier: Apache-2.0
"""What a lost site is told of its groups when it returns.

A tombstone goes on top of what the site holds, like a claim: its epoch is a
newer one.  Nothing is forgotten there before its servers are known to be
down.
"""

from collections.abc import Sequence
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, operations, protection_groups

Json = dict[str, Any]
Group = models.ProtectionGroup
Tombstone = models.Tombstone


def add(
    session: orm.Session,
    group: Group,
    local_site_id: str,
    lost_site_id: str,
    now: datetime.datetime,
) -> Tombstone:
    """The group goes on without the lost site, or not at all.

    :param group: locked.
    """
    row = Tombstone(
        protection_group_id=group.id,
        site_id=lost_site_id,
        epoch=protection_groups.ask_epoch(group, local_site_id),
        running=_live(session, group.id, local_site_id),
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _live(session: orm.Session, group_id: str, site_id: str) -> list[str]:
    copy, member = models.MemberCopy, models.Member
    statement = (
        sa.select(member.id)
        .join(copy)
        .where(
            member.protection_group_id == group_id,
            copy.site_id == site_id,
            copy.role == c.CopyRole.LIVE,
            copy.server_id.is_not(None),
        )
    )
    return list(session.scalars(statement.order_by(member.id)))


def untold(session: orm.Session) -> Sequence[Tombstone]:
    """Those that a site has still to be told of."""
    statement = sa.select(Tombstone).order_by(Tombstone.created_at)
    return session.scalars(statement).all()


def told(session: orm.Session, group_id: str, site_id: str) -> None:
    """The site knows, or goes on by itself."""
    row = session.get(Tombstone, (group_id, site_id))
    if row is not None:
        session.delete(row)


def receive(
    session: orm.Session,
    group: Group,
    local_site_id: str,
    peer_site_id: str,
    tombstone: Json,
    now: datetime.datetime,
) -> exception.InvalidStatus | None:
    """The group went on without this site: forget it, once what runs there
    is down here.

    :param group: locked.
    :returns: it is not down yet; what was noted is to be kept.
    :raises StaleDocument: the group is in a newer epoch here.
    """
    if group.epoch >= tombstone["epoch"]:
        raise exception.StaleDocument(
            f"Protection group {group.name} is in epoch {group.epoch} here.",
            epoch=group.epoch,
            version=group.metadata_version,
            checksum=None,
        )
    running = list(tombstone.get("running", []))
    sync = metadata_sync.find(session, group.id)
    if sync is not None and not is_noted(sync, tombstone["epoch"]):
        error = exception.Superseded(
            f"Protection group {group.name} went on without this site."
        )
        operations.preempt(session, now, group, error)
        group.operation_id = None
        protection_groups.drop_conditions(group, c.Condition.SOURCE_FENCED)
        _note(sync, peer_site_id, tombstone["epoch"], running)
    stale = set(_live(session, group.id, local_site_id)) & set(running)
    if stale and not protection_groups.holds(group, c.Condition.SOURCE_FENCED):
        return exception.InvalidStatus(
            f"{len(stale)} servers of protection group {group.name} are not "
            "stopped and locked here yet.",
            remedy="Tell it again later.",
        )
    protection_groups.forget(session, group.id)
    return None


def is_noted(sync: models.MetadataSync, epoch: int) -> bool:
    """Whether such a tombstone came before."""
    other = sync.other or {}
    return bool(other.get("tombstone")) and other["epoch"] == epoch


def _note(
    sync: models.MetadataSync, site_id: str, epoch: int, running: list[str]
) -> None:
    sync.other = {
        "site_id": site_id,
        "epoch": epoch,
        "version": None,
        "checksum": None,
        "origin_site_id": site_id,
        "made_at": None,
        "running": running,
        "tombstone": True,
    }
    sync.remote_status = c.SyncStatus.FAILED
    sync.error = "The group went on without this site."
    sync.next_attempt_at = None
