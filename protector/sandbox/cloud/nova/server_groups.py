# SPDX-License-Identifier: Apache-2.0
"""``/os-server-groups``.

Source: nova/api/openstack/compute/server_groups.py 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.nova import quotas, refusals
from protector.sandbox.cloud.nova import state as states

POLICIES = (
    "affinity",
    "anti-affinity",
    "soft-affinity",
    "soft-anti-affinity",
)


class ServerGroups:
    """The server groups API."""

    def __init__(self, state: states.State, limits: quotas.Quotas) -> None:
        self._state = state
        self._quotas = limits

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top, one = "/os-server-groups", "/os-server-groups/<group_id>"
        return [
            ("GET", top, self.index, "reader"),
            ("POST", top, self.create, "member"),
            ("GET", one, self.show, "reader"),
            ("DELETE", one, self.delete, "member"),
        ]

    def find(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a group that the caller may see.

        :raises NotFound: none.
        """
        row = self._state.server_groups.get(key)
        if row is None or not (
            request.is_admin or row["project_id"] == request.project_id
        ):
            raise errors.NotFound(f"Instance group {key} could not be found.")
        return row

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List groups."""
        everyone = "all_projects" in request.query and request.is_admin
        rows = self._state.server_groups.list(
            lambda row: everyone or row["project_id"] == request.project_id
        )
        return {"server_groups": [_view(request, row) for row in rows]}

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a group."""
        body = request.body("server_group")
        policy = body.get("policy")
        if request.version < (2, 64):
            policy = (body.get("policies") or [None])[0]
        if policy not in POLICIES:
            raise refusals.invalid_field(
                "policy", policy, f"{policy!r} is not one of {POLICIES}"
            )
        with self._state.lock:
            self._quotas.check_groups(request.project_id or "")
            row = {
                "id": context.new_id(),
                "name": body.get("name"),
                "policy": policy,
                "rules": body.get("rules") or {},
                "members": [],
                "project_id": request.project_id,
                "user_id": request.user_id,
            }
            self._state.server_groups.put(row)
        return {"server_group": _view(request, row)}

    def show(self, request: wsgi.Request, group_id: str) -> wsgi.Result:
        """Show a group."""
        return {"server_group": _view(request, self.find(request, group_id))}

    def delete(self, request: wsgi.Request, group_id: str) -> wsgi.Result:
        """Delete a group; its servers stay."""
        self._state.server_groups.delete(self.find(request, group_id)["id"])
        return 204, None

    def add(self, group_id: str, server_id: str) -> None:
        """Make a server a member."""
        with self._state.lock:
            row = self._state.server_groups.get(group_id)
            if row is not None and server_id not in row["members"]:
                row["members"].append(server_id)
                self._state.server_groups.put(row)

    def remove(self, server_id: str) -> None:
        """Take a server out of its group."""
        with self._state.lock:
            for row in self._state.server_groups.list(
                lambda group: server_id in group["members"]
            ):
                row["members"].remove(server_id)
                self._state.server_groups.put(row)


def _view(request: wsgi.Request, row: store.Document) -> dict[str, typing.Any]:
    view = {"id": row["id"], "name": row["name"], "members": row["members"]}
    if request.version >= (2, 64):
        view |= {"policy": row["policy"], "rules": row["rules"]}
    else:
        view |= {"policies": [row["policy"]], "metadata": {}}
    if request.version >= (2, 13):
        view["project_id"] = row["project_id"]
        view["user_id"] = row["user_id"]
    return view
