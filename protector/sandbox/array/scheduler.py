# SPDX-License-Identifier: Apache-2.0
"""What the array does by the clock: schedules, retention, eradication."""

from collections.abc import Callable
import contextlib
import json
import logging
from sqlite3 import Row

from protector.sandbox.array import errors, plans
from protector.sandbox.array.core import Core
from protector.sandbox.array.pgroups import Pgroups
from protector.sandbox.array.pgsnaps import Pgsnaps
from protector.sandbox.array.podadmin import PodAdmin
from protector.sandbox.array.snapshots import Snapshots
from protector.sandbox.array.stretch import Stretch
from protector.sandbox.array.volumes import Volumes

LOG = logging.getLogger(__name__)

_LOOK = 0.5
_TAKEN = {
    "replicate": "UPDATE pgroups SET replicated_at = ? WHERE id = ?",
    "snap": "UPDATE pgroups SET snapped_at = ? WHERE id = ?",
}
_LAST = {"replicate": "replicated_at", "snap": "snapped_at"}
_GONE_VOLUMES = "SELECT *, name AS holder FROM volumes WHERE destroyed <= ?"
_GONE_SNAPSHOTS = (
    "SELECT s.*, v.name AS holder FROM snapshots s"
    " JOIN volumes v ON v.id = s.volume_id WHERE s.destroyed <= ?"
)
_GONE_PGSNAPS = (
    "SELECT p.*, g.name AS holder FROM pgsnaps p"
    " JOIN pgroups g ON g.id = p.pgroup_id WHERE p.destroyed <= ?"
)
_GONE_PGROUPS = "SELECT *, name AS holder FROM pgroups WHERE destroyed <= ?"


class Scheduler:
    """Looks twice a second for what is due."""

    def __init__(
        self,
        core: Core,
        volumes: Volumes,
        snapshots: Snapshots,
        pgroups: Pgroups,
        pgsnaps: Pgsnaps,
        stretch: Stretch,
        podadmin: PodAdmin,
    ) -> None:
        self._core = core
        self._store = core.store
        self._volumes = volumes
        self._snapshots = snapshots
        self._pgroups = pgroups
        self._pgsnaps = pgsnaps
        self._stretch = stretch
        self._podadmin = podadmin
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
            if self._due(row) or self._expired(row):
                with contextlib.suppress(errors.ArrayError):
                    self._tend(row["id"], row["name"])
        self._eradicate()

    def _tend(self, number: int, name: str) -> None:
        """Take and let go, unless the other array of a pod has done it."""
        with self._stretch.changing([name]):
            row = self._store.one("SELECT * FROM pgroups WHERE id = ?", number)
            if row is None or row["destroyed"] is not None:
                return
            for kind in self._due(row):
                self._take(row, kind, self._core.clock.now())
            with self._store.transaction():
                for expired in self._expired(row):
                    self._pgsnaps.remove(expired)

    def _due(self, row: Row) -> list[str]:
        """Return which of a group's snapshots are to be taken."""
        if row["origin"]:
            return []
        schedule, now = json.loads(row["schedule"]), self._core.clock.now()
        return [
            kind
            for kind, last in _LAST.items()
            if plans.due(schedule, kind, row[last], now)
        ]

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

    def _expired(self, row: Row) -> set[int]:
        """Return the snapshots that retention lets go."""
        prefix = "target_" if row["origin"] else ""
        retention = json.loads(row["retention"])
        keep = (
            retention[f"{prefix}all_for"],
            retention[f"{prefix}per_day"],
            retention[f"{prefix}days"],
        )
        return plans.expired(self._ageing(row), self._core.clock.now(), keep)

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
        removals: list[tuple[str, Callable[[Row], None]]] = [
            (_GONE_VOLUMES, self._volumes.remove),
            (_GONE_SNAPSHOTS, self._snapshots.remove),
            (_GONE_PGSNAPS, lambda row: self._pgsnaps.remove(row["id"])),
            (_GONE_PGROUPS, lambda row: self._pgsnaps.remove_group(row["id"])),
        ]
        for gone, remove in removals:
            for row in self._store.all(gone, limit):
                with (
                    contextlib.suppress(errors.ArrayError),
                    self._stretch.changing([row["holder"]]),
                    self._store.transaction(),
                ):
                    remove(row)
        self._podadmin.eradicate_before(limit)
