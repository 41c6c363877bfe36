# SPDX-License-Identifier: Apache-2.0
"""``/group_types`` (3.11 and later); specs are for admins.

Source: cinder/api/v3/group_types.py and group_specs.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.cinder import refusals, views
from protector.sandbox.cloud.cinder import state as states


class GroupTypes:
    """The group types API."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/group_types/<type_id>"
        specs = f"{one}/group_specs"
        change = "group:group_types:"
        access = "group:group_types_specs:"
        rows = [
            ("GET", "/group_types", self.index, "reader", None),
            ("POST", "/group_types", self.create, "admin", f"{change}create"),
            ("GET", one, self.show, "reader", None),
            ("PUT", one, self.update, "admin", f"{change}update"),
            ("DELETE", one, self.delete, "admin", f"{change}delete"),
            ("GET", specs, self.list_specs, "admin", f"{access}get_all"),
            ("POST", specs, self.set_specs, "admin", f"{access}create"),
            ("GET", f"{specs}/<key>", self.spec, "admin", f"{access}get"),
            ("PUT", f"{specs}/<key>", self.put, "admin", f"{access}update"),
            (
                "DELETE",
                f"{specs}/<key>",
                self.drop,
                "admin",
                f"{access}delete",
            ),
        ]
        return [(*row, ("3.11", None)) for row in rows]

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List group types, by name."""
        rows = sorted(self._state.group_types.list(), key=lambda r: r["name"])
        shown = [r for r in rows if r["is_public"] or request.is_admin]
        return {"group_types": [views.group_type(request, r) for r in shown]}

    def show(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Show a group type."""
        if type_id == "default":
            raise errors.NotFound("Default group type can not be found.")
        row = self._row(type_id)
        return {"group_type": views.group_type(request, row)}

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a group type (202)."""
        body = request.body("group_type")
        name = str(body.get("name", "")).strip()
        if not name:
            raise errors.BadRequest("Group type name can not be empty.")
        if self._state.group_types.first(name=name):
            raise errors.Conflict(f"Group Type {name} already exists.")
        row = new_group_type(
            name,
            body.get("group_specs") or {},
            body.get("description"),
            views.is_true(body.get("is_public", True)),
        )
        self._state.group_types.put(row)
        return 202, {"group_type": views.group_type(request, row)}

    def update(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Change name, description or visibility."""
        row = self._row(type_id)
        body = request.body("group_type")
        keys = ("name", "description", "is_public")
        changes = {k: body[k] for k in keys if body.get(k) is not None}
        row = self._state.group_types.update(row["id"], **changes)
        return {"group_type": views.group_type(request, row)}

    def delete(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Delete a group type that no group has (202)."""
        row = self._row(type_id)
        if self._state.groups.count(group_type_id=row["id"]):
            raise errors.BadRequest("Target group type is still in use.")
        self._state.group_types.delete(row["id"])
        return 202, None

    def list_specs(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """List the specs."""
        return {"group_specs": self._row(type_id)["group_specs"]}

    def set_specs(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Merge specs in (202)."""
        body = request.body("group_specs")
        self._change(type_id, body)
        return 202, {"group_specs": body}

    def spec(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Show one spec."""
        specs = self._row(type_id)["group_specs"]
        if key not in specs:
            raise _no_spec(type_id, key)
        return {key: specs[key]}

    def put(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Set one spec."""
        body = request.json()
        if key not in body:
            raise errors.BadRequest("Request body and URI mismatch")
        self._change(type_id, {key: body[key]})
        return body

    def drop(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Remove one spec (202)."""
        if key not in self._row(type_id)["group_specs"]:
            raise _no_spec(type_id, key)
        self._change(type_id, {key: None})
        return 202, None

    def _change(self, type_id: str, specs: dict[str, typing.Any]) -> None:
        with self._state.lock:
            row = self._row(type_id)
            merged = {**row["group_specs"], **specs}
            merged = {k: v for k, v in merged.items() if v is not None}
            self._state.group_types.update(row["id"], group_specs=merged)

    def _row(self, type_id: str) -> store.Document:
        row = self._state.group_types.get(type_id)
        if row is None:
            raise refusals.not_found("Group type", type_id)
        return row


def new_group_type(
    name: str,
    specs: dict[str, str],
    description: str | None = None,
    is_public: bool = True,
) -> store.Document:
    """Return a new group type's row."""
    return {
        "id": context.new_id(),
        "name": name,
        "description": description,
        "is_public": is_public,
        "group_specs": dict(specs),
    }


def _no_spec(type_id: str, key: str) -> errors.ApiError:
    return errors.NotFound(
        f"Group Type {type_id} has no specs with key {key}."
    )
