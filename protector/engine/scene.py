# SPDX-License-Identifier: Apache-2.0
"""A group with all that hangs on it, read in one transaction.

What steps and checks look at.  The rows are detached: changing them changes
nothing.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models
from protector.db.api import metadata_sync, protection_groups
from protector.storage import base


@dataclasses.dataclass(frozen=True)
class Settings:
    """The policy of a group, or the defaults in its place."""

    schedule: base.Schedule
    rpo_seconds: int
    prestage: bool
    undo_retention_days: int
    pure_pg_name: str | None


@dataclasses.dataclass(frozen=True)
class Scene:
    group: models.ProtectionGroup
    consistency_group: models.ConsistencyGroup
    members: Sequence[models.Member]
    settings: Settings
    mappings: dict[str, Any]
    sites: dict[str, models.Site]
    local_site_id: str
    # None: there is no document yet
    sync: metadata_sync.State | None = None
    drill: models.Drill | None = None

    @property
    def peer_site_id(self) -> str:
        return self.other(self.local_site_id)

    @property
    def alone(self) -> bool:
        """Whether the other site was declared lost."""
        return protection_groups.holds(self.group, c.Condition.UNPROTECTED)

    @property
    def site_ids(self) -> tuple[str, ...]:
        """The group's sites that there are, this one first."""
        if self.alone:
            return (self.local_site_id,)
        return (self.local_site_id, self.peer_site_id)

    def other(self, site_id: str) -> str:
        """The group's other site."""
        group = self.group
        if site_id == group.primary_site_id:
            return group.secondary_site_id
        return group.primary_site_id

    def project(self, site_id: str) -> str:
        """The group's project at a site."""
        if site_id == self.group.primary_site_id:
            return self.group.primary_project_id
        return self.group.secondary_project_id

    def side(self, site_id: str) -> models.ConsistencyGroupSide:
        return self.consistency_group.side(site_id)

    def member(self, member_id: str) -> models.Member:
        return next(m for m in self.members if m.id == member_id)

    @property
    def settled_members(self) -> list[models.Member]:
        """Those whose volumes are in the group."""
        return [m for m in self.members if m.status not in c.MEMBER_UNSETTLED]

    def movable(self, source: str) -> list[models.Member]:
        """Settled members that have their server where a move begins; one
        that an unplanned move left out never came there."""
        return [
            m
            for m in self.settled_members
            for copy in [m.copy(source)]
            if copy and copy.server_id and copy.role != c.CopyRole.GONE
        ]


def load(session: orm.Session, conf: Any, group_id: str) -> Scene:
    """The scene of a group or of its tombstone.

    :raises NotFound: there is no such group.
    """
    group_row, cg = models.ProtectionGroup, models.ConsistencyGroup
    policy, mapping = models.ReplicationPolicy, models.ResourceMapping
    drills = models.Drill
    found = session.execute(
        sa.select(group_row, cg, policy, mapping, drills)
        .outerjoin(cg, cg.protection_group_id == group_row.id)
        .outerjoin(policy, policy.protection_group_id == group_row.id)
        .outerjoin(mapping, mapping.protection_group_id == group_row.id)
        .outerjoin(drills, drills.protection_group_id == group_row.id)
        .where(group_row.id == group_id)
    ).one_or_none()
    if found is None:
        raise protection_groups.unknown(group_id)
    members = session.scalars(
        sa.select(models.Member)
        .where(models.Member.protection_group_id == group_id)
        .order_by(models.Member.created_at, models.Member.id)
    ).all()
    sites = {s.id: s for s in session.scalars(sa.select(models.Site))}
    group, consistency_group, kept, mapped, drill = found
    return Scene(
        group=group,
        consistency_group=consistency_group,
        members=members,
        settings=_settings(conf, kept),
        mappings=mapped.mappings if mapped else {},
        sites=sites,
        local_site_id=next(s.id for s in sites.values() if s.is_local),
        sync=metadata_sync.states(session, [group_id]).get(group_id),
        drill=drill,
    )


def settings(session: orm.Session, conf: Any, group_id: str) -> Settings:
    """The group's policy, or what holds without one."""
    policy = session.scalars(
        sa.select(models.ReplicationPolicy).where(
            models.ReplicationPolicy.protection_group_id == group_id
        )
    ).one_or_none()
    return _settings(conf, policy)


def _settings(conf: Any, policy: models.ReplicationPolicy | None) -> Settings:
    if policy is None:
        o = conf.replication
        return Settings(
            schedule=_schedule(
                o.interval_minutes,
                o.retention_all_for_hours,
                o.retention_per_day,
                o.retention_days,
            ),
            rpo_seconds=o.rpo_minutes * 60,
            prestage=True,
            undo_retention_days=o.undo_retention_days,
            pure_pg_name=None,
        )
    kept = policy.retention
    return Settings(
        schedule=_schedule(
            policy.replication_interval_minutes,
            kept["all_for_hours"],
            kept["per_day"],
            kept["days"],
        ),
        rpo_seconds=policy.rpo_minutes * 60,
        prestage=policy.prestage,
        undo_retention_days=policy.undo_retention_days,
        pure_pg_name=policy.pure_pg_name,
    )


def _schedule(
    minutes: int, all_for_hours: int, per_day: int, days: int
) -> base.Schedule:
    return base.Schedule(
        interval=minutes * 60,
        all_for=all_for_hours * 3600,
        per_day=per_day,
        days=days,
    )
