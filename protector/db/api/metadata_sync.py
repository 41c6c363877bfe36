# SPDX-License-Identifier: Apache-2.0
"""Documents: made from the rows, received into the rows, acknowledged.

The only place that knows what a document holds.  No secret and no volatile
field goes into it.
"""

from collections.abc import Collection, Sequence
import datetime
import json
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import (
    documents,
    documents_received,
    older_side,
    operations,
    protection_groups,
    source_locks,
)

Sync = models.MetadataSync


class State(NamedTuple):
    """Of the document here, and what the peer has of it."""

    remote_status: str
    version: int
    remote_version: int | None
    epoch: int


def find(session: orm.Session, group_id: str) -> Sync | None:
    return session.get(Sync, group_id)


def of(session: orm.Session, group_ids: Sequence[str]) -> dict[str, Sync]:
    """The documents that are held, by group."""
    statement = sa.select(Sync).where(Sync.protection_group_id.in_(group_ids))
    return {s.protection_group_id: s for s in session.scalars(statement)}


def triple(sync: Sync | None) -> metadata.Triple | None:
    if sync is None:
        return None
    return metadata.Triple(sync.epoch, sync.version, sync.checksum)


def settle(
    session: orm.Session,
    group: models.ProtectionGroup,
    site_id: str,
    now: datetime.datetime,
) -> metadata.Triple:
    """A change is settled: count the version up and make the document.

    Call it last in the transaction that changed the rows.
    """
    session.flush()
    session.expire_all()
    group.metadata_version += 1
    group.updated_at = now
    session.flush()
    old = find(session, group.id)
    document = documents.build(
        session, group, site_id, json.loads(old.document) if old else {}
    )
    return _store(session, group.id, metadata.encode(document), now)


def _store(
    session: orm.Session, group_id: str, raw: bytes, now: datetime.datetime
) -> metadata.Triple:
    mine = metadata.triple(raw)
    sync = find(session, group_id)
    if sync is None:
        sync = Sync(
            protection_group_id=group_id,
            attempts=0,
            remote_status=c.SyncStatus.PENDING,
        )
        session.add(sync)
    sync.epoch, sync.version, sync.checksum = (
        mine.epoch,
        mine.version,
        mine.checksum,
    )
    sync.document = raw.decode()
    sync.made_at = now
    sync.remote_status = c.SyncStatus.PENDING
    sync.error = None
    sync.attempts = 0
    # the operation that made it pushes it; should that engine die, somebody
    # does it after a while
    sync.next_attempt_at = now + datetime.timedelta(seconds=60)
    session.flush()
    return mine


def receive(
    session: orm.Session,
    local_site_id: str,
    peer_site_id: str,
    raw: bytes,
    now: datetime.datetime,
) -> metadata.Triple:
    """Apply a pushed document in this transaction if it is newer.

    Call it first in the transaction: what was read before is not read again.

    :returns: what this site holds afterwards.
    :raises BadRequest: it is no document, or not the sender's to make.
    :raises StaleDocument: it is not newer; the details are my own triple.
    :raises Split: it claims an epoch on another parent than what I hold.
    """
    try:
        offered = metadata.triple(raw)
        document = json.loads(raw)
    except ValueError as e:
        raise exception.BadRequest(f"The body is {e}.") from None
    documents_received.check(document, local_site_id, peer_site_id)
    group_id = document["group"]["id"]
    sync = _locked(session, peer_site_id, group_id)
    mine = triple(sync)
    if not offered.same(mine):
        _check_claim(session, offered, group_id)
        _check_newer(mine, offered, document)
        if mine is not None and offered.epoch > mine.epoch:
            _left_behind(session, group_id, now)
        before = older_side.live_twice(session, group_id, local_site_id)
        unnamed = older_side.unnamed(
            session,
            group_id,
            local_site_id,
            json.loads(sync.document) if sync else None,
            mine is not None and offered.epoch > mine.epoch,
        )
        documents_received.apply(session, document, local_site_id, now)
        older_side.keep(session, unnamed, local_site_id)
        _store(session, group_id, raw, now)
        now_twice = older_side.live_twice(session, group_id, local_site_id)
        if now_twice - before:
            # one that an unplanned move could not start at first
            group = session.get_one(models.ProtectionGroup, group_id)
            protection_groups.fence_anew(group, now)
        source_locks.clear(session, group_id)
    confirm(session, group_id, offered, now)
    return offered


def _left_behind(
    session: orm.Session, group_id: str, now: datetime.datetime
) -> None:
    """The group goes on without this site: what runs here on the older copy
    ends, and what was observed of it counts no more."""
    group = session.get_one(models.ProtectionGroup, group_id)
    error = exception.Superseded(
        f"Protection group {group.name} was moved to the other site."
    )
    operations.preempt(session, now, group, error)
    protection_groups.drop_conditions(
        group,
        c.Condition.SOURCE_FENCED,
        c.Condition.PARTIAL,
        c.Condition.SPLIT,
        c.Condition.PEER_REGRESSED,
    )


def _locked(
    session: orm.Session, peer_site_id: str, group_id: str
) -> Sync | None:
    """What is held, when nobody else is changing it any more.

    The documents of a peer come in one at a time: of a new group there is no
    row yet to lock, and an older document may arrive while a newer one is
    being applied.
    """
    for model, key in (
        (models.Site, peer_site_id),
        (models.ProtectionGroup, group_id),
    ):
        session.get(model, key, populate_existing=True, with_for_update=True)
    return session.get(
        Sync, group_id, populate_existing=True, with_for_update=True
    )


def _check_claim(
    session: orm.Session, offered: metadata.Triple, group_id: str
) -> None:
    """An epoch that was claimed here ends the documents of older ones, even
    before its own first one is made."""
    group = session.get(models.ProtectionGroup, group_id)
    if group is not None and offered.epoch < group.epoch:
        raise exception.StaleDocument(
            f"Epoch {offered.epoch} is over: this site holds {group.epoch}.",
            epoch=group.epoch,
            version=group.metadata_version,
            checksum=None,
        )


def _check_newer(
    mine: metadata.Triple | None,
    offered: metadata.Triple,
    document: dict[str, Any],
) -> None:
    if not metadata.newer(mine, offered):
        raise exception.StaleDocument(
            f"Version {offered.version} of epoch {offered.epoch} is not "
            "newer than what this site holds.",
            **(mine.as_dict() if mine else {}),
        )
    if mine is None or offered.epoch == mine.epoch:
        return
    parent = (document.get("claim") or {}).get("parent")
    if parent != mine.as_dict():
        raise exception.Split(
            f"Epoch {offered.epoch} was claimed on another history than the "
            f"one this site holds (epoch {mine.epoch}, version "
            f"{mine.version}).",
            mine=mine.as_dict(),
            parent=parent,
        )


def confirm(
    session: orm.Session,
    group_id: str,
    theirs: metadata.Triple,
    now: datetime.datetime,
) -> None:
    """The peer says, by a push or in a comparison, what it holds."""
    sync = find(session, group_id)
    if sync is None:
        return
    sync.remote_epoch = theirs.epoch
    sync.remote_version = theirs.version
    sync.remote_checksum = theirs.checksum
    mine = triple(sync)
    if theirs.same(mine):
        sync.remote_status = c.SyncStatus.SYNCED
        sync.last_sync_at = now
        sync.error = None
        sync.attempts = 0
        sync.next_attempt_at = None
        if sync.other is not None:
            sync.other = None
            group = session.get_one(models.ProtectionGroup, group_id)
            protection_groups.one_history(group, now)
    elif (
        metadata.newer(mine, theirs)
        and sync.remote_status == c.SyncStatus.SYNCED
    ):
        # its push did not arrive here
        sync.remote_status = c.SyncStatus.PENDING


def fail(
    session: orm.Session,
    group_id: str,
    error: str,
    now: datetime.datetime,
    backoff_max: float,
) -> None:
    """A push failed: remember why and when to try again."""
    sync = find(session, group_id)
    if sync is None:
        return
    sync.attempts += 1
    sync.error = error
    sync.remote_status = c.SyncStatus.FAILED
    pause = min(backoff_max, 2.0 ** min(sync.attempts, 16))
    sync.next_attempt_at = now + datetime.timedelta(seconds=pause)


def send_soon(
    session: orm.Session, group_ids: Collection[str], now: datetime.datetime
) -> None:
    """The peer answers again: what failed to reach it is due."""
    statement = sa.select(Sync).where(
        Sync.protection_group_id.in_(group_ids),
        Sync.remote_status == c.SyncStatus.FAILED,
        Sync.next_attempt_at > now,
    )
    for sync in session.scalars(statement):
        sync.next_attempt_at = now


def unsent(
    session: orm.Session, now: datetime.datetime, site_id: str
) -> list[str]:
    """Ids of the groups whose document, made here, the peer does not have
    and whose next attempt is due."""
    group = models.ProtectionGroup
    # of a group that is not made yet, or goes away, the operation tells
    unmade = sa.or_(
        group.status.in_((c.GroupStatus.CREATING, c.GroupStatus.DELETING)),
        sa.and_(
            group.status == c.GroupStatus.ERROR,
            sa.func.coalesce(group.error_verb, "") == c.Verb.CREATE,
        ),
    )
    statement = (
        sa.select(Sync.protection_group_id)
        .join(group)
        .where(
            Sync.remote_status != c.SyncStatus.SYNCED,
            Sync.next_attempt_at <= now,
            group.current_primary_site_id == site_id,
            group.deleted == "",
            sa.not_(unmade),
        )
    )
    return list(session.scalars(statement))


def states(session: orm.Session, group_ids: Sequence[str]) -> dict[str, State]:
    """By group, without the documents themselves."""
    statement = sa.select(
        Sync.protection_group_id,
        Sync.remote_status,
        Sync.version,
        Sync.remote_version,
        Sync.epoch,
    ).where(Sync.protection_group_id.in_(group_ids))
    return {i: State(*rest) for i, *rest in session.execute(statement)}


def behind(session: orm.Session) -> dict[str, int]:
    """How many groups each other site does not hold the last version of."""
    group = models.ProtectionGroup
    local = sa.select(models.Site.id).where(models.Site.is_local)
    other = sa.case(
        (
            group.primary_site_id == local.scalar_subquery(),
            group.secondary_site_id,
        ),
        else_=group.primary_site_id,
    )
    statement = (
        sa.select(other, sa.func.count())
        .join(Sync)
        .where(group.deleted == "", Sync.remote_status != c.SyncStatus.SYNCED)
        .group_by(other)
    )
    return {site: number for site, number in session.execute(statement)}


def require_in_sync(
    session: orm.Session, group: models.ProtectionGroup
) -> None:
    """:raises MetadataOutOfSync: the peer does not hold the last version."""
    state = states(session, [group.id]).get(group.id)
    error = out_of_sync(group, state) if state else None
    if error is not None:
        raise error


def out_of_sync(
    group: models.ProtectionGroup, state: State
) -> exception.MetadataOutOfSync | None:
    """The refusal, when the peer does not hold the last version."""
    if state.remote_status == c.SyncStatus.SYNCED:
        return None
    return exception.MetadataOutOfSync(
        f"Protection group {group.name} is out of sync: this site holds "
        f"version {state.version}, the peer site {state.remote_version}.",
        local_version=state.version,
        remote_version=state.remote_version,
    )
