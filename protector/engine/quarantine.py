# SPDX-License-Identifier: Apache-2.0
"""Locks and stops servers of a group that was failed over without this site,
whether its newer history was taken over here or not; each until it is seen to
be down, and then no more.

They are copies of an older epoch, and must not run beside those of the newer
one.  Nothing is deleted, and what is parked is left alone.
"""

from collections.abc import Collection
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import histories, protection_groups
from protector.engine import conditions, fencing, power, releasing
from protector.engine import scene as scenes

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup
Sync = models.MetadataSync


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
        here, copy = self._runtime.local_site_id, models.MemberCopy
        # of what waits at this site nothing is live: do not even load it
        live = (
            sa.select(copy.member_id)
            .join(models.Member, models.Member.id == copy.member_id)
            .where(
                models.Member.protection_group_id == Group.id,
                copy.site_id == here,
                copy.role == c.CopyRole.LIVE,
            )
        )
        statement = (
            sa.select(Group, Sync.other)
            .outerjoin(Sync, Sync.protection_group_id == Group.id)
            .where(
                Group.deleted == "",
                Group.operation_id.is_(None),
                live.exists(),
            )
        )
        with self._runtime.db.reader() as session:
            return [
                group.id
                for group, other in session.execute(statement)
                if not _fenced(group)
                and (
                    group.current_primary_site_id != here
                    or _overtaken(group, other)
                )
            ]

    def _group(self, group_id: str) -> None:
        reader = releasing.WritingReader.of(self._runtime, group_id)
        with self._runtime.db.reader() as session:
            running = overtaken(session, reader.scene.group)
        here = reader.scene.local_site_id
        found = stale(reader.scene, here, running)
        if not found:
            return
        seen = protection_groups.fenced_members(reader.scene.group)
        down = {
            member.id
            for member, server_id in found
            if member.id in seen or fence(reader, here, server_id)
        }
        left = [m.instance_name for m, _ in found if m.id not in down]
        now = self._runtime.clock.now()
        with self._runtime.db.writer() as session:
            group = protection_groups.lock(session, group_id)
            conditions.fenced(group, left, now)
            protection_groups.note_fenced(group, down)


def _fenced(group: Group) -> bool:
    """What is parked or was fenced, and runs again, is not for this to stop;
    all else was."""
    found = group.conditions.get(c.Condition.SOURCE_FENCED)
    return found is not None and (
        found["status"] is True
        or found["reason"] == c.Finding.PARKED_SERVER_RUNS
    )


def overtaken(session: orm.Session, group: Group) -> list[str]:
    """Ids of the members that run at the other site in a newer epoch that
    was not taken over here."""
    statement = sa.select(Sync.other).where(
        Sync.protection_group_id == group.id
    )
    return _overtaken(group, session.scalar(statement))


def _overtaken(group: Group, other: dict[str, Any] | None) -> list[str]:
    if not other:
        return []
    if not (histories.is_split(group) or other.get("tombstone")):
        return []
    newer = (other["epoch"] or 0) > group.epoch
    return list(other["running"]) if newer else []


def stale(
    scene: scenes.Scene, site_id: str, running: Collection[str] = ()
) -> list[tuple[models.Member, str]]:
    """Members that run at the other site and were never parked at this one,
    with their servers at this one.

    :param running: those that do so by what the other site says.
    """
    there = scene.other(site_id)
    found = []
    for member in scene.settled_members:
        mine, theirs = member.copy(site_id), member.copy(there)
        runs_there = member.id in running or (
            theirs is not None and theirs.role == c.CopyRole.LIVE
        )
        if (
            runs_there
            and mine is not None
            and mine.server_id
            and mine.role == c.CopyRole.LIVE
        ):
            found.append((member, mine.server_id))
    return found


def fence(reader: Any, site_id: str, server_id: str) -> bool:
    """Ask for what is missing; whether the server is seen to be down.

    :param reader: whose clients may change the site.
    """
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
