# SPDX-License-Identifier: Apache-2.0
"""Frees servers that late calls of stopped engines locked or stopped.

An engine that was paused right before such a call makes it when it goes on,
though its operation has long ended and the group runs here again; and a site
that was declared lost may have fenced what it never took.  Only what runs
here by all that is known is freed; what is parked is left alone.
"""

import datetime
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import adoption, fencing, quarantine, releasing

LOG = logging.getLogger(__name__)
Group = models.ProtectionGroup
Op = models.Operation
# how long an engine may have stood still
SPAN = datetime.timedelta(days=1)


class LateLocks:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Look at the groups that rest here and lately moved, or lost their
        other site."""
        for group_id in self._groups():
            try:
                self._group(group_id)
            except exception.ProtectorError as e:
                LOG.info("Locks of group %s: %s", group_id, e)
            except Exception:
                LOG.exception("Locks of group %s", group_id)

    def _groups(self) -> list[str]:
        moved = sa.select(Op.protection_group_id).where(
            Op.kind.in_(c.PLACEMENT_VERBS),
            Op.finished_at > self._runtime.clock.now() - SPAN,
        )
        held = sa.select(models.SourceLock.protection_group_id)
        statement = sa.select(Group).where(
            Group.deleted == "",
            Group.operation_id.is_(None),
            Group.current_primary_site_id == self._runtime.local_site_id,
            Group.id.not_in(held),
        )
        with self._runtime.db.reader() as session:
            lately = set(session.scalars(moved))
            return [
                group.id
                for group in session.scalars(statement)
                if (group.id in lately or _alone(group))
                and not quarantine.overtaken(session, group)
            ]

    def _group(self, group_id: str) -> None:
        reader = releasing.WritingReader.of(self._runtime, group_id)
        here = reader.scene.local_site_id
        late = {
            server_id: operation_id
            for server_id, operation_id in _locked(reader, here).items()
            if self._is_over(reader.scene.group, operation_id)
        }
        if not late:
            return
        if not reader.scene.alone:
            # the other site may have taken the group without this one
            adoption.require_newest(reader)
        for server_id, operation_id in late.items():
            LOG.warning(
                "Server %s was locked late by operation %s and is freed",
                server_id,
                operation_id,
            )
            releasing.bring_back(reader, here, server_id, operation_id)

    def _is_over(self, group: Group, operation_id: str) -> bool:
        """Whether an operation has ended without taking the group, or in an
        epoch before this one."""
        with self._runtime.db.reader() as session:
            row = session.get(Op, operation_id)
        if row is None:
            # the lost site's, which told nothing of it
            return _alone(group)
        if row.status in c.UNFINISHED:
            return False
        epoch = (row.result or {}).get("epoch") or row.data.get("epoch")
        over = not row.no_return or bool(epoch and epoch < group.epoch)
        return over or _alone(group)


def _alone(group: Group) -> bool:
    return protection_groups.holds(group, c.Condition.UNPROTECTED)


def _locked(reader: Any, site_id: str) -> dict[str, str]:
    """Operations by the servers of the group that they hold."""
    compute = reader.tenant(site_id).compute
    found = {}
    for member in reader.scene.settled_members:
        copy = member.copy(site_id)
        if copy is None or copy.role != c.CopyRole.LIVE:
            continue
        try:
            server = compute.get_server(copy.server_id)
        except exception.CloudNotFound:
            continue
        ours = fencing.parse(server.locked_reason) if server.locked else None
        if ours is not None:
            found[server.id] = ours[0]
    return found
