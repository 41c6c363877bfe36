# SPDX-License-Identifier: Apache-2.0
"""``/snapshots``: snapshots of single volumes.

Source: cinder/api/v3/snapshots.py, cinder/volume/api.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, pagination, store, wsgi
from protector.sandbox.cloud.cinder import (
    listing,
    names,
    quotas,
    refusals,
    views,
    volume_actions,
)
from protector.sandbox.cloud.cinder import state as states

_FILTERS = (
    "name",
    "status",
    "volume_id",
    "metadata",
    "availability_zone",
    "consumes_quota",
)


class Snapshots:
    """The snapshots API."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/snapshots/<snapshot_id>"
        return [
            ("POST", "/snapshots", self.create, "member"),
            ("GET", "/snapshots", self.index, "reader"),
            ("GET", "/snapshots/detail", self.index, "reader"),
            ("GET", one, self.show, "reader"),
            ("PUT", one, self.update, "member"),
            ("DELETE", one, self.delete, "member"),
            ("POST", f"{one}/action", self.act, "admin"),
        ]

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Take a snapshot (202)."""
        body = request.body("snapshot")
        volume = self._state.volume(request, str(body.get("volume_id")))
        force = views.is_true(body.get("force", False))
        force = force or request.version >= (3, 66)
        allowed = ("available", "in-use") if force else ("available",)
        if volume["status"] not in allowed:
            raise refusals.invalid_volume(
                f"Volume {volume['id']} status must be {', '.join(allowed)}, "
                f"but current status is: {volume['status']}."
            )
        with self._state.lock:
            self._quotas.check(
                request.project_id or "",
                volume["volume_type_id"],
                snapshots=1,
                gigabytes=volume["size"],
            )
            row = new_row(self._state, request, volume, body)
            self._state.snapshots.put(row)
            self._state.cloud.tasks.start(
                "snapshot.create", {"id": row["id"]}, key=volume["id"]
            )
        return 202, {"snapshot": views.snapshot(request, row)}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List snapshots."""
        listing.check_filters(request, "snapshot", _FILTERS)
        fields = ("name", "status", "volume_id")
        rows = [
            row
            for row in listing.visible(request, self._state.snapshots)
            if listing.matches(request, row, fields)
        ]
        rows = listing.ordered(request, rows)
        answer = pagination.paginate(request, rows, "snapshots")
        answer["snapshots"] = [
            views.snapshot(request, row) for row in answer["snapshots"]
        ]
        return answer

    def show(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Show a snapshot."""
        row = self._state.snapshot(request, snapshot_id)
        return {"snapshot": views.snapshot(request, row)}

    def update(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Change name or description."""
        row = self._state.snapshot(request, snapshot_id)
        body = request.body("snapshot")
        changes = {k: body[k] for k in ("name", "description") if k in body}
        row = self._state.snapshots.update(
            row["id"], updated_at=self._state.now(), **changes
        )
        return {"snapshot": views.snapshot(request, row)}

    def delete(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Delete a snapshot that is in no group snapshot (202)."""
        with self._state.lock:
            row = self._state.snapshot(request, snapshot_id)
            if (
                row["status"] not in ("available", "error")
                or row["group_snapshot_id"]
            ):
                raise refusals.invalid_snapshot(
                    "Snapshot status must be available or error, and must "
                    "not be part of a group snapshot."
                )
            self._state.snapshots.update(row["id"], status="deleting")
            self._state.cloud.tasks.start(
                "snapshot.delete", {"id": row["id"]}, key=row["volume_id"]
            )
        return 202, None

    def act(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """``os-reset_status``."""
        row = self._state.snapshot(request, snapshot_id)
        _, body = volume_actions.chosen(request, ("os-reset_status",))
        self._state.snapshots.update(row["id"], status=str(body["status"]))
        return 202, None


def new_row(
    state: states.State,
    request: wsgi.Request,
    volume: store.Document,
    body: dict[str, typing.Any],
    group_snapshot: store.Document | None = None,
) -> store.Document:
    """Return a new snapshot's row, not written yet."""
    key = context.new_id()
    name = names.volume(volume)
    array_name = names.snapshot(name, key)
    if group_snapshot is not None and group_snapshot["consistent"]:
        group = state.group(request, group_snapshot["group_id"])
        array_name = names.pgroup_member(
            state.pgroup(group), group_snapshot["id"], name
        )
    return {
        "id": key,
        "project_id": request.project_id,
        "user_id": request.user_id,
        "name": body.get("name"),
        "description": body.get("description"),
        "status": "creating",
        "progress": "0%",
        "volume_id": volume["id"],
        "volume_size": volume["size"],
        "volume_type_id": volume["volume_type_id"],
        "group_snapshot_id": group_snapshot["id"] if group_snapshot else None,
        "metadata": dict(body.get("metadata") or {}),
        "array_name": array_name,
        "created_at": state.now(),
        "updated_at": None,
    }
