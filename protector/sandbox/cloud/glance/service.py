# SPDX-License-Identifier: Apache-2.0
"""The emulated Glance: versions, lists, upload and download.

Source of paths and shapes: the Image API v2 reference.
"""

import collections.abc
import pathlib
import typing
import urllib.parse

from werkzeug.wrappers import response as werkzeug_response

from protector.sandbox.cloud import (
    context,
    errors,
    pagination,
    store,
    wsgi,
)
from protector.sandbox.cloud.glance import data, images, seeding

_PAGE = 25
_FILTERS = (
    "name",
    "status",
    "visibility",
    "owner",
    "disk_format",
    "container_format",
    "id",
    "protected",
    "os_hidden",
)


class Glance(wsgi.Service):
    """Image v2."""

    name = "image"
    prefix = "/image"
    render_error = staticmethod(errors.glance_body)

    def __init__(self, cloud: context.Cloud) -> None:
        self.images = images.Images(cloud)
        self.data = data.Data(cloud.state / "images")
        super().__init__(cloud)

    def seed(self) -> None:
        """Write the small public image."""
        seeding.seed_glance(self.cloud, self.images, self.data)

    def find(self, request: wsgi.Request, key: str) -> store.Document | None:
        """Return an image the caller may see, for Nova and Cinder.

        Its own properties are under ``properties``.
        """
        return self.images.find(request, key)

    def data_path(self, image_id: str) -> pathlib.Path:
        """Return the file with an image's bytes, for Cinder."""
        return self.data.path(image_id)

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield all routes."""
        yield "GET", "/", self.versions, "public"
        yield "GET", "/versions", self.versions, "public"
        rule = "/v2/images"
        item = f"{rule}/<image_id>"
        yield "GET", rule, self.index, "reader"
        yield "POST", rule, self.create, "member"
        yield "GET", item, self.show, "reader"
        yield "PATCH", item, self.change, "member"
        yield "DELETE", item, self.delete, "member"
        yield "PUT", f"{item}/file", self.upload, "member"
        yield "GET", f"{item}/file", self.download, "reader"
        yield "PUT", f"{item}/tags/<tag>", self.add_tag, "member"
        yield "DELETE", f"{item}/tags/<tag>", self.remove_tag, "member"
        yield "GET", f"{item}/members", self.members, "reader"
        action = f"{item}/actions"
        yield "POST", f"{action}/deactivate", self.deactivate, "admin"
        yield "POST", f"{action}/reactivate", self.reactivate, "admin"

    def forbidden(self, route: wsgi.Route) -> errors.ApiError:
        """Return Glance's own 403."""
        return errors.Forbidden(
            f"You are not authorized to complete {route.handler.__name__} "
            "action."
        )

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """300 and the versions there are."""
        link = {"rel": "self", "href": f"{request.base}/v2/"}
        found = [
            {
                "id": f"v2.{minor}",
                "status": "CURRENT" if minor == 9 else "SUPPORTED",
                "links": [link],
            }
            for minor in range(9, -1, -1)
        ]
        status = 200 if request.path.startswith("/versions") else 300
        return status, {"versions": found}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """Images the caller may see, newest first, in pages of 25."""
        rows = self.images.table.list(
            lambda row: self._listed(request, row) and _matches(request, row)
        )
        rows.sort(key=lambda row: row["created_at"])
        rows.reverse()
        _sort(request, rows)
        limit = pagination.limit_of(request)
        page = pagination.paginate(
            request, rows, "images", _PAGE if limit is None else 1000
        )
        answer: dict[str, typing.Any] = {
            "images": [self.images.view(row) for row in page["images"]],
            "first": "/v2/images",
            "schema": "/v2/schemas/images",
        }
        for link in page.get("images_links", ()):
            query = urllib.parse.urlsplit(link["href"]).query
            answer["next"] = f"/v2/images?{query}"
        return answer

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """201, an image without bytes yet."""
        row = self.images.create(request, dict(request.json()))
        address = f"{request.url}/{row['id']}"
        return 201, self.images.view(row), {"Location": address}

    def show(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """One image."""
        return self.images.view(self.images.get(request, image_id))

    def change(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Apply a JSON patch."""
        return self.images.view(self.images.patch(request, image_id))

    def delete(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Remove image and bytes, unless it is protected."""
        row = self.images.own(request, image_id)
        if row["protected"]:
            raise errors.Forbidden(
                f"Image {image_id} is protected and cannot be deleted."
            )
        self.images.table.delete(image_id)
        self.data.delete(image_id)

    def upload(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Take the bytes of a queued image, once."""
        row = self.images.own(request, image_id)
        if request.http.mimetype != "application/octet-stream":
            raise errors.UnsupportedMediaType()
        if row["status"] != "queued":
            raise errors.Conflict(
                f"Image status transition from {row['status']} to saving is "
                "not allowed"
            )
        for name in ("disk_format", "container_format"):
            if not row[name]:
                raise errors.BadRequest(
                    f"Properties {name} must be set prior to saving data."
                )
        written = self.data.write(image_id, request.stream)
        self.images.table.update(
            image_id,
            status="active",
            size=written.size,
            checksum=written.md5,
            os_hash_algo="sha512",
            os_hash_value=written.sha512,
            updated_at=self.cloud.clock.zulu(),
        )

    def download(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Send the bytes; 204 when there are none yet."""
        row = self.images.get(request, image_id)
        if row["status"] == "deactivated" and not request.is_admin:
            raise errors.Forbidden("The requested image has been deactivated.")
        if row["size"] is None:
            return None
        response = werkzeug_response.Response(
            self.data.chunks(image_id), 200, mimetype=None
        )
        response.headers["Content-Type"] = "application/octet-stream"
        response.headers["Content-Length"] = str(row["size"])
        response.headers["Content-MD5"] = row["checksum"]
        return response

    def add_tag(
        self, request: wsgi.Request, image_id: str, tag: str
    ) -> wsgi.Result:
        """204."""
        with self.store.lock:
            row = self.images.own(request, image_id)
            tags = list(dict.fromkeys([*row["tags"], tag]))
            self.images.table.update(image_id, tags=tags)

    def remove_tag(
        self, request: wsgi.Request, image_id: str, tag: str
    ) -> wsgi.Result:
        """204, or 404 when it has not this tag."""
        with self.store.lock:
            row = self.images.own(request, image_id)
            if tag not in row["tags"]:
                raise errors.NotFound("Tag not found.")
            tags = [other for other in row["tags"] if other != tag]
            self.images.table.update(image_id, tags=tags)

    def members(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Nobody shares images with projects here."""
        self.images.get(request, image_id)
        return {"members": [], "schema": "/v2/schemas/members"}

    def deactivate(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Forbid downloads."""
        self._switch(request, image_id, "active", "deactivated")

    def reactivate(self, request: wsgi.Request, image_id: str) -> wsgi.Result:
        """Allow downloads."""
        self._switch(request, image_id, "deactivated", "active")

    def _switch(
        self, request: wsgi.Request, image_id: str, old: str, new: str
    ) -> None:
        row = self.images.own(request, image_id)
        if row["status"] not in (old, new):
            raise errors.Conflict(
                f"Not allowed to set status {new} on image in status "
                f"{row['status']}"
            )
        self.images.table.update(image_id, status=new)

    def _listed(self, request: wsgi.Request, row: store.Document) -> bool:
        if row["os_hidden"] and "os_hidden" not in request.query:
            return False
        asked = request.query.get("visibility")
        community = row["visibility"] == "community"
        if community and asked not in ("community", "all"):
            return request.is_admin or row["owner"] == request.project_id
        return self.images.visible(request, row)


def _matches(request: wsgi.Request, row: store.Document) -> bool:
    query = request.query
    for name, text in query.items():
        if name == "visibility" and text == "all":
            continue
        if name in _FILTERS and not _same(row[name], text):
            return False
    return set(query.getlist("tag")) <= set(row["tags"])


def _same(value: typing.Any, text: str) -> bool:
    if isinstance(value, bool):
        return value == (text.lower() == "true")
    if text.startswith("in:"):
        return str(value) in text[3:].split(",")
    return str(value) == text


def _sort(request: wsgi.Request, rows: list[store.Document]) -> None:
    pairs = [item.split(":") for item in request.query.getlist("sort")]
    keys, ways = (request.query.getlist(f"sort_{x}") for x in ("key", "dir"))
    ways += ["desc"] * (len(keys) - len(ways))
    pairs = [p for text in pairs for p in _pairs(text)]
    pairs += [list(pair) for pair in zip(keys, ways, strict=False)]
    for key, way in reversed(pairs):
        rows.sort(key=lambda row: str(row.get(key)), reverse=way == "desc")


def _pairs(parts: list[str]) -> list[list[str]]:
    """Read ``name:asc,size:desc`` that was split at its colons."""
    items = ":".join(parts).split(",")
    split = [item.partition(":") for item in items if item]
    return [[key, way or "desc"] for key, _, way in split]
