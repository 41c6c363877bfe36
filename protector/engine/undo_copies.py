# SPDX-License-Identifier: Apache-2.0
"""Removes undo copies when their retention is over.

Only those of operations that ran here, on the array of this site; each is
known by its name and by the operation that the name tells.
"""

import datetime
import re
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.db.api import protection_groups
from protector.engine import reading

LOG = logging.getLogger(__name__)
# the run name of an operation, see ``context.StepContext.run_name``
_UNDO = re.compile(r".+\.undo-([0-9a-f]{8})-\d+")


def _always() -> None:
    """No lease: what is removed belongs to operations that have ended."""


class UndoCopies:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Remove what is over in all groups."""
        with self._runtime.db.reader() as session:
            ids = protection_groups.alive_ids(session)
        for group_id in ids:
            try:
                self._clean(group_id)
            except exception.ProtectorError as e:
                LOG.info("Undo copies of group %s: %s", group_id, e)
            except Exception:
                LOG.exception("Undo copies of group %s", group_id)

    def _clean(self, group_id: str) -> None:
        ended = self._ended(group_id)
        if not ended:
            return
        reader = reading.Reader.of(self._runtime, group_id)
        here = reader.scene.local_site_id
        group = reader.scene.side(here).array_group
        if not group:
            return
        array = reader.array(here)
        driver = self._runtime.storage.driver(_always)
        oldest = self._runtime.clock.now() - datetime.timedelta(
            days=reader.scene.settings.undo_retention_days
        )
        for name, created in driver.list_snapshots(array, group).items():
            match = _UNDO.fullmatch(name)
            if match and match.group(1) in ended and created <= oldest:
                LOG.info("Undo copy %s is over", name)
                driver.destroy_snapshot(array, name)

    def _ended(self, group_id: str) -> set[str]:
        """Short ids of the moves that arrived here and have ended."""
        here = self._runtime.local_site_id
        op = models.Operation
        statement = sa.select(op.id).where(
            op.protection_group_id == group_id,
            op.kind.in_(c.PLACEMENT_VERBS),
            op.executor_site_id == here,
            op.target_site_id == here,
            op.status.not_in(c.UNFINISHED),
        )
        with self._runtime.db.reader() as session:
            return {i[:8] for i in session.scalars(statement)}
