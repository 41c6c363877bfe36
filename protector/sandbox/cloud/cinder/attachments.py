# SPDX-License-Identifier: Apache-2.0
"""Attachments: reserve a volume, connect it to a host, let it go.

Nova calls the methods in process; ``AttachmentsApi`` serves them over HTTP.
Source: cinder/volume/api.py and cinder/api/v3/attachments.py 29.0.0.
"""

import typing

from protector.sandbox.cloud import context, errors, store
from protector.sandbox.cloud.cinder import driver, names, refusals
from protector.sandbox.cloud.cinder import state as states

Connector = dict[str, typing.Any]


class Attachments:
    """The attachment records and what they do to their volume."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def create(
        self,
        volume: store.Document,
        instance: str | None,
        connector: Connector | None = None,
        mode: str | None = None,
    ) -> store.Document:
        """Reserve a volume for a server, and connect it if asked.

        :raises BadRequest: the volume's status does not allow it.
        :raises driver.DriverError: the array refused.
        """
        with self._state.lock:
            volume = self._state.volumes.get(volume["id"]) or volume
            self._check(volume, instance)
            row = {
                "id": context.new_id(),
                "project_id": volume["project_id"],
                "volume_id": volume["id"],
                "instance": instance,
                "status": "reserved",
                "attach_mode": mode or "null",
                "attached_host": None,
                "mountpoint": None,
                "attached_at": None,
                "connector": None,
                "connection_info": {},
            }
            self._state.attachments.put(row)
            if volume["status"] != "in-use" or volume["multiattach"]:
                self._touch(volume["id"], status="reserved")
        if connector:
            row = self.update(row["id"], connector)
        return row

    def update(self, key: str, connector: Connector) -> store.Document:
        """Connect a reserved volume to a host.

        :raises Conflict: the volume is in an error state.
        :raises NotFound: no such attachment.
        :raises driver.DriverError: the array refused.
        """
        row = self.get(key)
        volume = self._state.volumes.get(row["volume_id"])
        if volume is None:
            raise refusals.not_found("Volume", row["volume_id"])
        if "error" in volume["status"]:
            raise errors.Conflict(
                "Volume attachments can not be updated if the volume is in "
                f"an error state. The Volume {volume['id']} currently has a "
                f"status of: {volume['status']} "
            )
        name = names.volume(volume)
        lun = self._state.driver.attach(name, connector)
        with self._state.lock:
            if volume["status"] != "in-use":
                self._touch(volume["id"], status="attaching")
            return self._state.attachments.update(
                key,
                status="attaching",
                connector=connector,
                attached_host=connector["host"],
                mountpoint=connector.get("mountpoint"),
                attached_at=self._state.now(),
                connection_info=_connection_info(name, key, lun, volume),
            )

    def complete(self, key: str) -> None:
        """Mark an attachment as attached and its volume as in-use.

        :raises NotFound: no such attachment.
        """
        with self._state.lock:
            row = self._state.attachments.update(
                self.get(key)["id"], status="attached"
            )
            if row["attached_at"] is None:
                self._state.attachments.update(
                    key, attached_at=self._state.now()
                )
            self._touch(
                row["volume_id"], status="in-use", attach_status="attached"
            )

    def delete(self, key: str) -> None:
        """Disconnect and forget; the last one frees the volume.

        :raises NotFound: no such attachment.
        :raises driver.DriverError: the array refused.
        """
        row = self.get(key)
        volume = self._state.volumes.get(row["volume_id"])
        if volume is not None and row["connector"]:
            self._disconnect(volume, row)
        with self._state.lock:
            self._state.attachments.delete(key)
            if volume is not None:
                self._settle(volume["id"])

    def get(self, key: str) -> store.Document:
        """Return an attachment.

        :raises NotFound: none.
        """
        row = self._state.attachments.get(key)
        if row is None:
            raise errors.NotFound(
                "Volume attachment could not be found with filter: "
                f"attachment_id = {key}."
            )
        return row

    def _disconnect(self, volume: store.Document, row: store.Document) -> None:
        """Disconnect, unless another attachment uses the same host."""
        host = row["connector"]["host"]
        shared = self._state.attachments.count(
            lambda item: (
                item["id"] != row["id"] and item["attached_host"] == host
            ),
            volume_id=volume["id"],
        )
        if not shared:
            self._state.driver.detach(names.volume(volume), row["connector"])

    def _settle(self, volume_id: str) -> None:
        """Give a volume the status that its attachments call for."""
        rows = self._state.attachments.list(volume_id=volume_id)
        kinds = {row["status"] for row in rows}
        volume = self._state.volumes.get(volume_id)
        if volume is None or volume["status"] in ("deleting", "error"):
            return
        if "attached" in kinds:
            self._touch(volume_id, status="in-use", attach_status="attached")
        elif "attaching" in kinds:
            self._touch(
                volume_id, status="attaching", attach_status="detached"
            )
        elif kinds:
            self._touch(volume_id, status="reserved", attach_status="detached")
        else:
            self._touch(
                volume_id, status="available", attach_status="detached"
            )

    def _check(self, volume: store.Document, instance: str | None) -> None:
        status = volume["status"]
        if "error" in status:
            raise refusals.invalid_volume(
                "Volume attachments can not be created if the volume is in "
                f"an error state. The Volume {volume['id']} currently has a "
                f"status of: {status} "
            )
        allowed = ["available", "downloading"]
        if volume["multiattach"]:
            allowed.insert(1, "in-use")
        if status in allowed:
            return
        same = instance is not None and self._state.attachments.count(
            volume_id=volume["id"], instance=instance
        )
        if not (same and status in ("in-use", "reserved")):
            raise refusals.invalid_volume(
                f"Volume {volume['id']} status must be "
                f"{' or '.join(allowed)} to reserve, but the current status "
                f"is {status}."
            )

    def _touch(self, volume_id: str, **changes: typing.Any) -> None:
        self._state.volumes.update(
            volume_id, updated_at=self._state.now(), **changes
        )


def _connection_info(
    name: str, key: str, lun: int | None, volume: store.Document
) -> dict[str, typing.Any]:
    return {
        "driver_volume_type": "iscsi",
        "attachment_id": key,
        "volume_id": volume["id"],
        "target_lun": lun,
        "target_discovered": False,
        "discard": True,
        "encrypted": False,
        "access_mode": "rw",
        "qos_specs": None,
        "cacheable": False,
        "array_volume_name": name,
    }


DriverError = driver.DriverError
