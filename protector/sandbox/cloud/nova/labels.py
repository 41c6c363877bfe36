# SPDX-License-Identifier: Apache-2.0
"""A server's metadata and tags.

Source: nova/api/openstack/compute/server_metadata.py, server_tags.py
34.0.0: neither can be changed while the server is shelved.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import state as state_module
from protector.sandbox.cloud.nova import states

_ALLOWED = (
    states.ACTIVE,
    states.PAUSED,
    states.SUSPENDED,
    states.STOPPED,
)


class Labels:
    """The metadata and tags APIs."""

    def __init__(self, state: state_module.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        meta = "/servers/<server_id>/metadata"
        tags = "/servers/<server_id>/tags"
        since = (None, ("2.26", None))
        return [
            ("GET", meta, self.show_metadata, "reader"),
            ("POST", meta, self.add_metadata, "member"),
            ("PUT", meta, self.replace_metadata, "member"),
            ("GET", f"{meta}/<key>", self.show_item, "reader"),
            ("PUT", f"{meta}/<key>", self.add_item, "member"),
            ("DELETE", f"{meta}/<key>", self.delete_item, "member"),
            ("GET", tags, self.show_tags, "reader", *since),
            ("PUT", tags, self.replace_tags, "member", *since),
            ("DELETE", tags, self.clear_tags, "member", *since),
            ("GET", f"{tags}/<tag>", self.show_tag, "reader", *since),
            ("PUT", f"{tags}/<tag>", self.add_tag, "member", *since),
            ("DELETE", f"{tags}/<tag>", self.delete_tag, "member", *since),
        ]

    def show_metadata(
        self, request: wsgi.Request, server_id: str
    ) -> wsgi.Result:
        """Show the metadata."""
        return {"metadata": self._state.server(request, server_id)["metadata"]}

    def add_metadata(
        self, request: wsgi.Request, server_id: str
    ) -> wsgi.Result:
        """Merge keys in."""
        row = self._row(request, server_id, "update metadata")
        merged = {**row["metadata"], **request.body("metadata")}
        self._state.touch(row["id"], metadata=merged)
        return {"metadata": merged}

    def replace_metadata(
        self, request: wsgi.Request, server_id: str
    ) -> wsgi.Result:
        """Replace all."""
        row = self._row(request, server_id, "update metadata")
        self._state.touch(row["id"], metadata=request.body("metadata"))
        return {"metadata": request.body("metadata")}

    def show_item(
        self, request: wsgi.Request, server_id: str, key: str
    ) -> wsgi.Result:
        """Show one key."""
        metadata = self._state.server(request, server_id)["metadata"]
        if key not in metadata:
            raise errors.NotFound("Metadata item was not found")
        return {"meta": {key: metadata[key]}}

    def add_item(
        self, request: wsgi.Request, server_id: str, key: str
    ) -> wsgi.Result:
        """Set one key."""
        row = self._row(request, server_id, "update metadata")
        item = request.body("meta")
        if key not in item:
            raise errors.BadRequest("Request body and URI mismatch")
        merged = {**row["metadata"], key: item[key]}
        self._state.touch(row["id"], metadata=merged)
        return {"meta": {key: item[key]}}

    def delete_item(
        self, request: wsgi.Request, server_id: str, key: str
    ) -> wsgi.Result:
        """Remove one key."""
        row = self._row(request, server_id, "delete metadata")
        if key not in row["metadata"]:
            raise errors.NotFound("Metadata item was not found")
        del row["metadata"][key]
        self._state.touch(row["id"], metadata=row["metadata"])
        return 204, None

    def show_tags(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Show the tags."""
        return {"tags": self._state.server(request, server_id)["tags"]}

    def replace_tags(
        self, request: wsgi.Request, server_id: str
    ) -> wsgi.Result:
        """Replace all tags."""
        row = self._row(request, server_id, "update tags")
        tags = request.json().get("tags")
        if not isinstance(tags, list):
            raise errors.BadRequest("'tags' is a required property")
        tags = sorted(set(tags))
        self._state.touch(row["id"], tags=tags)
        return {"tags": tags}

    def clear_tags(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Remove all tags."""
        row = self._row(request, server_id, "delete tags")
        self._state.touch(row["id"], tags=[])
        return 204, None

    def show_tag(
        self, request: wsgi.Request, server_id: str, tag: str
    ) -> wsgi.Result:
        """Tell whether a tag is there."""
        self._require(self._state.server(request, server_id), tag)
        return 204, None

    def add_tag(
        self, request: wsgi.Request, server_id: str, tag: str
    ) -> wsgi.Result:
        """Add a tag: 201, 204 when it was there."""
        row = self._row(request, server_id, "update tag")
        if tag in row["tags"]:
            return 204, None
        self._state.touch(row["id"], tags=sorted([*row["tags"], tag]))
        return 201, None

    def delete_tag(
        self, request: wsgi.Request, server_id: str, tag: str
    ) -> wsgi.Result:
        """Remove a tag."""
        row = self._row(request, server_id, "delete tag")
        self._require(row, tag)
        row["tags"].remove(tag)
        self._state.touch(row["id"], tags=row["tags"])
        return 204, None

    def _require(self, row: store.Document, tag: str) -> None:
        if tag not in row["tags"]:
            raise errors.NotFound(f"Server {row['id']} has no tag '{tag}'")

    def _row(
        self, request: wsgi.Request, server_id: str, action: str
    ) -> store.Document:
        row = self._state.server(request, server_id)
        state_module.check_lock(request, row)
        state_module.check_state(action, row, _ALLOWED, idle=False)
        return row
