# SPDX-License-Identifier: Apache-2.0
"""What the array does by the clock: schedules, retention, eradication."""

import json
import logging
from sqlite3 import Row

from protector.sandbox.array import errors, plans
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.pgsnaps import Pgsnaps
from protector.sandbox.array.snapshots import Snapshots
from protector.sandbox.array.volumes import Volumes

LOG = logging.getLogger(__name__)

_LOOK = 0.5
_TAKEN = {
    "replicate": "UPDATE pgroups SET replicated_at = ? WHERE id = ?",
    "snap": "UPDATE pgroups SET snapped_at = ? WHERE id = ?",
}
_LAST = {"replicate": "replicated_at", "snap": "snapped_at"}


class Scheduler:
    """Looks twice a second for what is due."""

    def __init__(
        self,
        core: Core,
        volumes: Volumes,
        snapshots: Snapshots,
        pgroups: Pgroups,
        pgsnaps: Pgsnaps,
    ) -> None:
        self._core = core
        self._store = core.store
        self._volumes = volumes
        self._snapshots = snapshots
        self._pgroups = pgroups
        self._pgsnaps = pgsnaps
        self._bell = core.bell()

    def run(self) -> None:
        """Do what is due until the array stops."""
        while not self._core.stopping.is_set():
            self._bell.clear()
            self.look()
            self._bell.wait(_LOOK)

    def look(self) -> None:
        """Do all that is due now."""
        for row in self._store.all(
            "SELECT * FROM pgroups WHERE destroyed IS NULL"
        ):
            if not row["origin"]:
                self._take_due(row)
            self._retain(row)
        self._eradicate()

    def _take_due(self, row: Row) -> None:
        schedule = json.loads(row["schedule"])
        for kind in ("replicate", "snap"):
            now = self._core.clock.now()
            if plans.due(schedule, kind, row[_LAST[kind]], now):
                self._take(row, kind, now)

    def _take(self, row: Row, kind: str, now: float) -> None:
        """Take a scheduled snapshot, unless the last is still on its way."""
        replicate = kind == "replicate"
        if replicate and not self._can_replicate(row):
            return
        try:
            with self._store.transaction():
                self._pgsnaps.create(
                    row["name"],
                    ages=True,
                    replicate="queue" if replicate else None,
                )
                self._store.run(_TAKEN[kind], now, row["id"])
        except errors.ArrayError as error:
            LOG.info("No snapshot of %s: %s", row["name"], error.msg)

    def _can_replicate(self, row: Row) -> bool:
        allowed = any(t["allowed"] for t in self._pgroups.targets(row))
        return allowed and not self._pgsnaps.sending(row["id"])

    def _retain(self, row: Row) -> None:
        """Let retention take the snapshots that it applies to."""
        prefix = "target_" if row["origin"] else ""
        retention = json.loads(row["retention"])
        keep = (
            retention[f"{prefix}all_for"],
            retention[f"{prefix}per_day"],
            retention[f"{prefix}days"],
        )
        with self._store.transaction():
            taken = self._ageing(row)
            for number in plans.expired(taken, self._core.clock.now(), keep):
                self._pgsnaps.remove(number)

    def _ageing(self, row: Row) -> list[tuple[int, float]]:
        """Return (id, time taken) of what may be let go."""
        snapshots = [
            snapshot
            for snapshot in self._store.all(
                "SELECT * FROM pgsnaps p WHERE p.pgroup_id = ? AND p.ages"
                " AND p.destroyed IS NULL AND NOT EXISTS (SELECT 1"
                " FROM sends t WHERE t.pgsnap_id = p.id"
                " AND t.state IN ('queued', 'running')) ORDER BY p.created",
                row["id"],
            )
            if not row["origin"] or snapshot["completed"] is not None
        ]
        spare = self._core.tuning.knobs.keep_newest_replica
        if row["origin"] and spare:
            snapshots = snapshots[:-1]
        return [
            (snapshot["id"], snapshot["created"]) for snapshot in snapshots
        ]

    def _eradicate(self) -> None:
        """Remove what has been destroyed for long enough."""
        delay = self._core.tuning.knobs.eradication_delay
        limit = self._core.clock.now() - delay
        with self._store.transaction():
            for row in self._store.all(
                "SELECT * FROM volumes WHERE destroyed <= ?", limit
            ):
                self._volumes.remove(row)
            for row in self._store.all(
                "SELECT * FROM snapshots WHERE destroyed <= ?", limit
            ):
                self._snapshots.remove(row)
            for row in self._store.all(
                "SELECT * FROM pgsnaps WHERE destroyed <= ?", limit
            ):
                self._pgsnaps.remove(row["id"])
            for row in self._store.all(
                "SELECT * FROM pgroups WHERE destroyed <= ?", limit
            ):
                self._pgsnaps.remove_group(row["id"])
