# SPDX-License-Identifier: Apache-2.0
"""``os-instance-actions``: what was asked of a server and how it ended.

Source: nova/api/openstack/compute/instance_actions.py 34.0.0.
"""

import collections.abc
import hashlib
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.nova import state as states


class InstanceActions:
    """The record, and the API that shows it."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top = "/servers/<server_id>/os-instance-actions"
        return [
            ("GET", top, self.index, "reader"),
            ("GET", f"{top}/<key>", self.show, "reader"),
        ]

    def start(self, request: wsgi.Request, server_id: str, name: str) -> str:
        """Note that an action was accepted; return its request id."""
        now = self._state.cloud.clock.micro()
        self._state.actions.put(
            {
                "id": context.new_id(),
                "action": name,
                "instance_uuid": server_id,
                "request_id": request.request_id,
                "user_id": request.user_id,
                "project_id": request.project_id,
                "start_time": now,
                "updated_at": now,
                "message": None,
                "events": [],
            }
        )
        return request.request_id

    def event(
        self,
        server_id: str,
        request_id: str | None,
        name: str,
        error: BaseException | None = None,
    ) -> None:
        """Note an event of an action, and how it ended."""
        with self._state.lock:
            row = self._state.actions.first(
                instance_uuid=server_id, request_id=request_id
            )
            if row is None:
                return
            now = self._state.cloud.clock.micro()
            row["events"].append(
                {
                    "event": name,
                    "start_time": row["updated_at"],
                    "finish_time": now,
                    "result": "Error" if error else "Success",
                    "traceback": f"{error}\n" if error else None,
                    "host": self._state.host,
                    "details": str(error) if error else None,
                }
            )
            row["updated_at"] = now
            if error:
                row["message"] = "Error"
            self._state.actions.put(row)

    def index(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """List the actions of a server, newest first."""
        server = self._server(request, server_id)
        rows = self._state.actions.list(instance_uuid=server["id"])
        since = request.query.get("changes-since")
        if since:
            rows = [r for r in rows if r["updated_at"] >= since.rstrip("Z")]
        rows.reverse()
        return {"instanceActions": [_view(request, row) for row in rows]}

    def show(
        self, request: wsgi.Request, server_id: str, key: str
    ) -> wsgi.Result:
        """Show an action with its events."""
        server = self._server(request, server_id)
        row = self._state.actions.first(
            instance_uuid=server["id"], request_id=key
        )
        if row is None:
            raise errors.NotFound(f"Action {key} not found")
        shown = _view(request, row)
        if request.is_admin or request.version >= (2, 51):
            shown["events"] = [
                _event(request, item, row["project_id"])
                for item in reversed(row["events"])
            ]
        return {"instanceAction": shown}

    def _server(self, request: wsgi.Request, key: str) -> store.Document:
        if request.version >= (2, 21):
            return self._state.any_server(request, key)
        return self._state.server(request, key)


def _view(request: wsgi.Request, row: store.Document) -> dict[str, typing.Any]:
    keys = ["action", "instance_uuid", "request_id", "user_id"]
    keys += ["project_id", "start_time", "message"]
    if request.version >= (2, 58):
        keys.append("updated_at")
    return {key: row[key] for key in keys}


def _event(
    request: wsgi.Request, item: dict[str, typing.Any], project_id: str
) -> dict[str, typing.Any]:
    keys = ["event", "start_time", "finish_time", "result"]
    if request.is_admin:
        keys.append("traceback")
        if request.version >= (2, 62):
            keys.append("host")
        if request.version >= (2, 84):
            keys.append("details")
    shown = {key: item[key] for key in keys}
    if request.version >= (2, 62):
        shown["hostId"] = host_id(item["host"], project_id)
    return shown


def host_id(host: str | None, project_id: str) -> str:
    """Return a host's name as a project sees it."""
    if not host:
        return ""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest()
