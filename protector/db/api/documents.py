# SPDX-License-Identifier: Apache-2.0
"""What a metadata document holds, and how rows become one.

``documents_received`` is the way back.  Knows nothing of versions that win
or of pushes: see ``metadata_sync``.
"""

import datetime
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import metadata
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
    "stop_request_id",
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
    "made",
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
TIMES = ("created_at", "last_failover_at")


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
        "consistency_group": _consistency_group(
            session, group.id, old.get("consistency_group") or {}
        ),
        "members": _members(session, group.id, old.get("members", [])),
        "policy": _policy(session, group.id),
        "mappings": _mappings(session, group.id),
    }
    for part in ("group", "consistency_group", "policy"):
        if fresh[part] is not None:
            fresh[part] = (old.get(part) or {}) | fresh[part]
    return old | fresh


def _merged(old: list[Json], fresh: list[Json], *key: str) -> list[Json]:
    """The fresh parts, each with what its older self had besides."""
    known = {tuple(x[k] for k in key): x for x in old}
    return [known.get(tuple(x[k] for k in key), {}) | x for x in fresh]


def _take(row: Any, names: tuple[str, ...]) -> Json:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return value


def _consistency_group(session: orm.Session, group_id: str, old: Json) -> Json:
    row = (
        session.query(models.ConsistencyGroup)
        .filter_by(protection_group_id=group_id)
        .one()
    )
    ordered = sorted(row.sides, key=lambda s: s.site_id)
    sides = [_take(side, SIDE) for side in ordered]
    return _take(row, CONSISTENCY_GROUP) | {
        "sides": _merged(old.get("sides", []), sides, "site_id")
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
        found.append(_member(row, known.get(row.id, {})))
    return found


def _member(row: models.Member, old: Json) -> Json:
    member = old | _take(row, MEMBER)
    if row.status == c.MemberStatus.REMOVING:
        member["status"] = c.MemberStatus.PROTECTED
    copies = sorted(row.copies, key=lambda x: x.site_id)
    volumes = sorted(row.volumes, key=lambda x: (x.site_id, x.ordinal))
    member["copies"] = _merged(
        old.get("copies", []), [_take(x, COPY) for x in copies], "site_id"
    )
    member["volumes"] = _merged(
        old.get("volumes", []),
        [_take(x, VOLUME) for x in volumes],
        "site_id",
        "ordinal",
    )
    return member


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
