# SPDX-License-Identifier: Apache-2.0
"""``/types``: volume types and their extra specs.

Source: cinder/api/v3/types.py, cinder/api/contrib/types_manage.py and
types_extra_specs.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, pagination, store, wsgi
from protector.sandbox.cloud.cinder import refusals, views
from protector.sandbox.cloud.cinder import state as states


class Types:
    """The volume types API."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/types/<type_id>"
        specs = f"{one}/extra_specs"
        manage = "volume_extension:type_"
        spec = "volume_extension:types_extra_specs:"
        return [
            ("GET", "/types", self.index, "reader"),
            ("POST", "/types", self.create, "admin", f"{manage}create"),
            ("GET", one, self.show, "reader"),
            ("PUT", one, self.update, "admin", f"{manage}update"),
            ("DELETE", one, self.delete, "admin", f"{manage}delete"),
            ("GET", specs, self.list_specs, "reader"),
            ("POST", specs, self.set_specs, "admin", f"{spec}create"),
            ("GET", f"{specs}/<key>", self.show_spec, "reader"),
            ("PUT", f"{specs}/<key>", self.set_spec, "admin", f"{spec}update"),
            (
                "DELETE",
                f"{specs}/<key>",
                self.delete_spec,
                "admin",
                f"{spec}delete",
            ),
            ("GET", f"{one}/encryption", self.encryption, "admin"),
            ("GET", f"{one}/os-volume-type-access", self.access, "admin"),
        ]

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List types, by name."""
        public = request.query.get("is_public")
        rows = [
            row
            for row in self._state.types.list()
            if row["is_public"] or request.is_admin
        ]
        if request.is_admin and public not in (None, "None", "none"):
            rows = [r for r in rows if r["is_public"] == views.is_true(public)]
        rows.sort(key=lambda row: row["name"])
        answer = pagination.paginate(request, rows, "volume_types")
        answer["volume_types"] = [
            views.volume_type(request, row) for row in answer["volume_types"]
        ]
        return answer

    def show(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Show a type by id, or ``default``."""
        if type_id == "default":
            row = self._state.volume_type("__DEFAULT__")
        else:
            row = self._row(type_id)
        return {"volume_type": views.volume_type(request, row)}

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a type."""
        body = request.body("volume_type")
        name = str(body.get("name", "")).strip()
        if not name:
            raise errors.BadRequest("Volume type name can not be empty.")
        if self._state.types.first(name=name):
            raise errors.Conflict(f"Volume Type {name} already exists.")
        row = new_type(
            name,
            body.get("extra_specs") or {},
            body.get("description"),
            views.is_true(body.get("os-volume-type-access:is_public", True)),
        )
        self._state.types.put(row)
        return {"volume_type": views.volume_type(request, row)}

    def update(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Change name, description or visibility."""
        row = self._row(type_id)
        body = request.body("volume_type")
        keys = ("name", "description", "is_public")
        changes = {k: body[k] for k in keys if body.get(k) is not None}
        row = self._state.types.update(row["id"], **changes)
        return {"volume_type": views.volume_type(request, row)}

    def delete(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Delete a type that no volume has (202)."""
        row = self._row(type_id)
        if self._state.volumes.count(volume_type_id=row["id"]):
            raise errors.BadRequest("Target volume type is still in use.")
        self._state.types.delete(row["id"])
        return 202, None

    def list_specs(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """List the extra specs the caller may see."""
        specs = self._row(type_id)["extra_specs"]
        return {"extra_specs": views.visible_specs(request, specs)}

    def set_specs(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Merge extra specs in, while no volume has the type."""
        body = request.body("extra_specs")
        self._change(type_id, body)
        return {"extra_specs": body}

    def show_spec(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Show one extra spec."""
        specs = views.visible_specs(request, self._row(type_id)["extra_specs"])
        if key not in specs:
            raise _no_spec(type_id, key)
        return {key: specs[key]}

    def set_spec(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Set one extra spec."""
        body = request.json()
        if key not in body:
            raise errors.BadRequest("Request body and URI mismatch")
        self._change(type_id, {key: body[key]})
        return body

    def delete_spec(
        self, request: wsgi.Request, type_id: str, key: str
    ) -> wsgi.Result:
        """Remove one extra spec."""
        if key not in self._row(type_id)["extra_specs"]:
            raise _no_spec(type_id, key)
        self._change(type_id, {key: None})
        return 202, None

    def encryption(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Show the encryption: none."""
        self._row(type_id)
        return {}

    def access(self, request: wsgi.Request, type_id: str) -> wsgi.Result:
        """Show who may use a private type."""
        row = self._row(type_id)
        if row["is_public"]:
            raise errors.NotFound(
                "Access list not available for public volume types."
            )
        return {"volume_type_access": []}

    def _change(self, type_id: str, specs: dict[str, typing.Any]) -> None:
        with self._state.lock:
            row = self._row(type_id)
            if self._state.volumes.count(volume_type_id=row["id"]):
                raise errors.BadRequest("Volume Type is currently in use.")
            merged = {**row["extra_specs"], **specs}
            merged = {k: v for k, v in merged.items() if v is not None}
            self._state.types.update(row["id"], extra_specs=merged)

    def _row(self, type_id: str) -> store.Document:
        row = self._state.types.get(type_id)
        if row is None:
            raise refusals.not_found("Volume type", type_id)
        return row


def new_type(
    name: str,
    specs: dict[str, str],
    description: str | None = None,
    is_public: bool = True,
) -> store.Document:
    """Return a new volume type's row."""
    return {
        "id": context.new_id(),
        "name": name,
        "description": description,
        "is_public": is_public,
        "extra_specs": dict(specs),
    }


def _no_spec(type_id: str, key: str) -> errors.ApiError:
    return errors.NotFound(
        f"Volume Type {type_id} has no extra specs with key {key}."
    )
