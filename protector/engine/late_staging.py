# SPDX-License-Identifier: Apache-2.0
"""Destroys what late calls of stopped engines staged at this site.

An engine that was paused right before such a call makes it when it goes on,
though another one has long brought the operation to its end and removed the
staging volumes.  Nobody copies from those, but they would stay.
"""

import datetime
from typing import Any

from oslo_log import log as logging
import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.db import models
from protector.engine import arrival, reading

LOG = logging.getLogger(__name__)
# how long an engine may have stood still
SPAN = datetime.timedelta(days=1)


def _always() -> None:
    """No lease: what is removed belongs to operations that have ended."""


class LateStaging:
    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime

    def run(self) -> None:
        """Look at the operations that more than one engine has run."""
        for operation_id, group_id in self._adopted():
            try:
                self._clean(operation_id, group_id)
            except exception.ProtectorError as e:
                LOG.info("Staging of operation %s: %s", operation_id, e)
            except Exception:
                LOG.exception("Staging of operation %s", operation_id)

    def _adopted(self) -> list[tuple[str, str]]:
        here = self._runtime.local_site_id
        op = models.Operation
        statement = sa.select(op).where(
            op.executor_site_id == here,
            op.target_site_id == here,
            op.status.not_in(c.UNFINISHED),
            op.generation > 1,
            op.finished_at > self._runtime.clock.now() - SPAN,
        )
        with self._runtime.db.reader() as session:
            return [
                (row.id, row.protection_group_id)
                for row in session.scalars(statement)
                if "staged" in row.data
            ]

    def _clean(self, operation_id: str, group_id: str) -> None:
        reader = reading.Reader.of(self._runtime, group_id)
        array = reader.array(reader.scene.local_site_id)
        driver = self._runtime.storage.driver(_always)
        prefix = arrival.staging_prefix(operation_id)
        for name in driver.destroy_volumes(array, prefix):
            LOG.warning("Staging volume %s came late and is destroyed", name)
