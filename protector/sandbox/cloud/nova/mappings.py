# SPDX-License-Identifier: Apache-2.0
"""Read ``block_device_mapping_v2`` of a creation, and refuse what is wrong.

Source: nova/compute/api.py (``_validate_bdm``), nova/block_device.py.
"""

import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import refusals, storage

_INVALID = "Block Device Mapping is Invalid"
_SEQUENCE = (
    f"{_INVALID}: Boot sequence for the instance and image/block device "
    "mapping combination is not valid."
)
Mapping = dict[str, typing.Any]


class Mappings:
    """The checks of a creation's block devices."""

    def __init__(self, volumes: storage.Storage) -> None:
        self._storage = volumes

    def read(
        self, request: wsgi.Request, items: list[Mapping], image: str | None
    ) -> list[Mapping]:
        """Return the mappings of a new server, its devices named.

        :param image: the image of a local root disk, or None.
        :raises BadRequest: Nova's refusals.
        """
        mappings = [self._one(request, item) for item in items]
        order = sorted(
            m["boot_index"]
            for m in mappings
            if m["boot_index"] is not None and m["boot_index"] >= 0
        )
        if image is not None and not order:
            root = storage.new_mapping(
                None, 0, source_type="image", source_id=image, local=True
            )
            mappings.insert(0, root)
            order = [0]
        if not order or any(i != v for i, v in enumerate(order)):
            raise errors.BadRequest(_SEQUENCE)
        self.check_root(request, mappings)
        storage.name_devices(mappings)
        return mappings

    def check_root(
        self, request: wsgi.Request, mappings: list[Mapping]
    ) -> None:
        """Refuse a root volume that is not bootable.

        :raises BadRequest: Nova's text.
        """
        root = next(m for m in mappings if m["boot_index"] == 0)
        if root["source_type"] != "volume":
            return
        volume = self._volume(request, root)
        if not volume["bootable"]:
            raise errors.BadRequest(
                f"Block Device {volume['id']} is not bootable."
            )

    def reserve(
        self,
        request: wsgi.Request,
        server_id: str,
        mappings: list[Mapping],
    ) -> None:
        """Reserve the existing volumes for the new server.

        What was reserved is let go when a later one is refused.

        :raises BadRequest: Nova's text.
        """
        done: list[Mapping] = []
        try:
            for item in mappings:
                if item["source_type"] != "volume":
                    continue
                volume = self._volume(request, item)
                item["size"] = volume["size"]
                item["attachment_id"] = self._storage.reserve(
                    request.request_id, volume, server_id
                )
                done.append(item)
        except errors.BadRequest as error:
            for item in done:
                self._storage.disconnect(item)
            if error.message.startswith("Invalid input received"):
                raise refusals.invalid_volume(error.message) from None
            raise

    def _volume(self, request: wsgi.Request, item: Mapping) -> store.Document:
        key = str(item["volume_id"])
        try:
            return self._storage.volume(request, key)
        except errors.NotFound:
            if item["boot_index"] == 0:
                raise errors.BadRequest(
                    f"{_INVALID}: failed to get volume {key}."
                ) from None
            raise errors.BadRequest(
                f"Volume {key} could not be found."
            ) from None

    def _one(self, request: wsgi.Request, item: Mapping) -> Mapping:
        source = item.get("source_type") or (
            "volume" if item.get("uuid") else "blank"
        )
        target = item.get("destination_type") or (
            "volume" if source in ("volume", "snapshot") else "local"
        )
        size = item.get("volume_size")
        size = int(size) if size not in (None, "") else None
        if target == "volume" and not size and source in ("blank", "image"):
            raise errors.BadRequest(_sizeless(source))
        index = item.get("boot_index")
        index = None if index in (None, "") else int(index)
        wanted = (
            item.get("volume_type") if request.version >= (2, 67) else None
        )
        return storage.new_mapping(
            item.get("uuid") if source == "volume" else None,
            index,
            source_type=source,
            source_id=item.get("uuid"),
            local=target == "local",
            size=size,
            volume_type=wanted,
            tag=item.get("tag"),
            delete_on_termination=_flag(item.get("delete_on_termination")),
        )


def _sizeless(source: str) -> str:
    if source == "image":
        return (
            "Images with destination_type 'volume' need to have a non-zero "
            "size specified"
        )
    return (
        "Blank volumes (source: 'blank', dest: 'volume') need to have "
        "non-zero size"
    )


def _flag(value: object) -> bool:
    return str(value).lower() in ("1", "t", "true", "on", "y", "yes")
