# SPDX-License-Identifier: Apache-2.0
"""Looks at the peer and the arrays, and writes down what they say: sync
state, recovery points, conditions.  Changes nothing outside."""

import datetime
from typing import Any
import uuid

from oslo_log import log as logging
import sqlalchemy as sa

from protector import constants as c
from protector import exception, metadata
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.db.api import sites as site_rows
from protector.engine import access, reading, replication
from protector.storage import base

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


class Observer:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """One look at everything."""
        self._peers()
        with self._runtime.db.reader() as session:
            ids = protection_groups.alive_ids(session)
        for group_id in ids:
            try:
                self._points(group_id)
            except exception.NotFound:
                continue
            except exception.ProtectorError as e:
                self._unhealthy(group_id, e)

    # -- the peer

    def _peers(self) -> None:
        with self._runtime.db.reader() as session:
            peers = site_rows.remote_sites(session)
        for site in peers:
            try:
                self._compare(site)
                self._reached(site.id, c.SiteStatus.ACTIVE, None)
            except exception.ProtectorError as e:
                status = (
                    c.SiteStatus.UNREACHABLE
                    if isinstance(e, exception.ServiceUnavailable)
                    else c.SiteStatus.ERROR
                )
                self._reached(site.id, status, e.message)

    def _compare(self, site: models.Site) -> None:
        """What the peer holds of each group, against what is held here."""
        peer = access.clients(self._runtime, site).peer
        theirs: dict[str, Json] = {}
        marker = None
        while True:
            page = peer.groups(marker)
            theirs |= {g["id"]: g for g in page}
            if not page:
                break
            marker = page[-1]["id"]
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            for group_id, held in theirs.items():
                if held.get("checksum"):
                    metadata_sync.confirm(
                        session, group_id, _triple(held), now
                    )

    def _reached(self, site_id: str, status: str, reason: str | None) -> None:
        now = self._runtime.clock.now()
        ok = status == c.SiteStatus.ACTIVE
        with self._runtime.db.writer() as session:
            site_rows.set_status(session, site_id, status, reason, now)
            groups = session.scalars(
                sa.select(models.ProtectionGroup).where(
                    models.ProtectionGroup.deleted == "",
                    sa.or_(
                        models.ProtectionGroup.primary_site_id == site_id,
                        models.ProtectionGroup.secondary_site_id == site_id,
                    ),
                )
            )
            for group in groups:
                protection_groups.set_condition(
                    group,
                    c.Condition.PEER_REACHABLE,
                    ok,
                    "Answers" if ok else "NoAnswer",
                    reason or "The peer site answers.",
                    now,
                )
                _sync_condition(session, group, now)

    # -- the arrays

    def _points(self, group_id: str) -> None:
        reader = reading.Reader.of(self._runtime, group_id)
        scene = reader.scene
        source = scene.group.current_primary_site_id
        found: list[tuple[str, base.Point, int]] = []
        for site_id in (scene.local_site_id, scene.peer_site_id):
            if not scene.side(site_id).array_group:
                continue
            points = reader.driver.list_points(reader.direction(site_id))
            epochs = replication.epochs(points)
            found += [(site_id, p, epochs[p.name]) for p in points]
        status = None
        if scene.side(source).array_group:
            status = reader.driver.status(reader.direction(source))
        self._store(reader, found, status)

    def _store(
        self,
        reader: reading.Reader,
        found: list[tuple[str, base.Point, int]],
        status: base.Status | None,
    ) -> None:
        now = self._runtime.clock.now()
        scene = reader.scene
        with self._runtime.db.writer() as session:
            group = protection_groups.find(session, scene.group.id)
            if group is None:
                return
            _points_rows(session, scene, found)
            _recoverable(session, scene, found)
            current = [
                p.completed
                for site_id, p, epoch in found
                if p.completed
                and site_id == group.current_primary_site_id
                and epoch == group.epoch
            ]
            group.last_replication_at = max(
                current, default=group.last_replication_at
            )
            _conditions(group, scene, status, now)

    def _unhealthy(
        self, group_id: str, error: exception.ProtectorError
    ) -> None:
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.find(session, group_id)
            if group is not None:
                protection_groups.set_condition(
                    group,
                    c.Condition.REPLICATION_HEALTHY,
                    None,
                    error.reason,
                    error.message,
                    now,
                )


def _triple(held: Json) -> metadata.Triple:
    return metadata.Triple(held["epoch"], held["version"], held["checksum"])


def _sync_condition(
    session: Any, group: models.ProtectionGroup, now: datetime.datetime
) -> None:
    sync = metadata_sync.find(session, group.id)
    if sync is None:
        return
    ok = sync.remote_status == c.SyncStatus.SYNCED
    protection_groups.set_condition(
        group,
        c.Condition.METADATA_IN_SYNC,
        ok,
        "Synced" if ok else "NotSynced",
        f"Version {sync.version} here, {sync.remote_version} at the peer.",
        now,
    )


def _points_rows(
    session: Any,
    scene: Any,
    found: list[tuple[str, base.Point, int]],
) -> None:
    rows = {
        r.name: r
        for r in session.scalars(
            sa.select(models.RecoveryPoint).where(
                models.RecoveryPoint.protection_group_id == scene.group.id
            )
        )
    }
    for site_id, point, epoch in found:
        row = rows.pop(point.name, None)
        if row is None:
            row = models.RecoveryPoint(
                id=str(uuid.uuid4()),
                protection_group_id=scene.group.id,
                name=point.name,
                source_site_id=site_id,
                target_site_id=scene.other(site_id),
            )
            session.add(row)
        row.epoch = epoch
        row.created_at = point.created
        row.completed_at = point.completed
        row.progress = point.progress
        row.bytes = point.bytes
        row.members = replication.members_in(
            point, scene.settled_members, site_id
        )
    for row in rows.values():
        # aged out on the array
        session.delete(row)


def _recoverable(
    session: Any,
    scene: Any,
    found: list[tuple[str, base.Point, int]],
) -> None:
    """A member is recoverable since its first complete point of today's
    direction and epoch."""
    source = scene.group.current_primary_site_id
    complete = sorted(
        (p for s, p, e in found if s == source and p.complete),
        key=lambda p: p.created,
    )
    for member in scene.settled_members:
        wanted = {v.array_volume for v in member.volumes_at(source)}
        first = next(
            (p for p in complete if wanted and wanted <= p.volumes), None
        )
        row = session.get(models.Member, member.id)
        if row is not None and first and row.recoverable_at is None:
            row.recoverable_at = first.completed


def _conditions(
    group: models.ProtectionGroup,
    scene: Any,
    status: base.Status | None,
    now: datetime.datetime,
) -> None:
    configured = bool(status and status.group_exists and status.allowed)
    on = bool(status and status.schedule_enabled)
    healthy = configured and status.link == "connected"
    protection_groups.set_condition(
        group,
        c.Condition.REPLICATION_CONFIGURED,
        configured and on,
        "Configured" if configured and on else "NotConfigured",
        "The array group replicates on schedule."
        if configured and on
        else "The array group does not replicate on schedule.",
        now,
    )
    protection_groups.set_condition(
        group,
        c.Condition.REPLICATION_HEALTHY,
        healthy,
        "LinkConnected" if healthy else "LinkNotConnected",
        f"The link of the arrays is {status.link if status else 'unknown'}.",
        now,
    )
    last = group.last_replication_at
    age = (now - last).total_seconds() if last else None
    within = age is not None and age <= scene.settings.rpo_seconds
    protection_groups.set_condition(
        group,
        c.Condition.WITHIN_RPO,
        within if scene.settled_members else None,
        "WithinRPO" if within else "RPOViolated",
        f"The newest recovery point is {age:.0f} s old."
        if age is not None
        else "There is no complete recovery point yet.",
        now,
    )
