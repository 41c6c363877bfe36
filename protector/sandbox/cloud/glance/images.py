# SPDX-License-Identifier: Apache-2.0
"""Glance's image documents: fields, rights, changes and how they look."""

import json
import typing

from protector.sandbox.cloud import context, errors, store, wsgi

CORE = {
    "name": None,
    "visibility": "shared",
    "disk_format": None,
    "container_format": None,
    "min_disk": 0,
    "min_ram": 0,
    "protected": False,
    "os_hidden": False,
    "tags": [],
    "owner": None,
}
"""Fields a user may set, with their values when not given."""
READ_ONLY = {
    "status": "queued",
    "size": None,
    "virtual_size": None,
    "checksum": None,
    "os_hash_algo": None,
    "os_hash_value": None,
    "created_at": None,
    "updated_at": None,
    "file": None,
    "self": None,
    "schema": None,
    "direct_url": None,
    "locations": None,
}
_ANSWERED_ELSEWHERE = ("file", "self", "schema", "direct_url", "locations")
_VISIBILITIES = ("public", "private", "shared", "community")


class Images:
    """Reads and writes image documents.

    A document holds the fields above and, under ``properties``, the
    others that its owner set.
    """

    def __init__(self, cloud: context.Cloud) -> None:
        self._cloud = cloud
        self.table = cloud.store.table("images")

    def visible(self, request: wsgi.Request, row: store.Document) -> bool:
        """Tell whether a caller may see an image."""
        return (
            request.is_admin
            or row["visibility"] in ("public", "community")
            or row["owner"] == request.project_id
        )

    def find(self, request: wsgi.Request, key: str) -> store.Document | None:
        """Return an image the caller may see, or None."""
        row = self.table.get(key)
        if row is None or not self.visible(request, row):
            return None
        return row

    def get(self, request: wsgi.Request, key: str) -> store.Document:
        """Return an image the caller may see.

        :raises NotFound: there is none.
        """
        row = self.find(request, key)
        if row is None:
            raise errors.NotFound(f"No image found with ID {key}")
        return row

    def own(self, request: wsgi.Request, key: str) -> store.Document:
        """Return an image the caller may change.

        :raises Forbidden: it is visible, but another project's.
        """
        row = self.get(request, key)
        if not request.is_admin and row["owner"] != request.project_id:
            raise errors.Forbidden(
                f"You are not permitted to modify image {key}."
            )
        return row

    def create(
        self, request: wsgi.Request, given: dict[str, typing.Any]
    ) -> store.Document:
        """Write a new image, ``queued``."""
        now = self._cloud.clock.zulu()
        row = store.copy_document({**READ_ONLY, **CORE})
        for name in _ANSWERED_ELSEWHERE:
            row.pop(name)
        row.update(
            id=given.pop("id", None) or context.new_id(),
            owner=request.project_id,
            created_at=now,
            updated_at=now,
            properties={},
        )
        if row["id"] in self.table:
            raise errors.Conflict(f"Image ID {row['id']} already exists!")
        for name, value in given.items():
            self._set(request, row, name, value)
        return self.table.put(row)

    def patch(self, request: wsgi.Request, key: str) -> store.Document:
        """Change an image by a JSON patch.

        Source: Image API v2, ``application/openstack-images-v2.1-json-patch``.
        """
        changes = _patch_of(request)
        with self._cloud.store.lock:
            row = self.own(request, key)
            for change in changes:
                name = change["path"].lstrip("/").replace("~1", "/")
                if change["op"] == "remove":
                    self._remove(row, name)
                else:
                    self._set(request, row, name, change.get("value"))
            row["updated_at"] = self._cloud.clock.zulu()
            return self.table.put(row)

    def view(self, row: store.Document) -> dict[str, typing.Any]:
        """Return an image as the API shows it, properties at the top."""
        shown = {k: v for k, v in row.items() if k != "properties"}
        shown.update(row["properties"])
        address = f"/v2/images/{row['id']}"
        shown.update(
            self=address, file=f"{address}/file", schema="/v2/schemas/image"
        )
        return shown

    def _set(
        self,
        request: wsgi.Request,
        row: store.Document,
        name: str,
        value: typing.Any,
    ) -> None:
        if name in READ_ONLY or name == "id":
            raise errors.Forbidden(f"Attribute '{name}' is read-only.")
        if name == "owner" and value != row["owner"]:
            _admin_only(request, "modify_image")
        if name == "visibility":
            if value not in _VISIBILITIES:
                raise errors.BadRequest(f"Invalid visibility value: {value}")
            if value == "public":
                _admin_only(request, "publicize_image")
        if name in CORE:
            row[name] = value
        elif isinstance(value, str):
            row["properties"][name] = value
        else:
            raise errors.BadRequest(
                f"{value} is not of type 'string' for property {name}"
            )

    def _remove(self, row: store.Document, name: str) -> None:
        if name in CORE or name in READ_ONLY:
            raise errors.Forbidden(f"Property {name} may not be removed.")
        if name not in row["properties"]:
            raise errors.Conflict(f"Property {name} does not exist.")
        del row["properties"][name]


def _admin_only(request: wsgi.Request, action: str) -> None:
    if not request.is_admin:
        raise errors.Forbidden(
            f"You are not authorized to complete {action} action."
        )


def _patch_of(request: wsgi.Request) -> list[dict[str, typing.Any]]:
    if "json-patch" not in request.http.mimetype:
        raise errors.UnsupportedMediaType()
    try:
        changes = json.loads(request.http.get_data())
        good = all(
            change["op"] in ("add", "replace", "remove")
            and change["path"].startswith("/")
            for change in changes
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise errors.BadRequest("Malformed request body: a JSON patch")
    return changes
