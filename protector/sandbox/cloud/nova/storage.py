# SPDX-License-Identifier: Apache-2.0
"""A server's volumes: reserved, connected to the host, let go.

Uses the emulated Cinder in process, with a service's rights.
Source: nova/virt/block_device.py, nova/compute/manager.py 34.0.0.
"""

import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.cinder import attachments, image_copy
from protector.sandbox.cloud.nova import refusals
from protector.sandbox.cloud.nova import state as states

Mapping = dict[str, typing.Any]
DriverError = attachments.DriverError


class Storage:
    """What Nova does in Cinder for its servers."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    @property
    def connector(self) -> dict[str, typing.Any]:
        """The compute node as Cinder wants to know it."""
        host = self._state.host
        return {
            "host": host,
            "initiator": image_copy.initiator(host),
            "ip": self._state.cloud.address,
            "multipath": False,
            "platform": "x86_64",
            "os_type": "linux",
        }

    def volume(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a volume that the caller may see.

        :raises NotFound: none.
        """
        return self._state.cinder.volume_of(request, key)

    def reserve(
        self, request_id: str, volume: store.Document, server_id: str
    ) -> str:
        """Reserve a volume for a server; return the attachment's id.

        :raises BadRequest: as Nova quotes Cinder's refusal; the text lacks
            Nova's own prefix, which depends on the caller.
        """
        try:
            row = self._state.cinder.attachments.create(volume, server_id)
        except errors.BadRequest as error:
            raise errors.BadRequest(
                refusals.from_cinder(error, request_id)
            ) from None
        return row["id"]

    def connect(self, mapping: Mapping) -> None:
        """Connect a reserved volume to the host: in-use.

        :raises ApiError: the volume or its attachment is gone.
        :raises DriverError: the array refused.
        """
        records = self._state.cinder.attachments
        connector = {**self.connector, "mountpoint": mapping["device"]}
        records.update(mapping["attachment_id"], connector)
        records.complete(mapping["attachment_id"])

    def park(self, mapping: Mapping, server_id: str) -> str | None:
        """Disconnect but keep reserved; return the new attachment's id.

        None when the volume is gone.  The new record comes first, so that
        nobody else can take the volume in between.
        """
        volume = self._state.cinder.state.volumes.get(mapping["volume_id"])
        if volume is None:
            return None
        with self._state.lock:
            row = self._spare(mapping, server_id)
            if row is None:
                row = self._state.cinder.attachments.create(volume, server_id)
        self.disconnect(mapping)
        return row["id"]

    def _spare(self, mapping: Mapping, server_id: str) -> Mapping | None:
        """Return the record that an interrupted ``park`` left behind."""
        for row in self._state.cinder.state.attachments.list(
            volume_id=mapping["volume_id"],
            instance=server_id,
            status="reserved",
        ):
            if row["id"] != mapping["attachment_id"]:
                return row
        return None

    def disconnect(self, mapping: Mapping) -> None:
        """Disconnect and free a volume; what is gone is no error."""
        if not mapping["attachment_id"]:
            return
        try:
            self._state.cinder.attachments.delete(mapping["attachment_id"])
        except errors.NotFound:
            return

    def dispose(self, mapping: Mapping) -> None:
        """Free a volume, and delete it if the mapping says so.

        What Cinder or the array refuse is left as it is: a grouped volume
        survives its server.
        """
        try:
            self.disconnect(mapping)
        except DriverError:
            return
        if not mapping["delete_on_termination"]:
            return
        cinder = self._state.cinder
        with self._state.lock:
            volume = cinder.state.volumes.get(mapping["volume_id"] or "")
            if volume is None:
                return
            try:
                cinder.volumes.begin_delete(volume)
            except errors.BadRequest:
                return

    def make(self, row: store.Document, mapping: Mapping) -> str:
        """Create the volume of a mapping from an image, snapshot, nothing.

        :raises ApiError: Cinder refused.
        """
        body: dict[str, typing.Any] = {
            "size": mapping["size"],
            "name": "",
            "volume_type": mapping["volume_type"],
        }
        if mapping["source_type"] == "image":
            body["imageRef"] = mapping["source_id"]
        elif mapping["source_type"] == "snapshot":
            body["snapshot_id"] = mapping["source_id"]
        made = self._state.cinder.volumes.creator.create(
            _ServiceRequest(row), body
        )
        return made["id"]

    def status(self, volume_id: str) -> str | None:
        """Return a volume's status, None when it is gone."""
        row = self._state.cinder.state.volumes.get(volume_id)
        return row["status"] if row else None


class _ServiceRequest:
    """Stands for the server's owner where Cinder wants a request."""

    def __init__(self, row: store.Document) -> None:
        self.project_id = row["project_id"]
        self.user_id = row["user_id"]
        self.roles = frozenset(("member", "reader"))
        self.is_admin = False
        self.version = (3, 71)


def new_mapping(
    volume_id: str | None, boot_index: int | None, **more: typing.Any
) -> Mapping:
    """Return a block device mapping of a server's document."""
    return {
        "uuid": context.new_id(),
        "volume_id": volume_id,
        "attachment_id": None,
        "device": None,
        "boot_index": boot_index,
        "delete_on_termination": False,
        "tag": None,
        "source_type": "volume",
        "source_id": None,
        "size": None,
        "volume_type": None,
        **more,
    }


def next_device(mappings: list[Mapping], prefix: str = "/dev/vd") -> str:
    """Return the first free device name."""
    used = {item["device"] for item in mappings}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if f"{prefix}{letter}" not in used:
            return f"{prefix}{letter}"
    raise errors.Forbidden(
        "The maximum allowed number of disk devices (26) to attach to a "
        "single instance has been exceeded."
    )


def name_devices(mappings: list[Mapping]) -> None:
    """Give every mapping its device, the root first, as libvirt does."""
    for item in sorted(mappings, key=_boot_order):
        if item["device"] is None:
            item["device"] = next_device(mappings)


def _boot_order(mapping: Mapping) -> int:
    index = mapping["boot_index"]
    return 1000 if index is None or index < 0 else index
