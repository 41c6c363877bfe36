# SPDX-License-Identifier: Apache-2.0
"""Accept or refuse a new volume, and write its row.

Source of the checks: cinder/api/v3/volumes.py, cinder/volume/api.py and
cinder/volume/flows/api/create_volume.py.
"""

import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.cinder import quotas, refusals
from protector.sandbox.cloud.cinder import state as states

GIB = 1024**3
Body = dict[str, typing.Any]


class VolumeCreator:
    """Checks a request and starts the creation."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits

    def create(self, request: wsgi.Request, body: Body) -> store.Document:
        """Write the row of a new volume and start its task.

        :param body: what is under ``volume`` in the request.
        :raises ApiError: Cinder's refusals.
        """
        source, facts = self._source(request, body)
        kind = self._type(body, facts)
        group = self._group(request, body, kind)
        size = self._size(body, facts)
        with self._state.lock:
            self._quotas.check(
                request.project_id or "", kind["id"], volumes=1, gigabytes=size
            )
            row = self.new_row(request, body, size, kind)
            row["bootable"] = bool(facts.get("bootable"))
            row["image_metadata"] = facts.get("image_metadata") or {}
            row["group_id"] = group["id"] if group else None
            row["snapshot_id"] = body.get("snapshot_id")
            row["source_volid"] = body.get("source_volid")
            row["source"] = source
            self._state.volumes.put(row)
            self._state.cloud.tasks.start(
                "volume.create", {"id": row["id"]}, key=row["id"]
            )
        return row

    def new_row(
        self,
        request: wsgi.Request,
        body: Body,
        size: int,
        kind: store.Document,
    ) -> store.Document:
        """Return a new volume's row, not written yet."""
        state = self._state
        replicated = state.is_replicated_type(kind["id"])
        specs = kind["extra_specs"]
        return {
            "id": context.new_id(),
            "project_id": request.project_id,
            "user_id": request.user_id,
            "name": _stripped(body.get("name")),
            "description": _stripped(body.get("description")),
            "status": "creating",
            "attach_status": "detached",
            "size": size,
            "volume_type_id": kind["id"],
            "bootable": False,
            "metadata": dict(body.get("metadata") or {}),
            "image_metadata": {},
            "group_id": None,
            "snapshot_id": None,
            "source_volid": None,
            "source": {"kind": "blank"},
            "availability_zone": self._zone(body),
            "created_at": state.now(),
            "updated_at": None,
            "replication_status": "enabled" if replicated else "disabled",
            "provider_id": None,
            "pod": state.pod if state.is_sync_type(kind["id"]) else None,
            "host": None,
            "service_uuid": None,
            "migration_status": None,
            "multiattach": specs.get("multiattach") == states.TRUE,
        }

    def _zone(self, body: Body) -> str:
        zone = body.get("availability_zone") or states.ZONE
        if zone != states.ZONE:
            raise errors.BadRequest(f"Availability zone '{zone}' is invalid.")
        return zone

    def _type(self, body: Body, facts: Body) -> store.Document:
        asked = body.get("volume_type")
        if asked:
            return self._state.volume_type(asked)
        if facts.get("volume_type_id"):
            return self._state.volume_type(facts["volume_type_id"])
        return self._state.volume_type("__DEFAULT__")

    def _source(self, request: wsgi.Request, body: Body) -> tuple[Body, Body]:
        """Return where the content comes from, and what that implies."""
        image = body.get("imageRef") or body.get("image_id")
        if body.get("snapshot_id"):
            return self._from_snapshot(request, body["snapshot_id"])
        if body.get("source_volid"):
            return self._from_volume(request, body["source_volid"])
        if image:
            return self._from_image(request, image)
        return {"kind": "blank"}, {}

    def _from_snapshot(
        self, request: wsgi.Request, key: str
    ) -> tuple[Body, Body]:
        snapshot = self._state.snapshot(request, key)
        _require(snapshot, "snapshot", ("available",))
        parent = self._state.volumes.get(snapshot["volume_id"]) or {}
        return {"kind": "snapshot", "id": key}, {
            "what": "snapshot",
            "size": snapshot["volume_size"],
            "volume_type_id": snapshot["volume_type_id"],
            "bootable": parent.get("bootable"),
            "image_metadata": parent.get("image_metadata"),
        }

    def _from_volume(
        self, request: wsgi.Request, key: str
    ) -> tuple[Body, Body]:
        volume = self._state.volume(request, key)
        _require(volume, "volume", ("available", "in-use"))
        return {"kind": "volume", "id": key}, {
            "what": "volume",
            "size": volume["size"],
            "volume_type_id": volume["volume_type_id"],
            "bootable": volume["bootable"],
            "image_metadata": volume["image_metadata"],
        }

    def _from_image(
        self, request: wsgi.Request, reference: str
    ) -> tuple[Body, Body]:
        image = self._image(request, str(reference).split("/")[-1])
        if image is None:
            raise errors.BadRequest(
                "Invalid image identifier or unable to access requested image."
            )
        if image["status"] != "active":
            raise refusals.invalid_input(f"Image {image['id']} is not active.")
        return {"kind": "image", "id": image["id"]}, {
            "what": "image",
            "bytes": image["size"] or 0,
            "min_disk": image["min_disk"] or 0,
            "bootable": True,
            "image_metadata": image_metadata(image),
        }

    def _image(
        self, request: wsgi.Request, key: str
    ) -> dict[str, typing.Any] | None:
        images = self._state.cloud.service("image")
        return images.find(request, key)

    def _size(self, body: Body, facts: Body) -> int:
        size = body.get("size")
        if size is None and "size" in facts:
            return facts["size"]
        if isinstance(size, str) and size.isdecimal():
            size = int(size)
        if isinstance(size, int) and size < 1:
            raise refusals.invalid_field(
                "size", size, f"{size} is less than the minimum of 1"
            )
        if not isinstance(size, int) or isinstance(size, bool):
            raise refusals.invalid_field(
                "size", size, f"{size!r} is not of type 'integer', 'string'"
            )
        _check_size(size, facts)
        return size

    def _group(
        self, request: wsgi.Request, body: Body, kind: store.Document
    ) -> store.Document | None:
        key = body.get("group_id")
        if not key or request.version < (3, 13):
            return None
        group = self._state.group(request, key)
        if not body.get("volume_type"):
            raise refusals.invalid_input(
                "volume_type must be provided when creating a volume in a "
                "group."
            )
        if kind["id"] not in group["volume_type_ids"]:
            raise refusals.invalid_input(
                f"Invalid volume_type provided: {kind['name']} (requested "
                "type must be supported by this group)."
            )
        return group


def image_metadata(image: dict[str, typing.Any]) -> dict[str, str]:
    """Return what Cinder notes of an image on a volume made from it."""
    core = ("container_format", "disk_format", "checksum", "min_disk")
    found = {
        key: str(image[key]) for key in core if image.get(key) is not None
    }
    found["image_id"] = image["id"]
    found["image_name"] = str(image.get("name"))
    found["min_ram"] = str(image.get("min_ram") or 0)
    found["size"] = str(image.get("size") or 0)
    for key, value in (image.get("properties") or {}).items():
        found[key] = str(value)
    return found


def _stripped(text: str | None) -> str | None:
    return text.strip() if isinstance(text, str) else text


def _require(row: store.Document, what: str, allowed: tuple[str, ...]) -> None:
    if row["status"] not in allowed:
        reason = (
            f"Originating {what} status must be one of "
            f"'{', '.join(allowed)}' values"
        )
        if what == "snapshot":
            raise refusals.invalid_snapshot(reason)
        raise refusals.invalid_volume(reason)


def _check_size(size: int, facts: Body) -> None:
    what = facts.get("what")
    if what == "snapshot" and size < facts["size"]:
        raise refusals.invalid_input(
            f"Volume size '{size}'GB cannot be smaller than the snapshot "
            f"size {facts['size']}GB. They must be >= original snapshot size."
        )
    if what == "volume" and size < facts["size"]:
        raise refusals.invalid_input(
            f"Volume size '{size}'GB cannot be smaller than original volume "
            f"size  {facts['size']}GB. They must be >= original volume size."
        )
    if what == "image":
        gib = -(-facts["bytes"] // GIB)
        if size < gib:
            raise refusals.invalid_input(
                f"Size of specified image {gib}GB is larger than volume size "
                f"{size}GB."
            )
        if size < facts["min_disk"]:
            raise refusals.invalid_input(
                f"Volume size {size}GB cannot be smaller than the image "
                f"minDisk size {facts['min_disk']}GB."
            )
