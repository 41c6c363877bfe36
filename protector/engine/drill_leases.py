# SPDX-License-Identifier: Apache-2.0
"""Ends drills whose lease has run out, or that were given up half made.

By the same operation that a user would ask for; what fails is tried again
after a while.
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
from protector.db.api import drills, operations, protection_groups

LOG = logging.getLogger(__name__)
# between two attempts
PAUSE = datetime.timedelta(minutes=5)


class DrillLeases:
    """:param ring: called with the id of each operation that was made."""

    def __init__(self, runtime: Any, ring: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._ring = ring

    def run(self) -> None:
        """Look at all drills of this site."""
        now = self._runtime.clock.now()
        with self._runtime.db.reader() as session:
            here = self._runtime.local_site_id
            due = [
                group_id
                for group_id in drills.expired(session, here, now)
                if not _tried(session, group_id, now - PAUSE)
            ]
        for group_id in due:
            try:
                operation_id = clean(self._runtime, group_id)
            except exception.ProtectorError as e:
                # somebody came first
                LOG.info("Drill of group %s: %s", group_id, e)
                continue
            self._ring(operation_id)


def clean(runtime: Any, group_id: str) -> str:
    """Start the cleanup of a group's drill here; its operation.

    :raises InvalidStatus: there is nothing to clean, or somebody does.
    """
    here = runtime.local_site_id
    with runtime.db.writer() as session:
        group = protection_groups.lock(session, group_id)
        ends = {group.primary_site_id, group.secondary_site_id}
        operation = operations.accept(
            session,
            runtime.clock.now(),
            group,
            c.Verb.TEST_CLEANUP,
            {
                "origin_site_id": here,
                "executor_site_id": here,
                "source_site_id": (ends - {here}).pop(),
                "target_site_id": here,
            },
        )
        LOG.info("Drill of group %s is cleaned up", group.name)
        return operation.id


def _tried(
    session: orm.Session, group_id: str, since: datetime.datetime
) -> bool:
    """Whether a cleanup has failed a moment ago."""
    op = models.Operation
    statement = sa.select(op.id).where(
        op.protection_group_id == group_id,
        op.kind == c.Verb.TEST_CLEANUP,
        op.status == c.OperationStatus.FAILED,
        op.finished_at > since,
    )
    return session.scalars(statement).first() is not None
