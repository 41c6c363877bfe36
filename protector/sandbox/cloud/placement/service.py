# SPDX-License-Identifier: Apache-2.0
"""The emulated Placement: providers, inventories, candidates; read only.

Source of paths and shapes: the Placement API reference.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, microversions, wsgi
from protector.sandbox.cloud.placement import capacity


class Placement(wsgi.Service):
    """Placement 1.0 to 1.39, for admins and services."""

    name = "placement"
    prefix = "/placement"
    microversions = microversions.Microversions("placement", "1.0", "1.39")
    render_error = staticmethod(errors.placement_body)

    def __init__(self, cloud: context.Cloud) -> None:
        self.node = capacity.Node(cloud)
        super().__init__(cloud)

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield all routes."""
        rule = "/resource_providers"
        item = f"{rule}/<provider_id>"
        yield "GET", "/", self.versions, "public"
        for path, handler in (
            (rule, self.providers),
            (item, self.provider),
            (f"{item}/inventories", self.inventories),
            (f"{item}/inventories/<resource>", self.inventory),
            (f"{item}/usages", self.usages),
            (f"{item}/allocations", self.allocations_of),
            (f"{item}/traits", self.traits_of),
            (f"{item}/aggregates", self.aggregates_of),
            ("/allocations/<consumer_id>", self.allocations),
            ("/allocation_candidates", self.candidates),
            ("/usages", self.project_usages),
            ("/resource_classes", self.classes),
            ("/traits", self.traits),
        ):
            yield "GET", path, handler, "service"

    def forbidden(self, route: wsgi.Route) -> errors.ApiError:
        """Return Placement's own 403."""
        return errors.Forbidden("Access was denied to this resource.")

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """The one version, with its range."""
        return {
            "versions": [
                {
                    "id": "v1.0",
                    "max_version": "1.39",
                    "min_version": "1.0",
                    "status": "CURRENT",
                    "links": [{"rel": "self", "href": ""}],
                }
            ]
        }

    def providers(self, request: wsgi.Request) -> wsgi.Result:
        """List the node."""
        query = request.query
        fits = query.get("name") in (None, self.node.name) and all(
            query.get(name) in (None, self.node.id)
            for name in ("uuid", "in_tree")
        )
        if "resources" in query:
            fits = fits and self._fits(_resources(query["resources"]))
        return {"resource_providers": [self._view()] if fits else []}

    def provider(self, request: wsgi.Request, provider_id: str) -> wsgi.Result:
        """Show the node."""
        self._check(provider_id)
        return self._view()

    def inventories(
        self, request: wsgi.Request, provider_id: str
    ) -> wsgi.Result:
        """Show what the node has."""
        self._check(provider_id)
        rows = self.node.inventories()
        return {
            "resource_provider_generation": 1,
            "inventories": {
                name: _inventory(row) for name, row in rows.items()
            },
        }

    def inventory(
        self, request: wsgi.Request, provider_id: str, resource: str
    ) -> wsgi.Result:
        """Show what the node has of one resource."""
        self._check(provider_id)
        rows = self.node.inventories()
        if resource not in rows:
            raise errors.NotFound(
                f"No inventory of class {resource} for {provider_id}"
            )
        shown = _inventory(rows[resource])
        return {**shown, "resource_provider_generation": 1}

    def usages(self, request: wsgi.Request, provider_id: str) -> wsgi.Result:
        """Show what is used of the node."""
        self._check(provider_id)
        rows = self.node.inventories()
        return {
            "resource_provider_generation": 1,
            "usages": {name: row.used for name, row in rows.items()},
        }

    def allocations_of(
        self, request: wsgi.Request, provider_id: str
    ) -> wsgi.Result:
        """Show who uses the node."""
        self._check(provider_id)
        rows = self.node.consumers()
        return {
            "resource_provider_generation": 1,
            "allocations": {k: {"resources": v} for k, v in rows.items()},
        }

    def traits_of(
        self, request: wsgi.Request, provider_id: str
    ) -> wsgi.Result:
        """The node has no traits."""
        self._check(provider_id)
        return {"resource_provider_generation": 1, "traits": []}

    def aggregates_of(
        self, request: wsgi.Request, provider_id: str
    ) -> wsgi.Result:
        """The node is in no aggregate."""
        self._check(provider_id)
        return {"resource_provider_generation": 1, "aggregates": []}

    def allocations(
        self, request: wsgi.Request, consumer_id: str
    ) -> wsgi.Result:
        """Show what a server takes, {} when nothing."""
        taken = self.node.allocation(consumer_id)
        entry = {"resources": taken, "generation": 1}
        return {"allocations": {self.node.id: entry} if taken else {}}

    def candidates(self, request: wsgi.Request) -> wsgi.Result:
        """Say whether the node has room for ``resources``."""
        text = request.query.get("resources")
        if not text:
            raise errors.BadRequest(
                "Badly formed querystring: 'resources' is a required property"
            )
        asked = _resources(text)
        if not self._fits(asked):
            return {"allocation_requests": [], "provider_summaries": {}}
        found: dict[str, typing.Any] = {
            "allocations": {self.node.id: {"resources": asked}}
        }
        if request.version >= (1, 34):
            found["mappings"] = {"": [self.node.id]}
        return {
            "allocation_requests": [found],
            "provider_summaries": {self.node.id: self._summary()},
        }

    def project_usages(self, request: wsgi.Request) -> wsgi.Result:
        """Show what a project uses."""
        project_id = request.query.get("project_id")
        if not project_id:
            raise errors.BadRequest("'project_id' is a required property")
        return {"usages": self.node.usage_of(project_id)}

    def classes(self, request: wsgi.Request) -> wsgi.Result:
        """List the resource classes that the node has."""
        names = self.node.inventories()
        return {"resource_classes": [{"name": n, "links": []} for n in names]}

    def traits(self, request: wsgi.Request) -> wsgi.Result:
        """There are no traits."""
        return {"traits": []}

    def _fits(self, asked: dict[str, int]) -> bool:
        rows = self.node.inventories()
        return all(
            name in rows and rows[name].used + amount <= rows[name].capacity
            for name, amount in asked.items()
        )

    def _summary(self) -> dict[str, typing.Any]:
        rows = self.node.inventories()
        return {
            "resources": {
                name: {"capacity": row.capacity, "used": row.used}
                for name, row in rows.items()
            },
            "traits": [],
            "parent_provider_uuid": None,
            "root_provider_uuid": self.node.id,
        }

    def _view(self) -> dict[str, typing.Any]:
        path = f"{self.prefix}/resource_providers/{self.node.id}"
        names = ("", "/inventories", "/usages", "/aggregates", "/traits")
        links = [
            {"rel": name.strip("/") or "self", "href": path + name}
            for name in (*names, "/allocations")
        ]
        return {
            "uuid": self.node.id,
            "name": self.node.name,
            "generation": 1,
            "parent_provider_uuid": None,
            "root_provider_uuid": self.node.id,
            "links": links,
        }

    def _check(self, provider_id: str) -> None:
        if provider_id != self.node.id:
            raise errors.NotFound(
                f"No resource provider with uuid {provider_id} found"
            )


def _inventory(row: capacity.Inventory) -> dict[str, typing.Any]:
    return {
        "total": row.total,
        "reserved": row.reserved,
        "min_unit": 1,
        "max_unit": row.total,
        "step_size": 1,
        "allocation_ratio": row.ratio,
    }


def _resources(text: str) -> dict[str, int]:
    """Read ``VCPU:1,MEMORY_MB:512``."""
    found = {}
    for item in text.split(","):
        name, _, amount = item.partition(":")
        if not name or not amount.isdecimal() or int(amount) < 1:
            raise errors.BadRequest(
                f"Badly formed resources parameter. Got: {text}."
            )
        found[name] = int(amount)
    return found
