# SPDX-License-Identifier: Apache-2.0
"""How a received metadata document becomes rows.

Knows nothing of versions that win or of pushes: see ``metadata_sync``.
"""

import datetime
from typing import Any

from sqlalchemy import orm

from protector import exception
from protector.db import models
from protector.db.api import documents

Json = dict[str, Any]

# what a document must have, whatever else a newer release puts into it
SHAPE: dict[str, tuple[type, ...]] = {
    "origin_site_id": (str,),
    "epoch": (int,),
    "version": (int,),
    "claim": (dict, type(None)),
    "group": (dict,),
    "consistency_group": (dict,),
    "members": (list,),
    "policy": (dict, type(None)),
    "mappings": (dict, type(None)),
}


def check(document: Json, local_site_id: str, peer_site_id: str) -> None:
    """:raises BadRequest: the sender may not make this document for us."""
    for name, kinds in SHAPE.items():
        if not isinstance(document.get(name, ...), kinds):
            raise exception.BadRequest(f"The document has no {name}.")
    group = document["group"]
    if not set(documents.GROUP) <= set(group):
        raise exception.BadRequest("The document names no group.")
    sites = {group["primary_site_id"], group["secondary_site_id"]}
    if sites != {local_site_id, peer_site_id}:
        raise exception.BadRequest(
            "The document is of a group between other sites."
        )
    if not (
        document["origin_site_id"]
        == group["current_primary_site_id"]
        == peer_site_id
    ):
        raise exception.BadRequest(
            "Only the current primary site of a group makes its documents."
        )


def apply(
    session: orm.Session,
    document: Json,
    local_site_id: str,
    now: datetime.datetime,
) -> None:
    """Make the rows of a group say what the document says."""
    group = _apply_group(session, document, local_site_id, now)
    session.flush()
    _apply_consistency_group(session, group.id, document)
    _apply_members(session, group.id, document["members"], now)
    _apply_policy(session, group.id, document["policy"])
    _apply_mappings(session, group.id, document["mappings"], now)
    session.flush()


def _of_another(what: str, row_id: str) -> exception.InvalidReference:
    """A peer's documents reach the rows of their own group only."""
    return exception.InvalidReference(
        f"The document names {what} {row_id}, which is another's here.",
        id=row_id,
    )


def _parsed(values: Json, names: tuple[str, ...]) -> Json:
    found = {name: values[name] for name in names if name in values}
    for name in documents.TIMES:
        if found.get(name):
            found[name] = datetime.datetime.fromisoformat(found[name])
    return found


def _apply_group(
    session: orm.Session,
    document: Json,
    local_site_id: str,
    now: datetime.datetime,
) -> models.ProtectionGroup:
    values = _parsed(document["group"], documents.GROUP)
    group = session.get(models.ProtectionGroup, values["id"])
    if group is not None and group.deleted:
        raise exception.NotFound(
            f"Protection group {group.id} was deleted here.", id=group.id
        )
    ends = ("primary_site_id", "secondary_site_id")
    if group is None:
        group = models.ProtectionGroup(deleted="", conditions={}, epoch_seen=0)
        session.add(group)
    elif any(getattr(group, end) != values[end] for end in ends):
        raise _of_another("protection group", group.id)
    # a move that this site runs itself goes on: the push came from a change
    # at the source that ended while the move was waiting for it
    moving = group.operation_id is not None and (
        group.epoch == document["epoch"]
    )
    if moving:
        del values["status"]
    for name, value in values.items():
        setattr(group, name, value)
    at_primary = local_site_id == values["primary_site_id"]
    group.project_id = (
        values["primary_project_id"]
        if at_primary
        else values["secondary_project_id"]
    )
    group.epoch = document["epoch"]
    group.epoch_seen = max(group.epoch_seen, group.epoch)
    group.claim = document["claim"]
    group.metadata_version = document["version"]
    if not moving:
        # what ran here against the older copy is over
        group.operation_id = None
        group.error_verb = None
    group.updated_at = now
    return group


def _apply_consistency_group(
    session: orm.Session, group_id: str, document: Json
) -> None:
    values = document["consistency_group"]
    row = session.get(models.ConsistencyGroup, values["id"])
    if row is None:
        row = models.ConsistencyGroup(
            protection_group_id=group_id,
            **_parsed(values, documents.CONSISTENCY_GROUP),
        )
        session.add(row)
    elif row.protection_group_id != group_id:
        raise _of_another("consistency group", row.id)
    row.name, row.status = values["name"], values["status"]
    known = {s.site_id: s for s in row.sides}
    for side in values["sides"]:
        target = known.get(side["site_id"])
        if target is None:
            row.sides.append(
                models.ConsistencyGroupSide(**_parsed(side, documents.SIDE))
            )
            continue
        for name, value in _parsed(side, documents.SIDE).items():
            setattr(target, name, value)


def _apply_members(
    session: orm.Session,
    group_id: str,
    members: list[Json],
    now: datetime.datetime,
) -> None:
    wanted = {m["id"]: m for m in members}
    rows = session.query(models.Member).filter_by(protection_group_id=group_id)
    for row in rows:
        if row.id not in wanted:
            session.delete(row)
    session.flush()
    for values in members:
        row = session.get(models.Member, values["id"])
        if row is None:
            row = models.Member(id=values["id"], protection_group_id=group_id)
            session.add(row)
        elif row.protection_group_id != group_id:
            raise _of_another("member", row.id)
        for name, value in _parsed(values, documents.MEMBER).items():
            setattr(row, name, value)
        row.updated_at = now
        row.copies = [
            _same(
                row.copies,
                models.MemberCopy,
                _parsed(x, documents.COPY),
                "site_id",
            )
            for x in values["copies"]
        ]
        row.volumes = [
            _same(
                row.volumes,
                models.VolumeCopy,
                _parsed(x, documents.VOLUME),
                "site_id",
                "ordinal",
            )
            for x in values["volumes"]
        ]


def take_side(
    session: orm.Session, member: models.Member, values: Json, site_id: str
) -> None:
    """Of a member in another document, only what it is at one site."""
    for name, model, fields, key in (
        ("copies", models.MemberCopy, documents.COPY, ("site_id",)),
        (
            "volumes",
            models.VolumeCopy,
            documents.VOLUME,
            ("site_id", "ordinal"),
        ),
    ):
        rows = getattr(member, name)
        told = [x for x in values[name] if x["site_id"] == site_id]
        kept = [row for row in rows if row.site_id != site_id]
        setattr(
            member,
            name,
            kept
            + [_same(rows, model, _parsed(x, fields), *key) for x in told],
        )
    session.flush()


def take_group_side(
    session: orm.Session, group_id: str, document: Json, site_id: str
) -> None:
    """Of the group in another document, only what it is at one site."""
    row = (
        session.query(models.ConsistencyGroup)
        .filter_by(protection_group_id=group_id)
        .one()
    )
    for told in document["consistency_group"]["sides"]:
        if told["site_id"] == site_id:
            side = row.side(site_id)
            for name, value in _parsed(told, documents.SIDE).items():
                setattr(side, name, value)
    session.flush()


def _same(rows: list[Any], model: Any, values: Json, *key: str) -> Any:
    """The row with this key, brought up to date, or a new one."""
    for row in rows:
        if all(getattr(row, k) == values[k] for k in key):
            for name, value in values.items():
                setattr(row, name, value)
            return row
    return model(**values)


def _apply_policy(
    session: orm.Session, group_id: str, values: Json | None
) -> None:
    row = (
        session.query(models.ReplicationPolicy)
        .filter_by(protection_group_id=group_id)
        .one_or_none()
    )
    if values is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = models.ReplicationPolicy(protection_group_id=group_id)
        session.add(row)
    # the array fields are this site's own and stay
    for name, value in _parsed(values, documents.POLICY).items():
        setattr(row, name, value)


def _apply_mappings(
    session: orm.Session,
    group_id: str,
    values: Json | None,
    now: datetime.datetime,
) -> None:
    row = session.get(models.ResourceMapping, group_id)
    if values is None:
        if row is not None:
            session.delete(row)
        return
    if row is None:
        row = models.ResourceMapping(
            protection_group_id=group_id, created_at=now
        )
        session.add(row)
    row.mappings = values
    row.updated_at = now
