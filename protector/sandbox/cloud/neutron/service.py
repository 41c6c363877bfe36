# SPDX-License-Identifier: Apache-2.0
"""The emulated Neutron: versions, extensions, and its collections.

Source of paths and shapes: the Networking API v2 reference.
"""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.neutron import (
    extensions,
    floating_ips,
    networks,
    ports,
    quotas,
    routers,
    security_groups,
    seeding,
    tags,
)
from protector.sandbox.cloud.neutron.collection import Caller


class Neutron(wsgi.Service):
    """Networking v2.0."""

    name = "network"
    prefix = "/network"
    render_error = staticmethod(errors.neutron_body)

    def __init__(self, cloud: context.Cloud) -> None:
        self.quotas = limits = quotas.Quotas(cloud)
        self.networks = networks.Networks(cloud, limits)
        self.subnets = networks.Subnets(cloud, limits)
        self.security_groups = security_groups.SecurityGroups(cloud, limits)
        self.security_group_rules = security_groups.SecurityGroupRules(
            cloud, limits, self.security_groups
        )
        self.ports = ports.Ports(cloud, limits, self.security_groups)
        self.routers = routers.Routers(cloud, limits, self.ports)
        self.floating_ips = floating_ips.FloatingIps(
            cloud, limits, self.ports, self.routers
        )
        super().__init__(cloud)

    def seed(self) -> None:
        """Write networks, the router and demo's security group."""
        seeding.seed_neutron(self.cloud, self)

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield all routes."""
        yield "GET", "/", self.versions, "public"
        yield "GET", "/v2.0", self.resources, "public"
        yield from self.quotas.routes()
        for part in self._collections():
            yield from part.routes()
            yield from tags.Tags(part).routes()
        yield from extensions.routes()

    def forbidden(self, route: wsgi.Route) -> errors.ApiError:
        """Return Neutron's own 403."""
        action = route.action or route.handler.__name__
        return errors.Forbidden(
            f"rule:{action} is disallowed by policy",
            kind="PolicyNotAuthorized",
        )

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """The versions there are: v2.0."""
        link = {"rel": "self", "href": f"{request.base}/v2.0/"}
        version = {"id": "v2.0", "status": "CURRENT", "links": [link]}
        return {"versions": [version]}

    def resources(self, request: wsgi.Request) -> wsgi.Result:
        """The collections there are."""
        names = [part.plural for part in self._collections()]
        return {
            "resources": [
                {
                    "name": name.removesuffix("s"),
                    "collection": name,
                    "links": [
                        {"rel": "self", "href": f"{request.base}/v2.0/{name}"}
                    ],
                }
                for name in names
            ]
        }

    # --- for Nova, in the process ------------------------------------------

    def networks_of(self, project_id: str) -> list[store.Document]:
        """Return the networks Nova chooses from for a project.

        Its own and the shared ones, not the external ones.
        """
        return self.store.table("networks").list(
            lambda row: (
                not row["router:external"]
                and (row["shared"] or row["project_id"] == project_id)
            )
        )

    def create_port(
        self, project_id: str, body: dict[str, typing.Any]
    ) -> store.Document:
        """Create a port for a project, with a service's rights.

        :param body: what ``POST /ports`` takes below ``port``.
        :raises errors.ApiError: as the API does (network, quota, address).
        """
        return self.ports.create(
            Caller(project_id, True), {**body, "project_id": project_id}
        )

    def bind_port(
        self, port_id: str, device_id: str, device_owner: str, host: str
    ) -> store.Document:
        """Give a port to a device on a host; it becomes ACTIVE.

        :raises NotFound: there is no such port.
        """
        return self._update_port(
            port_id,
            {
                "device_id": device_id,
                "device_owner": device_owner,
                "binding:host_id": host,
            },
        )

    def unbind_port(
        self, port_id: str, keep_device: bool = False
    ) -> store.Document:
        """Take a port from its host; MAC, addresses and id stay.

        :param keep_device: as for a shelved server, whose port it stays.
        :raises NotFound: there is no such port.
        """
        change: dict[str, typing.Any] = {"binding:host_id": ""}
        if not keep_device:
            change.update(device_id="", device_owner="")
        return self._update_port(port_id, change)

    def delete_port(self, port_id: str) -> None:
        """Delete a port; nothing when it is gone already."""
        if port_id in self.ports.table:
            self.ports.delete(Caller(None, True), port_id)

    def _update_port(
        self, port_id: str, change: dict[str, typing.Any]
    ) -> store.Document:
        return self.ports.update(Caller(None, True), port_id, change)

    def _collections(self) -> tuple[typing.Any, ...]:
        return (
            self.networks,
            self.subnets,
            self.ports,
            self.security_groups,
            self.security_group_rules,
            self.routers,
            self.floating_ips,
        )
