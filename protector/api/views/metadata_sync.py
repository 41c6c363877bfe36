# SPDX-License-Identifier: Apache-2.0
"""The sync status of a group: what was last recorded, never a call."""

import datetime
import json
from typing import Any

from protector import constants as c
from protector import times
from protector.db import models

Json = dict[str, Any]
Sync = models.MetadataSync
# comparisons that a confirmation may have missed and still be recent
RECENT = 3


def show(
    group: models.ProtectionGroup,
    sync: Sync | None,
    names: dict[str, str],
    interval: float,
    now: datetime.datetime,
) -> Json:
    """:param names: of the sites, by id.
    :param interval: seconds between two comparisons with the peer.
    """
    current = group.current_primary_site_id
    local = {
        "version": sync.version if sync else group.metadata_version,
        "epoch": sync.epoch if sync else group.epoch,
        "current_site": names.get(current, current),
        "last_modified": times.iso(
            sync.made_at if sync else group.updated_at or group.created_at
        ),
    }
    remote = _remote(sync, _away(group))
    validation = _validation(local, remote, sync, RECENT * interval, now)
    return {
        "in_sync": validation[0]["ok"]
        and sync is not None
        and sync.remote_status == c.SyncStatus.SYNCED,
        "local": local,
        "remote": remote,
        "validation": validation,
        "actions_required": _actions(group, validation, remote["status"]),
        "histories": _histories(group, sync, names),
    }


def _histories(
    group: models.ProtectionGroup, sync: Sync | None, names: dict[str, str]
) -> list[Json]:
    """What each site holds, this one first; empty while it is one history."""
    if sync is None or sync.other is None:
        return []
    other = sync.other
    made_here = json.loads(sync.document)["origin_site_id"]
    ends = {group.primary_site_id, group.secondary_site_id}
    mine = {
        "site_id": (ends - {other["site_id"]}).pop(),
        "epoch": sync.epoch,
        "version": sync.version,
        "checksum": sync.checksum,
        "origin_site_id": made_here,
        "made_at": times.iso(sync.made_at),
    }
    return [
        {
            "site_id": held["site_id"],
            "site": names.get(held["site_id"], held["site_id"]),
            "epoch": held["epoch"],
            "version": held["version"],
            "checksum": held["checksum"],
            "origin_site_id": held["origin_site_id"],
            "last_modified": held["made_at"],
        }
        for held in (mine, other)
    ]


def _away(group: models.ProtectionGroup) -> str | None:
    """Why the peer did not answer when it was last asked; None if it did."""
    found = group.conditions.get(c.Condition.PEER_REACHABLE)
    if found is None or found["status"] is not False:
        return None
    return str(found["message"])


def _holds(group: models.ProtectionGroup, kind: str) -> bool:
    found = group.conditions.get(kind)
    return found is not None and found["status"] is True


def _remote(sync: Sync | None, away: str | None) -> Json:
    """A peer that is away still has what it last confirmed."""
    if sync is None:
        return {
            "status": str(c.SyncStatus.PENDING),
            "version": None,
            "epoch": None,
            "last_sync": None,
            "error": None,
        }
    status = sync.remote_status
    if away is not None and status != c.SyncStatus.FAILED:
        status = c.SyncStatus.UNREACHABLE
    return {
        "status": str(status),
        "version": sync.remote_version,
        "epoch": sync.remote_epoch,
        "last_sync": times.iso(sync.last_sync_at),
        "error": sync.error or away,
    }


def _validation(
    local: Json,
    remote: Json,
    sync: Sync | None,
    recent_seconds: float,
    now: datetime.datetime,
) -> list[Json]:
    mine, theirs = local["version"], remote["version"]
    same = (mine, local["epoch"]) == (theirs, remote["epoch"])
    last = sync.last_sync_at if sync else None
    recent = last is not None and (
        (now - last).total_seconds() <= recent_seconds
    )
    status = remote["status"]
    return [
        _check(
            "versions_match",
            same,
            f"Versions match ({mine} = {theirs})",
            f"Versions differ ({mine} here, {theirs} at the peer)",
        ),
        _check(
            "sync_status",
            status == c.SyncStatus.SYNCED,
            "Sync status is 'synced'",
            f"Sync status is '{status}'",
        ),
        _check(
            "last_sync_recent",
            recent,
            "Last sync is recent",
            "Last sync is not recent",
        ),
    ]


def _check(name: str, ok: bool, good: str, bad: str) -> Json:
    return {"check": name, "ok": ok, "message": good if ok else bad}


def _actions(
    group: models.ProtectionGroup, validation: list[Json], status: str
) -> list[str]:
    if _holds(group, c.Condition.SPLIT):
        return ["Compare both histories", "Choose one with resolve-split"]
    same, synced, recent = (v["ok"] for v in validation)
    if same and not synced and status == c.SyncStatus.UNREACHABLE:
        return ["Check remote site connectivity"]
    if same and synced:
        return [] if recent else ["Check remote site connectivity"]
    return [
        "Check remote site connectivity",
        "Force sync once remote site is available",
    ]
