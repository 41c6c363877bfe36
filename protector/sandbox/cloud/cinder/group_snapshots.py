# SPDX-License-Identifier: Apache-2.0
"""``/group_snapshots`` (3.14 and later).

Source: cinder/api/v3/group_snapshots.py, cinder/group/api.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import (
    context,
    errors,
    pagination,
    store,
    wsgi,
)
from protector.sandbox.cloud.cinder import (
    groups,
    listing,
    quotas,
    refusals,
    snapshots,
    views,
    volume_actions,
)
from protector.sandbox.cloud.cinder import state as states


class GroupSnapshots:
    """The group snapshots API."""

    def __init__(
        self,
        state: states.State,
        limits: quotas.Quotas,
        api: groups.Groups,
    ) -> None:
        self._state = state
        self._quotas = limits
        self._groups = api

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top, one = "/group_snapshots", "/group_snapshots/<snapshot_id>"
        kind = "group:"
        rows = [
            (
                "GET",
                top,
                self.index,
                "reader",
                f"{kind}get_all_group_snapshots",
            ),
            ("GET", f"{top}/detail", self.index, "reader", None),
            (
                "POST",
                top,
                self.create,
                "member",
                f"{kind}create_group_snapshot",
            ),
            ("GET", one, self.show, "reader", f"{kind}get_group_snapshot"),
            (
                "PUT",
                one,
                self.update,
                "member",
                f"{kind}update_group_snapshot",
            ),
            (
                "DELETE",
                one,
                self.delete,
                "member",
                f"{kind}delete_group_snapshot",
            ),
        ]
        routes: list[tuple[typing.Any, ...]] = [
            (*row, ("3.14", None)) for row in rows
        ]
        rule = "group:reset_group_snapshot_status"
        routes.append(
            ("POST", f"{one}/action", self.act, "admin", rule, ("3.19", None))
        )
        return routes

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Take a snapshot of a group, its reserved volumes too (202)."""
        body = request.body("group_snapshot")
        with self._state.lock:
            group = self._groups.usable(request, str(body.get("group_id")))
            members = self._state.members(group["id"])
            self._check(request, group, members)
            row = self._row(request, group, body)
            self._state.group_snapshots.put(row)
            for volume in members:
                self._state.snapshots.put(
                    snapshots.new_row(self._state, request, volume, body, row)
                )
            self._state.cloud.tasks.start(
                "group_snapshot.create", {"id": row["id"]}, key=group["id"]
            )
        keys = ("id", "name", "group_type_id")
        return 202, {"group_snapshot": {key: row[key] for key in keys}}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List group snapshots."""
        fields = ("name", "status", "group_id")
        listing.check_filters(request, "group_snapshot", fields)
        rows = [
            row
            for row in listing.visible(request, self._state.group_snapshots)
            if listing.matches(request, row, fields)
        ]
        rows = listing.ordered(request, rows)
        answer = pagination.paginate(request, rows, "group_snapshots")
        answer["group_snapshots"] = [
            views.group_snapshot(request, row)
            for row in answer["group_snapshots"]
        ]
        return answer

    def show(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Show a group snapshot."""
        row = self._state.group_snapshot(request, snapshot_id)
        return {"group_snapshot": views.group_snapshot(request, row)}

    def update(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Change name or description."""
        row = self._state.group_snapshot(request, snapshot_id)
        body = request.body("group_snapshot")
        changes = {k: body[k] for k in ("name", "description") if k in body}
        row = self._state.group_snapshots.update(row["id"], **changes)
        return {"group_snapshot": views.group_snapshot(request, row)}

    def delete(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """Delete a group snapshot that no new group is made from (202)."""
        with self._state.lock:
            row = self._state.group_snapshot(request, snapshot_id)
            used = self._state.groups.count(
                group_snapshot_id=row["id"], status="creating"
            )
            if row["status"] not in ("available", "error") or used:
                raise errors.BadRequest(
                    "Invalid GroupSnapshot: GroupSnapshot status must be "
                    "available or error, and no Group can be currently using "
                    "it as source for its creation."
                )
            self._state.group_snapshots.update(row["id"], status="deleting")
            for item in self._state.snapshots.list(
                group_snapshot_id=row["id"]
            ):
                self._state.snapshots.update(item["id"], status="deleting")
            self._state.cloud.tasks.start(
                "group_snapshot.delete",
                {"id": row["id"]},
                key=row["group_id"],
            )
        return 202, None

    def act(self, request: wsgi.Request, snapshot_id: str) -> wsgi.Result:
        """``reset_status``."""
        row = self._state.group_snapshot(request, snapshot_id)
        _, body = volume_actions.chosen(request, ("reset_status",))
        status = str(body.get("status", "")).lower()
        self._state.group_snapshots.update(row["id"], status=status)
        return 202, None

    def _check(
        self,
        request: wsgi.Request,
        group: store.Document,
        members: list[store.Document],
    ) -> None:
        for volume in members:
            if not volume["host"]:
                raise refusals.invalid_volume(
                    "The snapshot cannot be created because volume has not "
                    "been scheduled to any host."
                )
            if volume["status"] == "error":
                raise refusals.invalid_volume(
                    "The snapshot cannot be created when the volume is in "
                    "error status."
                )
        sizes: dict[str, list[int]] = {}
        for volume in members:
            sizes.setdefault(volume["volume_type_id"], []).append(
                volume["size"]
            )
        for kind, gib in sizes.items():
            self._quotas.check(
                request.project_id or "",
                kind,
                snapshots=len(gib),
                gigabytes=sum(gib),
            )

    def _row(
        self,
        request: wsgi.Request,
        group: store.Document,
        body: dict[str, typing.Any],
    ) -> store.Document:
        return {
            "id": context.new_id(),
            "project_id": request.project_id,
            "user_id": request.user_id,
            "name": body.get("name"),
            "description": body.get("description"),
            "status": "creating",
            "group_id": group["id"],
            "group_type_id": group["group_type_id"],
            "consistent": self._state.group_has(group, states.CONSISTENT),
            "created_at": self._state.now(),
        }
