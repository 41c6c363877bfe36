# SPDX-License-Identifier: Apache-2.0
"""Two histories of one group: noticed, shown, and one of them kept.

What a site holds grows out of what the other one held, or does not.  Nothing
here decides which is the right one: the user does.
"""

import datetime
import json
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import (
    documents_received,
    metadata_sync,
    protection_groups,
)

Json = dict[str, Any]
Group = models.ProtectionGroup
TRIPLE = ("epoch", "version", "checksum")


class Divergence(NamedTuple):
    """``split``: why no push can join both; None when one can.
    ``regressed``: the peer holds less than it acknowledged."""

    split: str | None
    regressed: bool


def is_orphan(group: Group, local_site_id: str) -> bool:
    """Whether nobody but this site will ever delete the group: its other
    site was declared lost, or runs it and does not know it any more."""
    if protection_groups.holds(group, c.Condition.UNPROTECTED):
        return True
    return (
        protection_groups.holds(group, c.Condition.PEER_REGRESSED)
        and not is_split(group)
        and group.current_primary_site_id != local_site_id
    )


def must_go(group: Group, local_site_id: str) -> bool:
    """Whether a deletion asks for nothing more: neither for a document that
    both sites hold, nor for a group without members.  It is an orphan, or
    was not made, or is half deleted already."""
    return is_orphan(group, local_site_id) or (
        group.status == c.GroupStatus.ERROR
        and group.error_verb in (c.Verb.CREATE, c.Verb.DELETE)
    )


def is_split(group: Group) -> bool:
    return protection_groups.holds(group, c.Condition.SPLIT)


def divergence(
    group: Group,
    sync: models.MetadataSync,
    theirs: metadata.Triple | None,
    local_site_id: str,
) -> Divergence:
    """:param theirs: what the peer holds; None for nothing."""
    mine = metadata.Triple(sync.epoch, sync.version, sync.checksum)
    known = _acknowledged(sync)
    regressed = known is not None and (theirs is None or theirs < known)
    if theirs is None or theirs.same(mine):
        return Divergence(None, regressed)
    makes_them = group.current_primary_site_id == local_site_id
    parent = (group.claim or {}).get("parent")
    split = None
    if theirs.epoch < mine.epoch and parent != theirs.as_dict():
        split = "TwoHistories"
    elif mine.epoch < theirs.epoch < group.epoch:
        # this site claimed above an epoch of which it had heard nothing
        split = "TwoHistories"
    elif (theirs.epoch, theirs.version) == (mine.epoch, mine.version):
        split = "ContentDiffers"
    elif theirs.epoch == mine.epoch and theirs > mine and makes_them:
        split = "PeerIsAhead"
    elif theirs.epoch > mine.epoch and metadata.is_claimed_by(
        theirs.epoch, local_site_id == group.primary_site_id
    ):
        # this site made it, and does not know: nobody else may send it back
        split = "PeerIsAhead"
    elif regressed and not makes_them:
        split = "PrimaryRegressed"
    return Divergence(split, regressed)


def _acknowledged(sync: models.MetadataSync) -> metadata.Triple | None:
    if sync.remote_epoch is None or sync.remote_version is None:
        return None
    return metadata.Triple(
        sync.remote_epoch, sync.remote_version, sync.remote_checksum or ""
    )


def comparable(
    session: orm.Session, peer_site_id: str, began: datetime.datetime
) -> list[str]:
    """Ids of the groups shared with a peer whose documents can be compared:
    those that are being made or deleted, or that the peer took a document
    of since, say nothing.

    :param began: when the peer was asked.
    """
    sync = models.MetadataSync
    statement = (
        sa.select(Group.id)
        .join(sync)
        .where(
            sa.or_(
                Group.primary_site_id == peer_site_id,
                Group.secondary_site_id == peer_site_id,
            ),
            Group.deleted == "",
            Group.status.not_in(
                (c.GroupStatus.CREATING, c.GroupStatus.DELETING)
            ),
            sa.func.coalesce(Group.error_verb, "").not_in(
                (c.Verb.CREATE, c.Verb.DELETE)
            ),
            sa.or_(sync.last_sync_at.is_(None), sync.last_sync_at <= began),
        )
    )
    return list(session.scalars(statement))


def described(site_id: str, held: Json | None) -> Json:
    """What is kept of a peer's history.

    :param held: the group as the peer shows it; None when it knows none.
    """
    found: Json = {
        "site_id": site_id,
        **{key: (held or {}).get(key) for key in TRIPLE},
        "origin_site_id": None,
        "made_at": (held or {}).get("made_at"),
        "running": [],
    }
    raw = (held or {}).get("document")
    if raw:
        document = json.loads(raw)
        found["origin_site_id"] = document["origin_site_id"]
        found["running"] = [
            member["id"]
            for member in document["members"]
            for copy in member["copies"]
            if copy["site_id"] == site_id and copy["role"] == c.CopyRole.LIVE
        ]
    return found


def note(
    session: orm.Session,
    group: Group,
    sync: models.MetadataSync,
    other: Json,
    found: Divergence,
    now: datetime.datetime,
) -> None:
    """Show both histories; nothing is sent any more by itself.

    :param group: locked.
    """
    if other["epoch"] != (sync.other or {}).get("epoch"):
        # what was fenced before was of another history
        protection_groups.drop_conditions(group, c.Condition.SOURCE_FENCED)
    sync.other = other
    message = _both(session, sync, other)
    sync.remote_status = c.SyncStatus.FAILED
    sync.error = message
    sync.next_attempt_at = None
    protection_groups.one_history(group, now)
    for kind, reason, remedy in (
        (
            c.Condition.SPLIT,
            found.split,
            "Choose which one is kept with resolve-split.",
        ),
        (
            c.Condition.PEER_REGRESSED,
            "HoldsLess" if found.regressed else None,
            _remedy(session, group, found, other),
        ),
    ):
        if reason is not None:
            protection_groups.set_condition(
                group, kind, True, reason, f"{message} {remedy}", now
            )


def _both(session: orm.Session, sync: models.MetadataSync, other: Json) -> str:
    """Both histories, in words."""
    site = session.get(models.Site, other["site_id"])
    name = site.name if site else other["site_id"]
    theirs = "nothing"
    if other["epoch"] is not None:
        theirs = f"version {other['version']} of epoch {other['epoch']}"
    text = (
        f"This site holds version {sync.version} of epoch {sync.epoch}, "
        f"{name} holds {theirs}"
    )
    known = _acknowledged(sync)
    if known is None:
        return f"{text}."
    return (
        f"{text} and acknowledged version {known.version} of epoch "
        f"{known.epoch} before."
    )


def _remedy(
    session: orm.Session, group: Group, found: Divergence, other: Json
) -> str:
    if found.split is not None:
        return "Choose which history is kept with resolve-split."
    if group.current_primary_site_id != other["site_id"]:
        return "Give it back what it lost with sync-force."
    return (
        "If its database is lost, take the group over with an unplanned move."
    )


def joined(session: orm.Session, group: Group, now: datetime.datetime) -> None:
    """Both sites are seen to hold one history (again)."""
    sync = metadata_sync.find(session, group.id)
    if sync is not None and sync.other is not None:
        sync.other = None
        if sync.remote_status == c.SyncStatus.FAILED:
            sync.next_attempt_at = now
    protection_groups.one_history(group, now)


def executor(
    session: orm.Session, group: Group, keep_site_id: str, local_site_id: str
) -> str:
    """The site that makes the documents of the history that is kept.

    :raises InvalidReference: the group has no such site.
    """
    if keep_site_id not in (group.primary_site_id, group.secondary_site_id):
        raise exception.InvalidReference(
            f"Protection group {group.name} has no site {keep_site_id}.",
            id=keep_site_id,
        )
    sync = metadata_sync.find(session, group.id)
    other = sync.other if sync is not None else None
    if keep_site_id == local_site_id or not other:
        return group.current_primary_site_id
    return str(other["origin_site_id"] or group.current_primary_site_id)


def keep(
    session: orm.Session,
    group: Group,
    local_site_id: str,
    keep_site_id: str,
    held: Json,
    now: datetime.datetime,
) -> list[Json]:
    """Make the rows say what the kept history says, in an epoch that is
    claimed here on top of the other one: so that its site takes it.

    :param group: locked, with the slot of the operation that does it.
    :param held: the group as the peer shows it, with its ``document``.
    :returns: members that only the other history has.
    """
    operation_id = str(group.operation_id)
    peer_id = _other_site(group, local_site_id)
    document = json.loads(held["document"])
    theirs = metadata.triple(held["document"].encode())
    version = max(group.metadata_version, theirs.version)
    protection_groups.see_epoch(
        group, max(theirs.epoch, held["claimed_epoch"])
    )
    if keep_site_id == local_site_id:
        dropped = _take_their_side(session, group, document, peer_id)
    else:
        dropped = _missing(session, group, document)
        documents_received.apply(session, document, local_site_id, now)
        group.operation_id = operation_id
    protection_groups.claim(
        group,
        protection_groups.ask_epoch(group, local_site_id),
        local_site_id,
        operation_id,
        theirs.as_dict(),
    )
    group.metadata_version = version
    protection_groups.set_status(
        group, protection_groups.resting_status(group)
    )
    protection_groups.drop_conditions(group, c.Condition.SOURCE_FENCED)
    joined(session, group, now)
    return dropped


def _other_site(group: Group, site_id: str) -> str:
    if site_id == group.primary_site_id:
        return group.secondary_site_id
    return group.primary_site_id


def _missing(session: orm.Session, group: Group, document: Json) -> list[Json]:
    """Members here that the document does not have."""
    kept = {m["id"] for m in document["members"]}
    rows = session.query(models.Member).filter_by(protection_group_id=group.id)
    return [
        _dropped(
            m.id,
            m.instance_id,
            m.instance_name,
            {x.site_id: x.server_id for x in m.copies},
        )
        for m in rows
        if m.id not in kept
    ]


def _dropped(
    member_id: str,
    instance_id: str,
    name: str,
    servers: dict[str, str | None],
) -> Json:
    """:param servers: ids by site."""
    return {
        "id": member_id,
        "instance_id": instance_id,
        "name": name,
        "servers": {site: found for site, found in servers.items() if found},
    }


def _take_their_side(
    session: orm.Session, group: Group, document: Json, peer_id: str
) -> list[Json]:
    """What the other site made at itself is its own to know: servers and
    volumes there are kept, though their history is not."""
    told = {m["id"]: m for m in document["members"]}
    rows = session.query(models.Member).filter_by(protection_group_id=group.id)
    for member in rows:
        found = told.pop(member.id, None)
        if found is not None:
            documents_received.take_side(session, member, found, peer_id)
            copy = member.copy(peer_id)
            if copy is not None and copy.role == c.CopyRole.LIVE:
                # what it wrote is nowhere else
                copy.content_unique = True
    documents_received.take_group_side(session, group.id, document, peer_id)
    return [
        _dropped(
            m["id"],
            m["instance_id"],
            m["instance_name"],
            {x["site_id"]: x["server_id"] for x in m["copies"]},
        )
        for m in told.values()
    ]
