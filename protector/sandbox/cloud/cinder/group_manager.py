# SPDX-License-Identifier: Apache-2.0
"""Carry out what the group APIs accepted, as cinder-volume does.

Each method is the handler of one kind of task and bears repetition.
Source: cinder/volume/manager.py 29.0.0.
"""

import logging
import typing

from protector.sandbox.cloud import store
from protector.sandbox.cloud.cinder import driver, manager, names, scheduler
from protector.sandbox.cloud.cinder import state as states

LOG = logging.getLogger(__name__)
Args = dict[str, typing.Any]


class GroupManager:
    """The tasks of groups and group snapshots."""

    def __init__(
        self, state: states.State, volumes: manager.VolumeManager
    ) -> None:
        self._state = state
        self._volumes = volumes

    def register(self) -> None:
        """Tell the cloud which tasks these are."""
        tasks = self._state.cloud.tasks
        tasks.register("group.create", self.create, 0.05)
        tasks.register("group.create_from_src", self.create_from_src, 0.05)
        tasks.register("group.update", self.update, 0.05)
        tasks.register("group.delete", self.delete, 0.05)
        tasks.register("group.replication", self.replicate, 0.05)
        tasks.register("group_snapshot.create", self.create_snapshot, 0.05)
        tasks.register("group_snapshot.delete", self.delete_snapshot, 0.05)

    def create(self, args: Args) -> None:
        """Make a group: on the array if its type is consistent."""
        group = self._state.groups.get(args["id"])
        if group is None or group["status"] != "creating":
            return
        if not self._fits(group):
            LOG.warning("Group %s: No valid backend was found.", group["id"])
            self._state.groups.update(group["id"], status="error")
            return
        try:
            self._make(group)
        except driver.DriverError as error:
            LOG.error("Group %s: create failed: %s", group["id"], error)
            self._state.groups.update(
                group["id"], status="error", host=self._state.pool
            )
            return
        self._state.groups.update(
            group["id"],
            status="available",
            host=self._state.pool,
        )

    def create_from_src(self, args: Args) -> None:
        """Make a group and copies of the source's volumes in it."""
        group = self._state.groups.get(args["id"])
        if group is None or group["status"] != "creating":
            return
        members = self._state.members(group["id"])
        status = "available"
        try:
            self._make(group)
            for row in members:
                self._copy(group, row)
        except driver.DriverError as error:
            LOG.error(
                "Group %s: create from source failed: %s", group["id"], error
            )
            status = "error"
            for row in members:
                self._state.volumes.update(row["id"], status=status)
        self._state.groups.update(
            group["id"],
            status=status,
            host=self._state.pool,
        )

    def update(self, args: Args) -> None:
        """Add and remove volumes."""
        group = self._state.groups.get(args["id"])
        if group is None or group["status"] != "updating":
            return
        try:
            if self._state.group_has(group, states.CONSISTENT):
                self._state.driver.update_group(
                    self._state.pgroup(group),
                    self._names(args["add"]),
                    self._names(args["remove"]),
                )
        except driver.DriverError as error:
            LOG.error("Failed to update group %s: %s", group["id"], error)
            self._mark([*args["add"], *args["remove"]], status="error")
            self._state.groups.update(group["id"], status="error")
            return
        with self._state.lock:
            self._mark(args["add"], group_id=group["id"])
            self._mark(args["remove"], group_id=None)
            self._state.groups.update(group["id"], status="available")

    def delete(self, args: Args) -> None:
        """Destroy a group and its volumes."""
        group = self._state.groups.get(args["id"])
        if group is None:
            return
        members = self._state.members(group["id"])
        try:
            if self._state.group_has(group, states.CONSISTENT):
                self._state.driver.delete_group(self._state.pgroup(group))
            for row in members:
                self._state.driver.delete_volume(names.volume(row))
        except driver.DriverError as error:
            LOG.error("Group %s: delete failed: %s", group["id"], error)
            self._mark([row["id"] for row in members], status="error")
            self._state.groups.update(group["id"], status="error")
            return
        with self._state.lock:
            for row in members:
                self._volumes.forget(row["id"])
            self._state.groups.delete(group["id"])

    def replicate(self, args: Args) -> None:
        """Settle a replication action on the array and in the rows."""
        group = self._state.groups.get(args["id"])
        if group is None:
            return
        done = args["done"]
        try:
            if done in ("enabled", "disabled"):
                self._state.driver.set_group_replication(
                    self._state.pgroup(group), done == "enabled"
                )
        except driver.DriverError as error:
            LOG.error("Replication of group %s failed: %s", group["id"], error)
            done = "error"
        ids = [row["id"] for row in self._state.members(group["id"])]
        with self._state.lock:
            self._mark(ids, replication_status=done)
            self._state.groups.update(group["id"], replication_status=done)

    def create_snapshot(self, args: Args) -> None:
        """Take a snapshot of a group: of one moment if consistent."""
        row = self._state.group_snapshots.get(args["id"])
        if row is None or row["status"] != "creating":
            return
        status = "available"
        try:
            self._take(row)
        except driver.DriverError as error:
            LOG.error("Group snapshot %s failed: %s", row["id"], error)
            status = "error"
        with self._state.lock:
            for item in self._of(row):
                self._state.snapshots.update(
                    item["id"], status=status, progress="100%"
                )
            self._state.group_snapshots.update(row["id"], status=status)

    def delete_snapshot(self, args: Args) -> None:
        """Destroy a group snapshot."""
        row = self._state.group_snapshots.get(args["id"])
        if row is None:
            return
        try:
            if row["consistent"]:
                self._state.driver.delete_group_snapshot(
                    self._pgroup_of(row), row["id"]
                )
            else:
                for item in self._of(row):
                    self._state.driver.delete_snapshot(item["array_name"])
        except driver.DriverError as error:
            LOG.error("Delete group snapshot %s failed: %s", row["id"], error)
            self._state.group_snapshots.update(row["id"], status="error")
            return
        with self._state.lock:
            for item in self._of(row):
                self._state.snapshots.delete(item["id"])
            self._state.group_snapshots.delete(row["id"])

    def _take(self, row: store.Document) -> None:
        if row["consistent"]:
            self._state.driver.create_group_snapshot(
                self._pgroup_of(row), row["id"]
            )
            return
        for item in self._of(row):
            volume = self._state.volumes.get(item["volume_id"])
            if volume is None:
                raise driver.DriverError(f"{item['volume_id']} is gone")
            self._state.driver.create_snapshot(
                names.volume(volume), item["array_name"]
            )

    def _pgroup_of(self, row: store.Document) -> str:
        """The protection group that a group snapshot is of."""
        group = self._state.groups.get(row["group_id"])
        if group is None:
            raise driver.DriverError(f"group {row['group_id']} is gone")
        return self._state.pgroup(group)

    def _of(self, row: store.Document) -> list[store.Document]:
        return self._state.snapshots.list(group_snapshot_id=row["id"])

    def _fits(self, group: store.Document) -> bool:
        """Whether the back end passes group type and volume types."""
        kind = self._state.group_types.get(group["group_type_id"]) or {}
        rows = [self._state.types.get(k) for k in group["volume_type_ids"]]
        specs = [kind.get("group_specs", {})]
        specs += [row["extra_specs"] for row in rows if row]
        return all(scheduler.passes(self._state, item) for item in specs)

    def _make(self, group: store.Document) -> None:
        """Do what the driver's ``create_group`` does.

        :raises driver.DriverError: refused.
        """
        state = self._state
        if not state.group_has(group, states.CONSISTENT):
            return
        kinds = group["volume_type_ids"]
        replicated = state.group_has(group, states.REPLICATED)
        of_async = all(state.is_async_type(k) for k in kinds)
        of_sync = all(state.is_sync_type(k) for k in kinds)
        if replicated and not (of_async or of_sync):
            raise driver.DriverError(
                "create consistent replication group with non-replicated or "
                "mixed volume types is not supported"
            )
        if not replicated and any(state.is_replicated_type(k) for k in kinds):
            raise driver.DriverError(
                "non-replicated consistency group cannot contain replicated "
                "volume types"
            )
        state.driver.create_group(state.pgroup(group), replicated and of_async)

    def _copy(self, group: store.Document, row: store.Document) -> None:
        state = self._state
        if row["snapshot_id"]:
            found = state.snapshots.get(row["snapshot_id"])
            source = found["array_name"] if found else None
        else:
            origin = state.volumes.get(row["source_volid"])
            source = names.volume(origin) if origin else None
        if source is None:
            raise driver.DriverError(f"the source of {row['id']} is gone")
        self._volumes.copy(source, row)
        state.volumes.update(
            row["id"],
            status="available",
            host=state.pool,
            provider_id=names.volume(row),
            metadata=self._volumes.marks(row),
            service_uuid=self._volumes.service_uuid(),
        )

    def _names(self, ids: list[str]) -> list[str]:
        rows = [self._state.volumes.get(key) for key in ids]
        return [names.volume(row) for row in rows if row]

    def _mark(self, ids: list[str], **changes: typing.Any) -> None:
        with self._state.lock:
            for key in ids:
                if key in self._state.volumes:
                    self._state.volumes.update(key, **changes)
