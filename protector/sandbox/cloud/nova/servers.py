# SPDX-License-Identifier: Apache-2.0
"""``/servers``: show, list, change, delete.

Source: nova/api/openstack/compute/servers.py 34.0.0.
"""

import collections.abc
import re
import typing

from protector.sandbox.cloud import errors, pagination, store, wsgi
from protector.sandbox.cloud.nova import (
    create,
    instance_actions,
    refusals,
    states,
    views,
)
from protector.sandbox.cloud.nova import state as state_module

_SORT = {
    "created_at": "created",
    "updated_at": "updated",
    "display_name": "name",
    "uuid": "id",
}
_TRUE = ("1", "t", "true", "on", "y", "yes", "")


class Servers:
    """The servers API, but for actions."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        creator: create.Creator,
    ) -> None:
        self._state = state
        self._actions = actions
        self._creator = creator

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/servers/<server_id>"
        return [
            ("POST", "/servers", self._creator.create, "member", _r("create")),
            ("GET", "/servers", self.index, "reader", _r("index")),
            ("GET", "/servers/detail", self.detail, "reader", _r("detail")),
            ("GET", one, self.show, "reader", _r("show")),
            ("PUT", one, self.update, "member", _r("update")),
            ("DELETE", one, self.delete, "member", _r("delete")),
        ]

    def show(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Show a server."""
        row = self._state.server(request, server_id)
        view = views.server(self._state, request, row, groups=True)
        return {"server": view}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List servers: id, name, links."""
        return self._list(request, "index", views.server_summary)

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List servers with details."""
        return self._list(
            request,
            "detail",
            lambda req, row: views.server(self._state, req, row),
        )

    def update(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Change name, description, from 2.90 on the hostname."""
        row = self._state.server(request, server_id)
        body = request.body("server")
        changes = {}
        if body.get("name"):
            changes["name"] = body["name"].strip()
        if "description" in body and request.version >= (2, 19):
            changes["description"] = body["description"]
        if body.get("hostname") and request.version >= (2, 90):
            changes["hostname"] = body["hostname"]
        row = self._state.touch(row["id"], **changes)
        return {"server": views.server(self._state, request, row)}

    def delete(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Delete a server in whatever state, but a locked one."""
        with self._state.lock:
            row = self._state.server(request, server_id)
            state_module.check_lock(request, row)
            if row["task_state"] != "deleting":
                self._state.touch(row["id"], task_state="deleting")
                action = self._actions.start(request, row["id"], "delete")
                self._state.cloud.tasks.start(
                    "server.delete",
                    {"id": row["id"], "request_id": action},
                    key=row["id"],
                )
        return 204, None

    def _list(
        self,
        request: wsgi.Request,
        kind: str,
        view: collections.abc.Callable[..., typing.Any],
    ) -> wsgi.Result:
        _check_status(request)
        rows = [
            row
            for row in self._visible(request, kind)
            if _selected(request, row)
        ]
        rows = _ordered(request, rows)
        answer = pagination.paginate(request, rows, "servers")
        answer["servers"] = [view(request, row) for row in answer["servers"]]
        return answer

    def _visible(
        self, request: wsgi.Request, kind: str
    ) -> list[store.Document]:
        """Return the project's rows; deleted ones with changes-since."""
        query = request.query
        project = request.project_id
        if query.get("all_tenants", "0").lower() in _TRUE:
            if not request.is_admin:
                raise refusals.forbidden(f"servers:{kind}:get_all_tenants")
            project = query.get("project_id") or query.get("tenant_id")
        only = {"project_id": project} if project else {}
        rows = self._state.servers.list(**only)
        deleted = query.get("deleted", "").lower() in _TRUE[:-1]
        if deleted and request.is_admin:
            return self._state.deleted.list(**only)
        if "changes-since" in query:
            rows += self._state.deleted.list(**only)
        return rows


def _r(action: str) -> str:
    return f"os_compute_api:servers:{action}"


def _check_status(request: wsgi.Request) -> None:
    wanted = request.query.getlist("status")
    known = any(text.upper() in states.KNOWN for text in wanted)
    if wanted and not known and request.version >= (2, 38):
        raise errors.BadRequest("Invalid status value")


def _selected(request: wsgi.Request, row: store.Document) -> bool:
    query = request.query
    statuses = [text.upper() for text in query.getlist("status")]
    if statuses and states.status(row) not in statuses:
        return False
    name = query.get("name")
    if name is not None and not _matches(name, row["name"]):
        return False
    since = query.get("changes-since")
    if since is not None and row["updated"] < since[:19]:
        return False
    return _tagged(query, row) and _plain(request, row)


def _matches(pattern: str, text: str) -> bool:
    """Match as the database does: a pattern, found anywhere."""
    try:
        return re.search(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return pattern in text


def _tagged(query: typing.Any, row: store.Document) -> bool:
    tags = set(row["tags"])
    checks = {
        "tags": lambda wanted: wanted <= tags,
        "tags-any": lambda wanted: bool(wanted & tags),
        "not-tags": lambda wanted: not wanted <= tags,
        "not-tags-any": lambda wanted: not wanted & tags,
    }
    return all(
        check(set(query[name].split(",")))
        for name, check in checks.items()
        if query.get(name)
    )


def _plain(request: wsgi.Request, row: store.Document) -> bool:
    values = {
        "uuid": row["id"],
        "flavor": row["flavor"]["id"],
        "image": row["image_ref"],
        "key_name": row["key_name"],
        "user_id": row["user_id"],
        "vm_state": row["vm_state"],
        "locked": str(bool(row["locked_by"])).lower(),
    }
    if request.is_admin:
        values["host"] = row["host"]
        values["task_state"] = row["task_state"]
    return all(
        request.query[name].lower() == str(value).lower()
        for name, value in values.items()
        if name in request.query
    )


def _ordered(
    request: wsgi.Request, rows: list[store.Document]
) -> list[store.Document]:
    """Sort; newest first by default."""
    rows = list(reversed(rows))
    keys = request.query.getlist("sort_key") or ["created_at"]
    directions = request.query.getlist("sort_dir") or ["desc"]
    directions += [directions[-1]] * len(keys)
    for key, direction in reversed(list(zip(keys, directions, strict=False))):
        field = _SORT.get(key, key)
        rows.sort(
            key=lambda row, name=field: str(row.get(name) or ""),
            reverse=direction != "asc",
        )
    return rows
