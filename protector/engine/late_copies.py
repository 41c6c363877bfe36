# SPDX-License-Identifier: Apache-2.0
"""Lists what additions of members left that nobody knows any more.

A site that the group left meanwhile takes over the other one's document,
which never knew a member that was only being added, and so does one whose
history is given up: the member's row goes, and the operation is all that is
left to tell of its copies.  They are found by their marks, so nothing is
deleted here.
"""

from collections.abc import Iterator
import datetime
import itertools
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import operations
from protector.engine import membership, reading, records, residue

LOG = logging.getLogger(__name__)
Json = dict[str, Any]
Op = models.Operation
# how long the other site may be away, or an engine have stood still
SPAN = datetime.timedelta(days=7)
LEFT = "made for a member that the group does not have: {}"


class LateCopies:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Look at the additions that ended without their member."""
        for ended in self._ended():
            try:
                self._look(ended)
            except exception.ProtectorError as e:
                LOG.info("Copies of operation %s: %s", ended.id, e)
            except Exception:
                LOG.exception("Copies of operation %s", ended.id)

    def _ended(self) -> list[Any]:
        """Of each id, group and args; there may be many operations."""
        with self._runtime.db.reader() as session:
            found = self._lately(session)
            known = set(session.scalars(sa.select(models.Member.id)))
        removed = {
            row.args["member_id"]
            for row in found
            if row.kind == c.Verb.MEMBER_REMOVE
            and row.status == c.OperationStatus.COMPLETED
        }
        return [
            row
            for row in found
            if row.kind == c.Verb.MEMBER_ADD
            and row.executor_site_id == self._runtime.local_site_id
            and row.args["member_id"] not in known
            and row.args["member_id"] not in removed
        ]

    def _lately(self, session: orm.Session) -> list[Any]:
        statement = sa.select(
            Op.id,
            Op.protection_group_id,
            Op.kind,
            Op.status,
            Op.executor_site_id,
            Op.args,
        ).where(
            Op.kind.in_((c.Verb.MEMBER_ADD, c.Verb.MEMBER_REMOVE)),
            Op.finished_at > self._runtime.clock.now() - SPAN,
        )
        return list(session.execute(statement))

    def _look(self, ended: Any) -> None:
        reader = reading.Reader.of(self._runtime, ended.protection_group_id)
        if reader.scene.alone:
            return
        found = [
            *_made(reader, ended.args["member_id"]),
            *_joined(reader, ended.args["instance_id"]),
        ]
        with self._runtime.db.writer() as session:
            row = operations.get(session, ended.id)
            operations.add_residue(row, found)


def _made(reader: reading.Reader, member_id: str) -> Iterator[Json]:
    """At the other site."""
    site_id = reader.scene.peer_site_id
    tenant, project = reader.tenant(site_id), reader.scene.project(site_id)
    for volume in tenant.volume.made({membership.MEMBER_MARK: member_id}):
        yield residue.entry("volume", volume.id, LEFT.format(volume.name))
    for number in itertools.count():
        ports = tenant.network.ports(
            description=records.port_mark(member_id, number),
            project_id=project,
        )
        if not ports:
            # they are made in their order
            return
        for port in ports:
            yield residue.entry("port", port.id, LEFT.format(port.name))


def _joined(reader: reading.Reader, instance_id: str) -> Iterator[Json]:
    """The server's own volumes, at this site."""
    site_id = reader.scene.local_site_id
    tenant = reader.tenant(site_id)
    group_id = str(reader.scene.side(site_id).cinder_group_id)
    protected = {
        volume.cinder_id
        for member in reader.scene.members
        for volume in member.volumes_at(site_id)
    }
    try:
        inside = set(tenant.volume.get_group(group_id).volume_ids)
        disks = tenant.compute.attachments(instance_id)
    except exception.CloudNotFound:
        return
    for disk in disks:
        if disk.volume_id in inside - protected:
            why = f"still in volume group {group_id}"
            yield residue.entry("volume", disk.volume_id, why)
