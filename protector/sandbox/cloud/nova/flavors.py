# SPDX-License-Identifier: Apache-2.0
"""``/flavors`` and their extra specs.

Source: nova/api/openstack/compute/flavors.py, views/flavors.py 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, pagination, store, wsgi
from protector.sandbox.cloud.nova import refusals, views
from protector.sandbox.cloud.nova import state as states


class Flavors:
    """The flavors API."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/flavors/<flavor_id>"
        specs = f"{one}/os-extra_specs"
        manage = "os_compute_api:os-flavor-manage:"
        extra = "os_compute_api:os-flavor-extra-specs:"
        return [
            ("GET", "/flavors", self.index, "reader"),
            ("GET", "/flavors/detail", self.detail, "reader"),
            ("POST", "/flavors", self.create, "admin", f"{manage}create"),
            ("GET", one, self.show, "reader"),
            ("PUT", one, self.update, "admin", f"{manage}update"),
            ("DELETE", one, self.delete, "admin", f"{manage}delete"),
            ("GET", specs, self.specs, "reader"),
            ("POST", specs, self.set_specs, "admin", f"{extra}create"),
            ("GET", f"{specs}/<key>", self.spec, "reader"),
            ("DELETE", f"{specs}/<key>", self.drop, "admin", f"{extra}delete"),
        ]

    def find(self, key: str) -> store.Document:
        """Return a flavor by id.

        :raises NotFound: none.
        """
        row = self._state.flavors.get(key)
        if row is None:
            raise errors.NotFound(f"Flavor {key} could not be found.")
        return row

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List flavors: id, name, links."""
        return self._list(request, _basic)

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List flavors with details."""
        return self._list(request, _full)

    def show(self, request: wsgi.Request, flavor_id: str) -> wsgi.Result:
        """Show a flavor."""
        return {"flavor": _full(request, self.find(flavor_id))}

    def create(self, request: wsgi.Request) -> wsgi.Result:
        """Create a flavor."""
        body = request.body("flavor")
        for key in ("name", "ram", "vcpus", "disk"):
            if key not in body:
                raise refusals.invalid_field(
                    "flavor", body, f"'{key}' is a required property"
                )
        key = str(body.get("id") or context.new_id())
        if key == "auto":
            key = context.new_id()
        if self._state.flavors.first(name=body["name"]):
            raise errors.Conflict(
                f"Flavor with name {body['name']} already exists."
            )
        if key in self._state.flavors:
            raise errors.Conflict(f"Flavor with ID {key} already exists.")
        row = new_flavor(body["name"], body["vcpus"], body["ram"], key)
        row["disk"] = int(body["disk"])
        row["ephemeral"] = int(body.get("OS-FLV-EXT-DATA:ephemeral") or 0)
        row["swap"] = int(body.get("swap") or 0)
        row["is_public"] = body.get("os-flavor-access:is_public", True)
        row["description"] = body.get("description")
        self._state.flavors.put(row)
        return {"flavor": _full(request, row)}

    def update(self, request: wsgi.Request, flavor_id: str) -> wsgi.Result:
        """Change the description."""
        row = self.find(flavor_id)
        text = request.body("flavor").get("description")
        row = self._state.flavors.update(row["id"], description=text)
        return {"flavor": _full(request, row)}

    def delete(self, request: wsgi.Request, flavor_id: str) -> wsgi.Result:
        """Delete a flavor; servers keep their copy (202)."""
        self._state.flavors.delete(self.find(flavor_id)["id"])
        return 202, None

    def specs(self, request: wsgi.Request, flavor_id: str) -> wsgi.Result:
        """List the extra specs."""
        return {"extra_specs": self.find(flavor_id)["extra_specs"]}

    def set_specs(self, request: wsgi.Request, flavor_id: str) -> wsgi.Result:
        """Merge extra specs in."""
        body = request.body("extra_specs")
        row = self.find(flavor_id)
        merged = {**row["extra_specs"], **body}
        self._state.flavors.update(row["id"], extra_specs=merged)
        return {"extra_specs": body}

    def spec(
        self, request: wsgi.Request, flavor_id: str, key: str
    ) -> wsgi.Result:
        """Show one extra spec."""
        specs = self.find(flavor_id)["extra_specs"]
        if key not in specs:
            raise _no_spec(flavor_id, key)
        return {key: specs[key]}

    def drop(
        self, request: wsgi.Request, flavor_id: str, key: str
    ) -> wsgi.Result:
        """Remove one extra spec."""
        row = self.find(flavor_id)
        if key not in row["extra_specs"]:
            raise _no_spec(flavor_id, key)
        del row["extra_specs"][key]
        self._state.flavors.put(row)
        return 200, None

    def _list(
        self,
        request: wsgi.Request,
        view: collections.abc.Callable[..., typing.Any],
    ) -> wsgi.Result:
        rows = [
            row
            for row in self._state.flavors.list()
            if row["is_public"] or request.is_admin
        ]
        rows.sort(key=lambda row: row["id"])
        answer = pagination.paginate(request, rows, "flavors")
        answer["flavors"] = [view(request, row) for row in answer["flavors"]]
        return answer


def new_flavor(name: str, vcpus: int, ram: int, key: str) -> store.Document:
    """Return a new flavor's row, without a local disk."""
    return {
        "id": key,
        "name": name,
        "vcpus": int(vcpus),
        "ram": int(ram),
        "disk": 0,
        "ephemeral": 0,
        "swap": 0,
        "is_public": True,
        "description": None,
        "extra_specs": {},
    }


def _basic(request: wsgi.Request, row: store.Document) -> store.Document:
    view = {
        "id": row["id"],
        "name": row["name"],
        "links": views.links(request, "flavors", row["id"]),
    }
    if request.version >= (2, 55):
        view["description"] = row["description"]
    return view


def _full(request: wsgi.Request, row: store.Document) -> store.Document:
    view = {
        **_basic(request, row),
        "ram": row["ram"],
        "disk": row["disk"],
        "vcpus": row["vcpus"],
        "swap": row["swap"] or (0 if request.version >= (2, 75) else ""),
        "OS-FLV-EXT-DATA:ephemeral": row["ephemeral"],
        "os-flavor-access:is_public": row["is_public"],
    }
    if request.version < (2, 102):
        view["OS-FLV-DISABLED:disabled"] = False
        view["rxtx_factor"] = 1.0
    if request.version >= (2, 61):
        view["extra_specs"] = row["extra_specs"]
    return view


def _no_spec(flavor_id: str, key: str) -> errors.ApiError:
    return errors.NotFound(
        f"Flavor {flavor_id} has no extra specs with key {key}."
    )
