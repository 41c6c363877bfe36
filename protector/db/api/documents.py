# SPDX-License-Identifier: Apache-2.0
"""What a metadata document holds, and how it becomes rows again.

Knows nothing of versions that win or of pushes: see ``metadata_sync``.
"""

import datetime
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata
from protector.db import models

Json = dict[str, Any]

GROUP = (
    "id",
    "name",
    "description",
    "replication_type",
    "primary_site_id",
    "secondary_site_id",
    "current_primary_site_id",
    "primary_project_id",
    "secondary_project_id",
    "volume_type_id",
    "status",
    "failover_count",
    "last_failover_at",
    "created_at",
)
CONSISTENCY_GROUP = ("id", "name", "status")
SIDE = (
    "site_id",
    "cinder_group_id",
    "group_type_id",
    "volume_type_id",
    "volume_type_name",
    "backend_name",
    "array_name",
    "array_group",
    "schedule_enabled",
)
MEMBER = (
    "id",
    "instance_id",
    "instance_name",
    "home_site_id",
    "status",
    "recipe",
    "warnings",
    "created_at",
)
COPY = (
    "site_id",
    "server_id",
    "role",
    "power_state",
    "content_unique",
    "parked_at",
    "ports",
    "floating_ips",
    "made",
)
VOLUME = (
    "ordinal",
    "site_id",
    "cinder_id",
    "name",
    "size_gb",
    "device",
    "boot_index",
    "array_name",
    "array_volume",
    "serial",
)
POLICY = (
    "id",
    "pure_pg_name",
    "replication_interval_minutes",
    "rpo_minutes",
    "retention",
    "prestage",
    "undo_retention_days",
    "created_at",
)
TIMES = ("created_at", "parked_at", "last_failover_at")


def build(
    session: orm.Session,
    group: models.ProtectionGroup,
    site_id: str,
    old: Json,
) -> Json:
    """The document of a group as its rows are now.

    :param site_id: the site that makes it.
    :param old: the last document; fields in it that this release does not
        know are passed on.
    """
    fresh = {
        "schema": metadata.SCHEMA,
        "origin_site_id": site_id,
        "epoch": group.epoch,
        "version": group.metadata_version,
        "claim": group.claim,
        "group": _take(group, GROUP),
        "consistency_group": _consistency_group(session, group.id),
        "members": _members(session, group.id, old.get("members", [])),
        "policy": _policy(session, group.id),
        "mappings": _mappings(session, group.id),
    }
    for part in ("group", "consistency_group"):
        fresh[part] = (old.get(part) or {}) | fresh[part]
    return old | fresh


def _take(row: Any, names: tuple[str, ...]) -> Json:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def _consistency_group(session: orm.Session, group_id: str) -> Json:
    row = (
        session.query(models.ConsistencyGroup)
        .filter_by(protection_group_id=group_id)
        .one()
    )
    sides = sorted(row.sides, key=lambda s: s.site_id)
    return _take(row, CONSISTENCY_GROUP) | {
        "sides": [_take(side, SIDE) for side in sides]
    }


def _members(
    session: orm.Session, group_id: str, old: list[Json]
) -> list[Json]:
    """Settled members only: one that is still being added is nobody's
    business, one that is being removed is still protected."""
    known = {m["id"]: m for m in old}
    rows = (
        session.query(models.Member)
        .filter_by(protection_group_id=group_id)
        .order_by(models.Member.created_at, models.Member.id)
    )
    found = []
    for row in rows:
        if row.status in (c.MemberStatus.PROTECTING, c.MemberStatus.ERROR):
            continue
        member = known.get(row.id, {}) | _take(row, MEMBER)
        if row.status == c.MemberStatus.REMOVING:
            member["status"] = c.MemberStatus.PROTECTED
        copies = sorted(row.copies, key=lambda x: x.site_id)
        volumes = sorted(row.volumes, key=lambda x: (x.site_id, x.ordinal))
        member["copies"] = [_take(x, COPY) for x in copies]
        member["volumes"] = [_take(x, VOLUME) for x in volumes]
        found.append(member)
    return found


def _policy(session: orm.Session, group_id: str) -> Json | None:
    row = (
        session.query(models.ReplicationPolicy)
        .filter_by(protection_group_id=group_id)
        .one_or_none()
    )
    return _take(row, POLICY) if row else None


def _mappings(session: orm.Session, group_id: str) -> Json | None:
    row = session.get(models.ResourceMapping, group_id)
    return row.mappings if row else None


def check(document: Json, local_site_id: str, peer_site_id: str) -> None:
    """:raises BadRequest: the sender may not make this document for us."""
    group = document.get("group")
    if not isinstance(group, dict) or not set(GROUP) <= set(group):
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


def _parsed(values: Json, names: tuple[str, ...]) -> Json:
    found = {name: values[name] for name in names if name in values}
    for name in TIMES:
        if found.get(name):
            found[name] = datetime.datetime.fromisoformat(found[name])
    return found


def _apply_group(
    session: orm.Session,
    document: Json,
    local_site_id: str,
    now: datetime.datetime,
) -> models.ProtectionGroup:
    values = _parsed(document["group"], GROUP)
    group = session.get(models.ProtectionGroup, values["id"])
    if group is not None and group.deleted:
        raise exception.NotFound(
            f"Protection group {group.id} was deleted here.", id=group.id
        )
    if group is None:
        group = models.ProtectionGroup(deleted="", conditions={}, epoch_seen=0)
        session.add(group)
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
            protection_group_id=group_id, **_parsed(values, CONSISTENCY_GROUP)
        )
        session.add(row)
    row.name, row.status = values["name"], values["status"]
    known = {s.site_id: s for s in row.sides}
    for side in values["sides"]:
        target = known.get(side["site_id"])
        if target is None:
            row.sides.append(
                models.ConsistencyGroupSide(**_parsed(side, SIDE))
            )
            continue
        for name, value in _parsed(side, SIDE).items():
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
        for name, value in _parsed(values, MEMBER).items():
            setattr(row, name, value)
        row.updated_at = now
        row.copies = [
            _same(row.copies, models.MemberCopy, _parsed(x, COPY), "site_id")
            for x in values["copies"]
        ]
        row.volumes = [
            _same(
                row.volumes,
                models.VolumeCopy,
                _parsed(x, VOLUME),
                "site_id",
                "ordinal",
            )
            for x in values["volumes"]
        ]


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
    for name, value in _parsed(values, POLICY).items():
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
