# SPDX-License-Identifier: Apache-2.0
"""Carry out what the volume and snapshot APIs accepted, as cinder-volume.

Each method is the handler of one kind of task and bears repetition.  A
failure of the array ends in a status, never in an exception.
"""

import logging
import typing

from protector.sandbox.cloud import errors, store
from protector.sandbox.cloud.cinder import (
    driver,
    ghost_pods,
    image_copy,
    names,
    quotas,
    scheduler,
)
from protector.sandbox.cloud.cinder import state as states

LOG = logging.getLogger(__name__)
Args = dict[str, typing.Any]
STRETCHING = 0.2
"""Seconds between two looks at whether a ghost pod is on both arrays."""


class VolumeManager:
    """The tasks of volumes and snapshots."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits
        self._images = image_copy.ImageCopier(state)

    def register(self) -> None:
        """Tell the cloud which tasks these are."""
        tasks = self._state.cloud.tasks
        tasks.register("volume.create", self.create_volume, 0.05)
        tasks.register("volume.delete", self.delete_volume, 0.05)
        tasks.register("volume.unmanage", self.unmanage_volume, 0.05)
        tasks.register("volume.manage", self.manage_volume, 0.05)
        tasks.register("volume.extend", self.extend_volume, 0.05)
        tasks.register("volume.retype", self.retype_volume, 0.05)
        tasks.register("snapshot.create", self.create_snapshot, 0.05)
        tasks.register("snapshot.delete", self.delete_snapshot, 0.05)

    def create_volume(self, args: Args) -> None:
        """Schedule and build a new volume."""
        row = self._state.volumes.get(args["id"])
        if row is None or row["status"] not in ("creating", "downloading"):
            return
        kind = self._state.types.get(row["volume_type_id"]) or {}
        if not scheduler.passes(self._state, kind.get("extra_specs", {})):
            LOG.warning("%s: No valid backend was found.", row["id"])
            self._touch(row, status="error")
            return
        row = self._touch(row, host=self._state.pool)
        try:
            self._build(row)
            metadata = {**row["metadata"], **self.marks(row)}
        except driver.DriverError as error:
            LOG.error("Create volume %s failed: %s", row["id"], error)
            self._touch(row, status="error")
            return
        with self._state.lock:
            now = self._state.volumes.get(row["id"]) or row
            built = now["status"] in ("creating", "downloading")
            self._touch(
                row,
                status="available" if built else now["status"],
                provider_id=names.volume(row),
                metadata=metadata,
                service_uuid=self.service_uuid(),
            )

    def marks(self, row: store.Document) -> dict[str, str]:
        """Return the metadata that the driver puts on a volume."""
        return {
            "array_volume_name": names.volume(row),
            "array_name": self._state.driver.array_name,
        }

    def service_uuid(self) -> str:
        """Return the id of the volume service."""
        return names.uuid_of(self._state.service_host)

    def copy(self, source: str, row: store.Document) -> None:
        """Build a volume from an array object and put it where it belongs.

        :raises driver.DriverError: the array refused.
        """
        self._state.driver.copy_volume(source, names.volume(row), row["size"])
        self._place(row)

    def _build(self, row: store.Document) -> None:
        source, name = row["source"], names.volume(row)
        if source["kind"] == "snapshot":
            self.copy(self._array_name(self._state.snapshots, source), row)
        elif source["kind"] == "volume":
            origin = self._state.volumes.get(source["id"])
            if origin is None:
                raise driver.DriverError(f"{source['id']} is gone")
            self.copy(names.volume(origin), row)
        else:
            self._state.driver.create_volume(name, row["size"])
            self._place(row)
            if source["kind"] == "image":
                self._touch(row, status="downloading")
                self._images.copy(source["id"], name)

    def _array_name(self, table: store.Table, source: Args) -> str:
        found = table.get(source["id"])
        if found is None:
            raise driver.DriverError(f"{source['id']} is gone")
        return found["array_name"]

    def _place(self, row: store.Document) -> None:
        """Put a new volume into the shared group, and into its own."""
        state, name = self._state, names.volume(row)
        if state.is_async_type(row["volume_type_id"]):
            state.driver.share(name)
        group = state.groups.get(row["group_id"]) if row["group_id"] else None
        if group and state.group_has(group, states.CONSISTENT):
            state.driver.join(state.pgroup(group), name)

    def delete_volume(self, args: Args) -> None:
        """Destroy a volume and its snapshots."""
        row = self._state.volumes.get(args["id"])
        if row is None:
            return
        try:
            for item in self._state.snapshots.list(volume_id=row["id"]):
                self._state.driver.delete_snapshot(item["array_name"])
                self._state.snapshots.delete(item["id"])
            self._state.driver.delete_volume(names.volume(row))
        except driver.DriverError as error:
            LOG.error("Delete volume %s failed: %s", row["id"], error)
            self._touch(row, status="error_deleting")
            return
        self.forget(row["id"])

    def forget(self, volume_id: str) -> None:
        """Remove a volume's row and its attachments."""
        with self._state.lock:
            for item in self._state.attachments.list(volume_id=volume_id):
                self._state.attachments.delete(item["id"])
            self._state.volumes.delete(volume_id)

    def unmanage_volume(self, args: Args) -> None:
        """Rename on the array and forget."""
        row = self._state.volumes.get(args["id"])
        if row is None:
            return
        try:
            self._state.driver.unmanage(names.volume(row))
        except driver.DriverError as error:
            LOG.error("Unmanage volume %s failed: %s", row["id"], error)
            self._touch(row, status="error_unmanaging")
            return
        self.forget(row["id"])

    def manage_volume(self, args: Args) -> None:
        """Take an array volume over; its metadata is *replaced*."""
        row = self._state.volumes.get(args["id"])
        if row is None or row["status"] != "managing":
            return
        name = names.volume(row)
        try:
            self._manage(row, name, args["reference"])
            marks = self.marks(row)
        except (driver.DriverError, errors.ApiError) as error:
            LOG.error("Manage volume %s failed: %s", row["id"], error)
            self._touch(row, status="error_managing")
            return
        self._touch(row, status="available", provider_id=name, metadata=marks)

    def _manage(self, row: store.Document, name: str, ref: Args) -> None:
        source = ref.get("source-name")
        if not source:
            raise driver.DriverError(f"invalid reference {ref}")
        state = self._state
        if row["pod"]:
            raise driver.DriverError(
                f"{source} does not come into a stretched pod"
            )
        try:
            size = state.driver.size(source)
        except driver.DriverError:
            size = state.driver.size(name)
        with state.lock:
            self._quotas.check(
                row["project_id"], row["volume_type_id"], gigabytes=size
            )
            self._touch(row, size=size)
        state.driver.manage(source, name)
        if state.is_async_type(row["volume_type_id"]):
            state.driver.share(name)

    def extend_volume(self, args: Args) -> None:
        """Grow a volume."""
        row = self._state.volumes.get(args["id"])
        if row is None or row["status"] != "extending":
            return
        try:
            self._state.driver.extend_volume(names.volume(row), args["size"])
        except driver.DriverError as error:
            LOG.error("Extend volume %s failed: %s", row["id"], error)
            self._touch(row, status="error_extending")
            return
        self._touch(row, status=row["previous_status"], size=args["size"])

    def retype_volume(self, args: Args) -> None:
        """Give a volume another type, and its place on the array."""
        row = self._state.volumes.get(args["id"])
        if row is None or row["status"] != "retyping":
            return
        kind = self._state.types.get(args["type_id"]) or {}
        try:
            if not scheduler.passes(self._state, kind.get("extra_specs", {})):
                raise driver.DriverError("no valid backend was found")
            if not self._move(row, args["type_id"]):
                self._state.cloud.tasks.after(
                    STRETCHING, "volume.retype", args, key=row["id"]
                )
                return
        except driver.DriverError as error:
            LOG.error("Retype of volume %s failed: %s", row["id"], error)
            self._touch(row, status=row["previous_status"])
            return
        self._touch(
            row,
            status=row["previous_status"],
            volume_type_id=args["type_id"],
            replication_status=(
                "enabled"
                if self._state.is_replicated_type(args["type_id"])
                else "disabled"
            ),
        )

    def _move(self, row: store.Document, type_id: str) -> bool:
        """Bring a volume to where the type's volumes lie; whether it is
        there."""
        state, name = self._state, names.volume(row)
        if state.is_sync_type(type_id) and not row["pod"]:
            raise driver.DriverError("it does not come into a stretched pod")
        if row["pod"] and not state.is_sync_type(type_id):
            if not ghost_pods.Exit(state.driver, name, row["id"]).take():
                return False
            name = self._is_out(row, name)
        if state.is_async_type(type_id):
            state.driver.share(name)
        elif state.is_async_type(row["volume_type_id"]):
            state.driver.unshare(name)
        return True

    def _is_out(self, row: store.Document, old: str) -> str:
        """What the array calls a volume that left its pod; its snapshots
        went along."""
        new = names.bare(old)
        metadata = {**row["metadata"], "array_volume_name": new}
        self._touch(row, pod=None, provider_id=new, metadata=metadata)
        for item in self._state.snapshots.list(volume_id=row["id"]):
            name = item["array_name"]
            if name.startswith(f"{old}."):
                self._state.snapshots.update(
                    item["id"], array_name=names.bare(name)
                )
        return new

    def create_snapshot(self, args: Args) -> None:
        """Take a snapshot of one volume."""
        row = self._state.snapshots.get(args["id"])
        if row is None or row["status"] != "creating":
            return
        volume = self._state.volumes.get(row["volume_id"])
        status = "available"
        try:
            if volume is None:
                raise driver.DriverError("the volume is gone")
            self._state.driver.create_snapshot(
                names.volume(volume), row["array_name"]
            )
        except driver.DriverError as error:
            LOG.error("Create snapshot %s failed: %s", row["id"], error)
            status = "error"
        self._state.snapshots.update(row["id"], status=status, progress="100%")

    def delete_snapshot(self, args: Args) -> None:
        """Destroy a snapshot."""
        row = self._state.snapshots.get(args["id"])
        if row is None:
            return
        try:
            self._state.driver.delete_snapshot(row["array_name"])
        except driver.DriverError as error:
            LOG.error("Delete snapshot %s failed: %s", row["id"], error)
            self._state.snapshots.update(row["id"], status="error_deleting")
            return
        self._state.snapshots.delete(row["id"])

    def _touch(
        self, row: store.Document, **changes: typing.Any
    ) -> store.Document:
        row.update(changes, updated_at=self._state.now())
        return self._state.volumes.update(
            row["id"], updated_at=row["updated_at"], **changes
        )
