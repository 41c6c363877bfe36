# SPDX-License-Identifier: Apache-2.0
"""Shows the operations that run here at the peer site too, best effort.

The peer's rows are read-only copies; nothing depends on them.
"""

from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa
from sqlalchemy import orm

from protector import exception
from protector.db import models
from protector.db.api import mirrors, operations, protection_groups
from protector.engine import access

LOG = logging.getLogger(__name__)


class Mirror:
    """Remembers what it told; a restart tells it once more."""

    def __init__(self, runtime: Any, site_id: str) -> None:
        self._runtime = runtime
        self._site_id = site_id
        self._told: dict[str, int] = {}

    def run(self) -> None:
        """Tell what changed since the last time; a peer that does not
        answer is not asked again in this round."""
        away: set[str] = set()
        for operation_id, version in self._changed():
            try:
                self._tell(operation_id, away)
            except exception.NotFound as e:
                # the group is gone, here or there: nobody asks for it
                LOG.debug("Operation %s not mirrored: %s", operation_id, e)
            except exception.ProtectorError as e:
                LOG.debug("Operation %s not mirrored: %s", operation_id, e)
                continue
            except Exception:
                LOG.exception("Operation %s not mirrored", operation_id)
                continue
            self._told[operation_id] = version

    def _changed(self) -> list[tuple[str, int]]:
        op = models.Operation
        statement = (
            sa.select(op.id, op.mirror_version)
            .where(
                op.executor_site_id == self._site_id,
                op.mirror_version > 0,
            )
            .order_by(op.created_at.desc())
            .limit(100)
        )
        with self._runtime.db.reader() as session:
            rows = session.execute(statement).all()
        return [(i, v) for i, v in rows if self._told.get(i) != v]

    def _tell(self, operation_id: str, away: set[str]) -> None:
        """:param away: ids of the sites known not to answer."""
        with self._runtime.db.reader() as session:
            row = operations.get(session, operation_id)
            peer = _peer(session, row.protection_group_id)
            body = mirrors.describe(row)
        if peer.id in away:
            raise exception.PeerUnreachable("It did not answer just now.")
        site = access.clients(self._runtime, peer)
        try:
            site.peer.mirror(operation_id, body)
        except exception.PeerUnreachable:
            away.add(peer.id)
            raise


def _peer(session: orm.Session, group_id: str) -> models.Site:
    """The other site of a group or of its tombstone.

    :raises NotFound: there is no such group.
    """
    site, group = models.Site, models.ProtectionGroup
    statement = sa.select(site).join(
        group, site.id.in_((group.primary_site_id, group.secondary_site_id))
    )
    found = session.scalars(
        statement.where(group.id == group_id, site.is_local.is_(False))
    ).one_or_none()
    if found is None:
        raise protection_groups.unknown(group_id)
    return found
