# SPDX-License-Identifier: Apache-2.0
"""Protection groups: members, targets, schedule, retention, life and death.

A group of this array has ``origin`` ""; one that another array replicates to
this one has that array's name there and is called ``array:group``. Taking,
sending and ageing snapshots are other modules' jobs.
"""

import json
from sqlite3 import Row
from typing import Any
import uuid

from protector.sandbox.array import errors, names, plans, safemode
from protector.sandbox.array.core import Core
from protector.sandbox.array.hosts import Hosts
from protector.sandbox.array.pods import Pods
from protector.sandbox.array.volumes import Volumes

KIND = "Protection group"
_INSERT = (
    "INSERT INTO pgroups (uid, pod_id, name, changed, schedule, retention)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)
_VOLUMES = (
    "SELECT v.* FROM pgroup_volumes m JOIN volumes v ON v.id = m.volume_id"
    " WHERE m.pgroup_id = ? AND v.destroyed IS NULL ORDER BY v.name"
)
_HOSTS = (
    "SELECT h.* FROM pgroup_hosts m JOIN hosts h ON h.id = m.host_id"
    " WHERE m.pgroup_id = ? ORDER BY h.name"
)
_HOST_VOLUMES = (
    "SELECT DISTINCT v.* FROM pgroup_hosts m"
    " JOIN connections c ON c.host_id = m.host_id"
    " JOIN volumes v ON v.id = c.volume_id"
    " WHERE m.pgroup_id = ? ORDER BY v.name"
)
_TARGETS = (
    "SELECT * FROM pgroup_targets WHERE pgroup_id = ? AND NOT removed"
    " ORDER BY array"
)


class Pgroups:
    """The protection groups of one array. Every method is a transaction."""

    def __init__(
        self, core: Core, volumes: Volumes, hosts: Hosts, pods: Pods
    ) -> None:
        self._pods = pods
        self._core = core
        self._store = core.store
        self._volumes = volumes
        self._hosts = hosts

    def find(self, name: str) -> Row | None:
        """Return a group by its (qualified) name, or None."""
        parsed = names.parse_group(name)
        if parsed.suffix is not None:
            return None
        return self._store.one(
            "SELECT * FROM pgroups WHERE origin = ? AND name = ?",
            parsed.origin,
            parsed.group,
        )

    def show(self, name: str, pending: bool = False) -> Row:
        """Return a group; a destroyed one only if ``pending``."""
        row = self.find(name)
        if row is None or (row["destroyed"] is not None and not pending):
            raise errors.missing(KIND, name)
        return row

    def live(self, name: str) -> Row:
        """Return a group that is not destroyed. Raises ``ArrayError``."""
        row = self.find(name)
        if row is None:
            raise errors.missing(KIND, name)
        if row["destroyed"] is not None:
            raise errors.destroyed(KIND, name)
        return row

    def own(self, name: str) -> Row:
        """Return a live group of this array, not a replicated one."""
        row = self.live(name)
        if row["origin"]:
            raise errors.ArrayError(
                "The protection group belongs to another array.", name
            )
        return row

    def listing(self) -> list[Row]:
        """Return all groups, destroyed ones included."""
        return self._store.all("SELECT * FROM pgroups ORDER BY origin, name")

    def volumes(self, row: Row) -> list[Row]:
        """Return the volumes that a snapshot of the group takes."""
        direct = self._store.all(_VOLUMES, row["id"])
        return direct or self._store.all(_HOST_VOLUMES, row["id"])

    def targets(self, row: Row) -> list[Row]:
        """Return the target arrays of a group."""
        return self._store.all(_TARGETS, row["id"])

    def describe(self, row: Row) -> dict[str, Any]:
        """Return name, source, members and targets, with None for no list."""
        name = names.qualified(row["origin"], row["name"])
        if row["origin"]:
            volumes = [f"{row['origin']}:{m}" for m in self.remote(row)]
            hosts: list[str] = []
            targets = [
                {"name": self._core.name, "allowed": bool(row["allowed"])}
            ]
        else:
            volumes = [v["name"] for v in self._store.all(_VOLUMES, row["id"])]
            hosts = [h["name"] for h in self._store.all(_HOSTS, row["id"])]
            targets = [
                {"name": t["array"], "allowed": bool(t["allowed"])}
                for t in self.targets(row)
            ]
        return {
            "name": name,
            "source": row["origin"] or self._core.name,
            "volumes": volumes or None,
            "hosts": hosts or None,
            "hgroups": None,
            "targets": targets or None,
        }

    def remote(self, row: Row) -> list[str]:
        """Return the member names that the source array announced."""
        return json.loads(row["members"])

    def create(self, name: str) -> Row:
        """Make an empty group with the array's default plans."""
        with self._store.transaction():
            self._require_free(name)
            self._store.run(
                _INSERT,
                str(uuid.uuid4()),
                self._pods.holding(name)["id"],
                name,
                self._core.clock.now(),
                json.dumps(plans.SCHEDULE),
                json.dumps(plans.RETENTION),
            )
            return self.show(name)

    def add_members(self, name: str, kind: str, added: list[str]) -> None:
        """Add "vol" or "host" members. Raises "already belongs to"."""
        with self._store.transaction():
            row = self.own(name)
            present = self._present(row, kind)
            other = self._present(row, "host" if kind == "vol" else "vol")
            if added and other:
                raise errors.ArrayError(
                    "A protection group has members of one kind only.", name
                )
            for member in added:
                if member in present:
                    raise errors.ArrayError(
                        f"{_LABEL[kind]} already belongs to the protection"
                        " group.",
                        member,
                    )
                self._require_same_pod(row, kind, member)
                self._store.run(
                    _ADD[kind], row["id"], self._member(kind, member)
                )
            self._touch(row)

    def remove_members(self, name: str, kind: str, gone: list[str]) -> None:
        """Remove members. Raises "could not be found" for strangers."""
        with self._store.transaction():
            row = self.own(name)
            if gone:
                safemode.refuse(row, "remove members")
            present = self._present(row, kind)
            for member in gone:
                if member not in present:
                    raise errors.ArrayError(
                        f"{_LABEL[kind]} could not be found in the protection"
                        " group.",
                        member,
                    )
                self._store.run(
                    _REMOVE[kind], row["id"], self._member(kind, member)
                )
            self._touch(row)

    def replace_members(self, name: str, kind: str, wanted: list[str]) -> None:
        """Make the members of one kind exactly these."""
        with self._store.transaction():
            present = self._present(self.own(name), kind)
            gone = [m for m in present if m not in wanted]
            added = [m for m in dict.fromkeys(wanted) if m not in present]
            self.remove_members(name, kind, gone)
            self.add_members(name, kind, added)

    def set_plan(self, name: str, values: dict[str, Any]) -> Row:
        """Change schedule or retention fields (see ``plans``)."""
        with self._store.transaction():
            row = self.own(name)
            safemode.refuse_less(row, values)
            least = self._core.tuning.knobs.min_frequency
            schedule, retention = plans.changed(row, values, name, least)
            self._store.run(
                "UPDATE pgroups SET schedule = ?, retention = ? WHERE id = ?",
                json.dumps(schedule),
                json.dumps(retention),
                row["id"],
            )
            for flag, column in plans.STARTS.items():
                if values.get(flag) is True:
                    self._store.run(column, row["id"])
            self._touch(row)
            self._store.after_commit(self._core.wake)
            return self.show(name)

    def lock(self, name: str, lock: str) -> Row:
        """Ratchet a group's retention; nobody but the vendor unlocks it."""
        with self._store.transaction():
            row = self.live(name)
            if lock not in safemode.LOCKS:
                raise errors.ArrayError("Invalid retention lock.", name)
            if lock != row["retention_lock"]:
                safemode.refuse(row, "change the retention lock")
            self._store.run(
                "UPDATE pgroups SET retention_lock = ? WHERE id = ?",
                lock,
                row["id"],
            )
            return self.show(name)

    def rename(self, name: str, new: str) -> Row:
        """Give a group another name; its targets follow."""
        with self._store.transaction():
            row = self.own(name)
            if names.split(name)[0] != names.split(new)[0]:
                raise errors.ArrayError(
                    "A new name cannot move a protection group to another"
                    " pod.",
                    name,
                )
            self._require_free(new)
            self._store.run(
                "UPDATE pgroups SET name = ? WHERE id = ?", new, row["id"]
            )
            self._touch(row)
            return self.show(new)

    def destroy(self, name: str) -> Row:
        """Destroy a group with its snapshots; what runs is given up."""
        with self._store.transaction():
            row = self.live(name)
            safemode.refuse(row, "destroy the snapshots")
            if row["origin"] and row["allowed"]:
                raise errors.ArrayError(
                    "The protection group is still allowed to replicate.",
                    name,
                )
            self.mark_destroyed(row)
            return self.show(name, pending=True)

    def mark_destroyed(self, row: Row) -> None:
        """Destroy a group whose right to go has been checked."""
        now = self._core.clock.now()
        self._store.run(
            "UPDATE pgroups SET destroyed = ? WHERE id = ?", now, row["id"]
        )
        self._store.run(
            "UPDATE pgsnaps SET destroyed = ? WHERE pgroup_id = ?"
            " AND destroyed IS NULL",
            now,
            row["id"],
        )
        self._store.run(
            "UPDATE sends SET state = 'aborting' WHERE pgsnap_id IN"
            " (SELECT id FROM pgsnaps WHERE pgroup_id = ?)"
            " AND state IN ('queued', 'running')",
            row["id"],
        )

    def recover(self, name: str) -> Row:
        """Bring a destroyed group back, with what went down with it."""
        with self._store.transaction():
            row = self.pending(name)
            self._store.run(
                "UPDATE pgsnaps SET destroyed = NULL WHERE pgroup_id = ?"
                " AND destroyed = ?",
                row["id"],
                row["destroyed"],
            )
            self._store.run(
                "UPDATE pgroups SET destroyed = NULL WHERE id = ?", row["id"]
            )
            return self.show(name)

    def pending(self, name: str) -> Row:
        """Return a destroyed group. Raises ``ArrayError`` for others."""
        row = self.find(name)
        if row is None:
            raise errors.missing(KIND, name)
        if row["destroyed"] is None:
            raise errors.ArrayError(
                "Protection group has not been destroyed.", name
            )
        return row

    def _present(self, row: Row, kind: str) -> list[str]:
        query = _VOLUMES if kind == "vol" else _HOSTS
        return [member["name"] for member in self._store.all(query, row["id"])]

    def _member(self, kind: str, name: str) -> int:
        if kind == "vol":
            return self._volumes.live(name)["id"]
        return self._hosts.show(name)["id"]

    def _require_same_pod(self, row: Row, kind: str, member: str) -> None:
        pod, _ = names.split(row["name"])
        if kind == "host" and pod:
            raise errors.ArrayError(
                "A protection group in a pod has volumes only.", row["name"]
            )
        if names.split(member)[0] != pod:
            raise errors.ArrayError(
                "The volume is not in the protection group's pod.", member
            )

    def _touch(self, row: Row) -> None:
        """Have the targets told of a change."""
        self._store.run(
            "UPDATE pgroups SET version = version + 1, changed = ?"
            " WHERE id = ?",
            self._core.clock.now(),
            row["id"],
        )

    def _require_free(self, name: str) -> None:
        names.check(KIND, name)
        row = self.find(name)
        if row is not None and row["destroyed"] is not None:
            raise errors.destroyed(KIND, name)
        if row is not None:
            raise errors.exists(KIND, name)


_LABEL = {"vol": "Volume", "host": "Host"}
_ADD = {
    "vol": "INSERT INTO pgroup_volumes VALUES (?, ?)",
    "host": "INSERT INTO pgroup_hosts VALUES (?, ?)",
}
_REMOVE = {
    "vol": "DELETE FROM pgroup_volumes WHERE pgroup_id = ? AND volume_id = ?",
    "host": "DELETE FROM pgroup_hosts WHERE pgroup_id = ? AND host_id = ?",
}
