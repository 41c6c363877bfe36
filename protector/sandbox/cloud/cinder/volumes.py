# SPDX-License-Identifier: Apache-2.0
"""``/volumes``: create, show, list, change and delete.

Source: cinder/api/v3/volumes.py and volume_metadata.py 29.0.0.
"""

import ast
import collections.abc
import typing

from protector.sandbox.cloud import errors, pagination, store, wsgi
from protector.sandbox.cloud.cinder import (
    listing,
    quotas,
    refusals,
    views,
    volume_create,
)
from protector.sandbox.cloud.cinder import state as states

DELETABLE = (
    "available",
    "error",
    "error_restoring",
    "error_extending",
    "error_managing",
)
_FILTERS = (
    "name",
    "status",
    "metadata",
    "bootable",
    "migration_status",
    "availability_zone",
    "group_id",
    "size",
    "created_at",
    "updated_at",
    "consumes_quota",
)


class Volumes:
    """The volumes API."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self.creator = volume_create.VolumeCreator(state, limits)

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/volumes/<volume_id>"
        meta = f"{one}/metadata"
        return [
            ("POST", "/volumes", self.create, "member", "volume:create"),
            ("GET", "/volumes", self.index, "reader", "volume:get_all"),
            ("GET", "/volumes/detail", self.detail, "reader"),
            ("GET", one, self.show, "reader", "volume:get"),
            ("PUT", one, self.update, "member", "volume:update"),
            ("DELETE", one, self.delete, "member", "volume:delete"),
            ("GET", meta, self.show_metadata, "reader"),
            ("POST", meta, self.add_metadata, "member"),
            ("PUT", meta, self.replace_metadata, "member"),
            ("GET", f"{meta}/<key>", self.show_item, "reader"),
            ("PUT", f"{meta}/<key>", self.add_item, "member"),
            ("DELETE", f"{meta}/<key>", self.delete_item, "member"),
        ]

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a volume (202)."""
        row = self.creator.create(request, request.body("volume"))
        return 202, {"volume": views.volume(self._state, request, row)}

    def show(self, request: wsgi.Request, volume_id: str) -> wsgi.Result:
        """Show a volume."""
        row = self._state.volume(request, volume_id)
        return {"volume": views.volume(self._state, request, row)}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List volumes: id, name, links."""
        return self._list(request, views.volume_summary)

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List volumes with details."""
        return self._list(
            request, lambda req, row: views.volume(self._state, req, row)
        )

    def update(self, request: wsgi.Request, volume_id: str) -> wsgi.Result:
        """Change name, description or metadata."""
        row = self._state.volume(request, volume_id)
        body = request.body("volume")
        changes = {
            key: body[key]
            for key in ("name", "description", "metadata")
            if key in body
        }
        if "display_name" in body:
            changes["name"] = body["display_name"]
        row = self._touch(row, **changes)
        return {"volume": views.volume(self._state, request, row)}

    def delete(self, request: wsgi.Request, volume_id: str) -> wsgi.Result:
        """Delete a volume (202); ``cascade`` takes its snapshots along."""
        with self._state.lock:
            row = self._state.volume(request, volume_id)
            cascade = views.is_true(request.query.get("cascade", ""))
            self.begin_delete(row, cascade=cascade)
        return 202, None

    def begin_delete(
        self,
        row: store.Document,
        force: bool = False,
        cascade: bool = False,
        unmanage: bool = False,
    ) -> None:
        """Check that a volume may go, and start the task.

        Call it under the lock.

        :raises BadRequest: attached, grouped, with snapshots, wrong state.
        """
        state = self._state
        snapshots = state.snapshots.list(volume_id=row["id"])
        allowed = force or row["status"] in DELETABLE
        if (
            not allowed
            or row["attach_status"] == "attached"
            or row["group_id"]
            or (snapshots and not cascade)
        ):
            status = "" if force else f"{refusals.or_string(DELETABLE)} and"
            prefix = f"status must be {status}" if status else ""
            raise refusals.invalid_volume(
                f"Volume {prefix} must not be migrating, attached, belong to "
                "a group, have snapshots, awaiting a transfer, or be "
                "disassociated from snapshots after volume transfer."
            )
        if not row["host"]:
            state.volumes.delete(row["id"])
            return
        status = "unmanaging" if unmanage else "deleting"
        if row["status"] == "error_managing":
            status = "error_managing_deleting"
        state.volumes.update(row["id"], status=status, updated_at=state.now())
        kind = "volume.unmanage" if unmanage else "volume.delete"
        state.cloud.tasks.start(kind, {"id": row["id"]}, key=row["id"])

    def show_metadata(
        self, request: wsgi.Request, volume_id: str
    ) -> wsgi.Result:
        """Show the metadata."""
        return {"metadata": self._state.volume(request, volume_id)["metadata"]}

    def add_metadata(
        self, request: wsgi.Request, volume_id: str
    ) -> wsgi.Result:
        """Merge keys into the metadata."""
        row = self._state.volume(request, volume_id)
        merged = {**row["metadata"], **request.body("metadata")}
        return {"metadata": self._touch(row, metadata=merged)["metadata"]}

    def replace_metadata(
        self, request: wsgi.Request, volume_id: str
    ) -> wsgi.Result:
        """Replace the metadata."""
        row = self._state.volume(request, volume_id)
        row = self._touch(row, metadata=request.body("metadata"))
        return {"metadata": row["metadata"]}

    def show_item(
        self, request: wsgi.Request, volume_id: str, key: str
    ) -> wsgi.Result:
        """Show one key."""
        metadata = self._state.volume(request, volume_id)["metadata"]
        if key not in metadata:
            raise _no_key(volume_id, key)
        return {"meta": {key: metadata[key]}}

    def add_item(
        self, request: wsgi.Request, volume_id: str, key: str
    ) -> wsgi.Result:
        """Set one key."""
        row = self._state.volume(request, volume_id)
        item = request.body("meta")
        if key not in item:
            raise errors.BadRequest("Request body and URI mismatch")
        self._touch(row, metadata={**row["metadata"], key: item[key]})
        return {"meta": item}

    def delete_item(
        self, request: wsgi.Request, volume_id: str, key: str
    ) -> wsgi.Result:
        """Remove one key."""
        row = self._state.volume(request, volume_id)
        if key not in row["metadata"]:
            raise _no_key(volume_id, key)
        del row["metadata"][key]
        self._touch(row, metadata=row["metadata"])
        return 200, None

    def _touch(
        self, row: store.Document, **changes: typing.Any
    ) -> store.Document:
        return self._state.volumes.update(
            row["id"], updated_at=self._state.now(), **changes
        )

    def _list(
        self,
        request: wsgi.Request,
        view: collections.abc.Callable[..., typing.Any],
    ) -> wsgi.Result:
        listing.check_filters(request, "volume", _FILTERS)
        rows = [
            row
            for row in listing.visible(request, self._state.volumes)
            if _selected(request, row)
        ]
        rows = listing.ordered(request, rows)
        answer = pagination.paginate(request, rows, "volumes")
        answer["volumes"] = [view(request, row) for row in answer["volumes"]]
        if request.version >= (3, 45) and views.is_true(
            request.query.get("with_count", "")
        ):
            answer["count"] = len(rows)
        return answer


def _no_key(volume_id: str, key: str) -> errors.ApiError:
    return errors.NotFound(
        f"Volume {volume_id} has no metadata with key {key}."
    )


def _selected(request: wsgi.Request, row: store.Document) -> bool:
    wanted = _metadata(request.query.get("metadata"))
    if any(row["metadata"].get(k) != v for k, v in wanted.items()):
        return False
    bootable = request.query.get("bootable")
    if bootable is not None and views.is_true(bootable) != row["bootable"]:
        return False
    plain = ("name", "status", "group_id", "availability_zone", "size")
    return listing.matches(request, row, plain)


def _metadata(text: str | None) -> dict[str, str]:
    """Read the filter ``metadata={'key': 'value'}``."""
    if not text:
        return {}
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = None
    if not isinstance(value, dict):
        raise refusals.invalid_input(f"Invalid filter metadata: {text}")
    return {str(k): str(v) for k, v in value.items()}
