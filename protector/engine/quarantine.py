# SPDX-License-Identifier: Apache-2.0
"""Locks and stops servers of a group that was failed over without this site.

They are copies of an older epoch, and must not run beside those of the newer
one.  Nothing is deleted, and what is parked is left alone.
"""

from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import conditions, fencing, power, releasing
from protector.engine import scene as scenes

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup


class Quarantine:
    """Call ``run`` often: it repeats what was not observed yet."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        for group_id in self._groups():
            try:
                self._group(group_id)
            except exception.ProtectorError as e:
                LOG.info("Group %s is not fenced here: %s", group_id, e)
            except Exception:
                LOG.exception("Group %s could not be fenced here", group_id)

    def _groups(self) -> list[str]:
        """Those that run elsewhere, are not known to be fenced here, and are
        not about to come back."""
        statement = sa.select(Group).where(
            Group.deleted == "",
            Group.operation_id.is_(None),
            Group.current_primary_site_id != self._runtime.local_site_id,
        )
        with self._runtime.db.reader() as session:
            return [g.id for g in session.scalars(statement) if not _fenced(g)]

    def _group(self, group_id: str) -> None:
        reader = releasing.WritingReader.of(self._runtime, group_id)
        found = stale(reader.scene)
        if not found:
            return
        left = [
            member.instance_name
            for member, server_id in found
            if not _fence(reader, server_id)
        ]
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            conditions.fenced(group, left, now)


def _fenced(group: Group) -> bool:
    found = group.conditions.get(c.Condition.SOURCE_FENCED)
    return found is not None and found["status"] is True


def stale(scene: scenes.Scene) -> list[tuple[models.Member, str]]:
    """Members that run at the other site and were never parked here, with
    their servers here."""
    here, there = scene.local_site_id, scene.peer_site_id
    found = []
    for member in scene.settled_members:
        mine, theirs = member.copy(here), member.copy(there)
        if (
            mine is not None
            and theirs is not None
            and mine.server_id
            and mine.role == theirs.role == c.CopyRole.LIVE
        ):
            found.append((member, mine.server_id))
    return found


def _fence(reader: Any, server_id: str) -> bool:
    """Ask for what is missing; whether the server is seen to be down."""
    site_id = reader.scene.local_site_id
    try:
        compute = reader.tenant(site_id).compute
        server = compute.get_server(server_id)
        if server.task_state:
            return False
        if server.status in (power.PARKED, power.SHELVED):
            return True
        if not fencing.is_ours(server):
            claim = reader.scene.group.claim or {}
            reason = fencing.reason(
                claim.get("operation_id", reader.scene.group.id),
                server.status,
            )
            reader.site(site_id).service.compute.lock(server_id, reason)
        if server.status == power.STOPPED:
            return True
        compute.stop(server_id)
    except exception.CloudNotFound:
        return True
    except exception.ProtectorError as e:
        LOG.warning("Server %s is not fenced yet: %s", server_id, e)
    return False
