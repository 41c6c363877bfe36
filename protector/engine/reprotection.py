# SPDX-License-Identifier: Apache-2.0
"""Asks for reprotection of groups that run here and do not replicate.

What an optional step could not do is done by an operation like any other:
with the group's slot, a lease and records.
"""

from collections.abc import Callable
import datetime
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import metadata_sync, operations, protection_groups
from protector.engine import adoption, reading, replication

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup
# between two of them for one group
PAUSE = datetime.timedelta(minutes=10)


class Reprotection:
    """:param ring: tells the engine of a new operation."""

    def __init__(self, runtime: Any, ring: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._ring = ring

    def run(self) -> None:
        """Start what is due."""
        with self._runtime.db.reader() as session:
            groups = session.scalars(
                sa.select(Group).where(
                    Group.deleted == "",
                    Group.operation_id.is_(None),
                    Group.current_primary_site_id
                    == self._runtime.local_site_id,
                )
            )
            due = [g.id for g in groups if self._is_due(session, g)]
        for group_id in due:
            try:
                self._start(group_id)
            except exception.ProtectorError as e:
                LOG.info("Group %s is not reprotected: %s", group_id, e)
            except Exception:
                LOG.exception("Group %s is not reprotected", group_id)

    def _is_due(self, session: orm.Session, group: Group) -> bool:
        if not _lacks(group):
            return False
        if protection_groups.refusal(group, c.Verb.REPROTECT) is not None:
            return False
        last = self._last(session, group, c.Verb.REPROTECT)
        if last is None or self._runtime.clock.now() - last >= PAUSE:
            return True
        moved = self._last(session, group, *c.PLACEMENT_VERBS)
        # what was tried in another epoch says nothing about this one
        return moved is not None and moved > last

    def _last(
        self, session: orm.Session, group: Group, *verbs: c.Verb
    ) -> datetime.datetime | None:
        """When such an operation was accepted here: nor does what a lost
        site still tried say anything."""
        return session.scalar(
            sa.select(sa.func.max(models.Operation.created_at)).where(
                models.Operation.protection_group_id == group.id,
                models.Operation.kind.in_(verbs),
                models.Operation.executor_site_id
                == self._runtime.local_site_id,
            )
        )

    def _start(self, group_id: str) -> None:
        """:raises ProtectorError: it would fail now, or somebody was
        faster."""
        reader = reading.Reader.of(self._runtime, group_id)
        if _replicates(reader):
            # what was seen is older than the last operation
            return
        adoption.require_newest(reader)
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            metadata_sync.require_in_sync(session, group)
            if not self._is_due(session, group):
                return
            operation = operations.accept(
                session, now, group, c.Verb.REPROTECT, self._values(group)
            )
            operation_id = operation.id
        LOG.info("Group %s is reprotected", group_id)
        self._ring(operation_id)

    def _values(self, group: Group) -> dict[str, Any]:
        here = self._runtime.local_site_id
        sites = {group.primary_site_id, group.secondary_site_id}
        return {
            "origin_site_id": here,
            "executor_site_id": here,
            "source_site_id": here,
            "target_site_id": (sites - {here}).pop(),
        }


def _replicates(reader: reading.Reader) -> bool:
    """Whether the arrays say so now.

    :raises ArrayError: one of them would not take part.
    """
    scene = reader.scene
    for site_id in (scene.local_site_id, scene.peer_site_id):
        reader.driver.check(reader.array(site_id))
    if not scene.side(scene.local_site_id).array_group:
        return False
    status = reader.driver.status(reader.direction(scene.local_site_id))
    on = status.group_exists and status.allowed and status.schedule_enabled
    return on and _has_begun(reader)


def _has_begun(reader: reading.Reader) -> bool:
    """Whether a point of the group's epoch is there, or under way, if there
    is anything to send: what a schedule sends belongs to the epoch of the
    point on demand before it."""
    scene = reader.scene
    here = scene.local_site_id
    if not replication.array_volumes(scene.settled_members, here):
        return True
    points = reader.driver.list_points(reader.direction(here))
    known = replication.epochs(points, reader.known_epochs())
    return scene.group.epoch in known.values()


def _lacks(group: Group) -> bool:
    """Whether it was seen not to replicate, or not in its epoch."""
    configured = group.conditions.get(c.Condition.REPLICATION_CONFIGURED)
    points = group.conditions.get(c.Condition.WITHIN_RPO)
    return bool(
        (configured and configured["status"] is False)
        or (points and points["reason"] == "NoRecoveryPoint")
    )
