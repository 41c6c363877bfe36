# SPDX-License-Identifier: Apache-2.0
"""``POST /groups/action`` and ``/groups/<id>/action``.

Source: cinder/api/v3/groups.py and cinder/group/api.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.cinder import (
    group_checks,
    groups,
    quotas,
    refusals,
    views,
    volume_actions,
)
from protector.sandbox.cloud.cinder import state as states

Body = dict[str, typing.Any]
Action = collections.abc.Callable[
    [wsgi.Request, store.Document, Body], wsgi.Result
]
_SINCE = {
    "delete": (3, 13),
    "reset_status": (3, 20),
    "enable_replication": (3, 38),
    "disable_replication": (3, 38),
    "failover_replication": (3, 38),
    "list_replication_targets": (3, 38),
}


class GroupActions:
    """The actions of a group, and creation from a source."""

    def __init__(
        self,
        state: states.State,
        limits: quotas.Quotas,
        api: groups.Groups,
    ) -> None:
        self._state = state
        self._quotas = limits
        self._groups = api
        self._actions: dict[str, Action] = {
            "delete": self.delete,
            "reset_status": self.reset_status,
            "enable_replication": self.enable_replication,
            "disable_replication": self.disable_replication,
            "failover_replication": self.failover_replication,
            "list_replication_targets": self.list_targets,
        }

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/groups/<group_id>/action"
        create = "group:create"
        return [
            (
                "POST",
                "/groups/action",
                self.create_from_source,
                "member",
                create,
                ("3.14", None),
            ),
            ("POST", one, self.act, "reader", None, ("3.13", None)),
        ]

    def act(self, request: wsgi.Request, group_id: str) -> wsgi.Result:
        """Find the action and carry it out."""
        name, body = volume_actions.chosen(request, self._actions)
        if request.version < _SINCE[name]:
            raise errors.NotFound("The resource could not be found.")
        row = self._state.group(request, group_id)
        if name == "reset_status" and not request.is_admin:
            raise refusals.forbidden("group:reset_status")
        volume_actions.require_member(request, f"group:{name}")
        with self._state.lock:
            return self._actions[name](request, row, body)

    def create_from_source(self, request: wsgi.Request) -> wsgi.Result:
        """Create a group from a group snapshot or a group (202)."""
        body = request.body("create-from-src")
        snapshot_id = body.get("group_snapshot_id")
        if snapshot_id:
            snapshot = self._state.group_snapshot(request, snapshot_id)
            source = self._state.group(request, snapshot["group_id"])
            rows = self._state.snapshots.list(group_snapshot_id=snapshot_id)
            members = [
                (self._state.volumes.get(r["volume_id"]), r) for r in rows
            ]
            what = "Group snapshot"
        else:
            key = str(body.get("source_group_id"))
            source = self._groups.usable(request, key)
            members = [(v, None) for v in self._state.members(source["id"])]
            what = "Source Group"
        if not members:
            raise refusals.invalid_group(
                f"{what} is empty. No group will be created."
            )
        with self._state.lock:
            group = self._groups.start(
                request,
                body,
                source["group_type_id"],
                source["volume_type_ids"],
                "group.create_from_src",
                group_snapshot_id=snapshot_id,
                source_group_id=None if snapshot_id else source["id"],
            )
            self._copies(request, group, members)
        return 202, {"group": {"id": group["id"], "name": group["name"]}}

    def _copies(
        self,
        request: wsgi.Request,
        group: store.Document,
        members: list[tuple[store.Document | None, store.Document | None]],
    ) -> None:
        for volume, snapshot in members:
            if volume is None:
                continue
            size = snapshot["volume_size"] if snapshot else volume["size"]
            self._quotas.check(
                request.project_id or "",
                volume["volume_type_id"],
                volumes=1,
                gigabytes=size,
            )
            row = {
                **volume,
                "id": context.new_id(),
                "project_id": request.project_id,
                "user_id": request.user_id,
                "name": None,
                "description": None,
                "status": "creating",
                "attach_status": "detached",
                "size": size,
                "metadata": {},
                "group_id": group["id"],
                "provider_id": None,
                "snapshot_id": snapshot["id"] if snapshot else None,
                "source_volid": None if snapshot else volume["id"],
                "created_at": self._state.now(),
                "updated_at": None,
            }
            self._state.volumes.put(row)

    def delete(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """Delete a group, with ``delete-volumes`` its volumes (202)."""
        self._groups.refuse_legacy(group["group_type_id"])
        if not group["host"]:
            self._state.groups.delete(group["id"])
            return 202, None
        flag = views.is_true(body.get("delete-volumes", False))
        group_checks.check_delete(self._state, group, flag)
        for row in self._state.members(group["id"]):
            self._state.volumes.update(row["id"], status="deleting")
        self._state.groups.update(group["id"], status="deleting")
        self._start("group.delete", group)
        return 202, None

    def reset_status(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """Set the status as an admin."""
        status = str(body.get("status", "")).lower()
        self._state.groups.update(group["id"], status=status)
        return 202, None

    def enable_replication(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """Switch the array group's schedule on."""
        group_checks.check_replication_type(self._state, group)
        group_checks.check_replication_state(
            self._state, group, "enable", ("disabled", "enabled")
        )
        return self._replicate(group, "enabling", "enabled")

    def disable_replication(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """Switch the array group's schedule off."""
        group_checks.check_replication_type(self._state, group)
        group_checks.check_replication_state(
            self._state,
            group,
            "disable",
            ("enabled", "error"),
            ("available", "error"),
        )
        return self._replicate(group, "disabling", "disabled")

    def failover_replication(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """Fail over, which needs both arrays in one Cinder."""
        group_checks.check_replication_type(self._state, group)
        group_checks.check_replication_state(
            self._state,
            group,
            "failover",
            ("enabled", "failed-over"),
            attached=views.is_true(body.get("allow_attached_volume", False)),
        )
        back = body.get("secondary_backend_id") == "default"
        done = "enabled" if back else "failed-over"
        return self._replicate(group, "failing-over", done)

    def list_targets(
        self, request: wsgi.Request, group: store.Document, body: Body
    ) -> wsgi.Result:
        """List the replication devices; an admin sees all of them.

        The real one answers the whole device, its API token included.
        """
        group_checks.check_replication_type(self._state, group)
        peer, array = self._state.cloud.peer_array, self._state.cloud.array
        if peer is None or array is None:
            return {"replication_targets": []}
        target: Body = {"backend_id": array.target}
        if request.is_admin:
            target["san_ip"] = peer.url.removeprefix("https://")
            target["api_token"] = peer.token
            target["type"] = "async"
        return {"replication_targets": [target]}

    def _replicate(
        self, group: store.Document, meanwhile: str, done: str
    ) -> wsgi.Result:
        for row in self._state.members(group["id"]):
            self._state.volumes.update(row["id"], replication_status=meanwhile)
        self._state.groups.update(group["id"], replication_status=meanwhile)
        self._start("group.replication", group, done=done)
        return 202, None

    def _start(
        self, kind: str, group: store.Document, **args: typing.Any
    ) -> None:
        self._state.cloud.tasks.start(
            kind, {"id": group["id"], **args}, key=group["id"]
        )
