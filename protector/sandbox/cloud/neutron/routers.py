# SPDX-License-Identifier: Apache-2.0
"""Neutron's routers: their gateway and their interfaces."""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.neutron import collection, ports, quotas
from protector.sandbox.cloud.neutron.collection import Attribute, Caller

_INTERFACE = "network:router_interface"
_GATEWAY = "network:router_gateway"


class Routers(collection.Collection):
    """Routers."""

    plural, singular, title = "routers", "router", "Router"
    attributes = collection.COMMON | {
        "admin_state_up": Attribute(True),
        "status": collection.READ_ONLY,
        "external_gateway_info": Attribute(None),
        "routes": Attribute([]),
        "distributed": Attribute(False, admin=True, hidden=True),
        "ha": Attribute(False, admin=True, hidden=True),
        "flavor_id": Attribute(None, put=False),
        "availability_zone_hints": Attribute([], put=False),
        "availability_zones": collection.READ_ONLY,
    }

    def __init__(
        self,
        cloud: context.Cloud,
        limits: quotas.Quotas,
        all_ports: ports.Ports,
    ) -> None:
        super().__init__(cloud, limits)
        self._ports = all_ports

    def routes(self) -> collections.abc.Iterator[wsgi.Route]:
        """Yield the common routes and the two of interfaces."""
        yield from super().routes()
        item = "/v2.0/routers/<resource_id>"
        for verb, handler in (
            ("add_router_interface", self.add),
            ("remove_router_interface", self.detach),
        ):
            yield wsgi.Route("PUT", f"{item}/{verb}", handler, action=verb)

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Bring it up and connect its gateway."""
        row.update(status="ACTIVE", availability_zones=["nova"])
        self._connect(row)

    def updating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        before: store.Document,
    ) -> None:
        """Change the gateway when it is given."""
        if "external_gateway_info" in given:
            self._remove_ports(row["id"], _GATEWAY)
            self._connect(row)

    def deleting(self, caller: Caller, row: store.Document) -> None:
        """Refuse while it has interfaces; the gateway goes with it."""
        rows = self._ports.table.list(
            device_id=row["id"], device_owner=_INTERFACE
        )
        if rows:
            raise errors.Conflict(
                f"Router {row['id']} still has ports", kind="RouterInUse"
            )
        self._remove_ports(row["id"], _GATEWAY)

    def add(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Connect a subnet, at its gateway address, or a port."""
        return self.connect(Caller.of(request), resource_id, request.json())

    def connect(
        self, caller: Caller, router_id: str, given: dict[str, typing.Any]
    ) -> dict[str, typing.Any]:
        """Add an interface: ``subnet_id`` or ``port_id``."""
        with self._store.lock:
            router = self.find(caller, router_id)
            if given.get("port_id"):
                port = self._ports.find(caller, given["port_id"])
            else:
                port = self._at_gateway(caller, router, given)
            port.update(
                device_id=router["id"],
                device_owner=_INTERFACE,
                status="ACTIVE",
            )
            self._ports.table.put(port)
        return _interface(router, port)

    def detach(self, request: wsgi.Request, resource_id: str) -> wsgi.Result:
        """Disconnect a subnet or port; the port is deleted."""
        caller = Caller.of(request)
        given = request.json()
        with self._store.lock:
            router = self.find(caller, resource_id)
            port = self._interface(router, given)
            self._check_unused(port)
            self._ports.table.delete(port["id"])
        return _interface(router, port)

    def external_of(self, subnet_id: str) -> list[tuple[str, str]]:
        """Return (router, external network) pairs that reach a subnet."""
        found = []
        for router in self.table.list():
            gateway = router["external_gateway_info"]
            rows = self._ports.table.list(
                device_id=router["id"], device_owner=_INTERFACE
            )
            ids = {ip["subnet_id"] for row in rows for ip in row["fixed_ips"]}
            if gateway and subnet_id in ids:
                found.append((router["id"], gateway["network_id"]))
        return found

    def _connect(self, row: store.Document) -> None:
        info = row["external_gateway_info"]
        if not info:
            row["external_gateway_info"] = None
            return
        network = self._store.table("networks").get(info["network_id"])
        if network is None or not network["router:external"]:
            raise collection.bad_request(
                f"Bad router request: Network {info['network_id']} is not an "
                "external network."
            )
        port = self._ports.create(
            Caller("", True),
            {
                "network_id": network["id"],
                "device_id": row["id"],
                "device_owner": _GATEWAY,
                "security_groups": [],
                "fixed_ips": info.get("external_fixed_ips"),
            },
        )
        row["external_gateway_info"] = {
            "network_id": network["id"],
            "enable_snat": info.get("enable_snat", True),
            "external_fixed_ips": port["fixed_ips"],
        }

    def _at_gateway(
        self,
        caller: Caller,
        router: store.Document,
        given: dict[str, typing.Any],
    ) -> store.Document:
        subnet = self._store.table("subnets").get(given.get("subnet_id") or "")
        if subnet is None or not (
            caller.is_admin or subnet["project_id"] == caller.project_id
        ):
            raise errors.NotFound(
                f"Subnet {given.get('subnet_id')} could not be found.",
                kind="SubnetNotFound",
            )
        address = {
            "subnet_id": subnet["id"],
            "ip_address": subnet["gateway_ip"],
        }
        port = self._ports.create(
            Caller(router["project_id"], True),
            {
                "network_id": subnet["network_id"],
                "fixed_ips": [address],
                "security_groups": [],
            },
        )
        return self._ports.table.get(port["id"]) or {}

    def _interface(
        self, router: store.Document, given: dict[str, typing.Any]
    ) -> store.Document:
        for row in self._ports.table.list(
            device_id=router["id"], device_owner=_INTERFACE
        ):
            ids = {item["subnet_id"] for item in row["fixed_ips"]}
            if row["id"] == given.get("port_id") or (
                given.get("subnet_id") in ids
            ):
                return row
        raise errors.NotFound(
            f"Router {router['id']} has no interface on subnet "
            f"{given.get('subnet_id')}",
            kind="RouterInterfaceNotFoundForSubnet",
        )

    def _check_unused(self, port: store.Document) -> None:
        subnets = {item["subnet_id"] for item in port["fixed_ips"]}
        floating = self._store.table("floatingips")
        for row in floating.list(router_id=port["device_id"]):
            inner = self._ports.table.get(row["port_id"]) or {}
            ips = inner.get("fixed_ips", ())
            if subnets & {item["subnet_id"] for item in ips}:
                raise errors.Conflict(
                    f"Router interface for subnet {sorted(subnets)[0]} on "
                    f"router {port['device_id']} cannot be deleted, as it "
                    "is required by one or more floating IPs.",
                    kind="RouterInterfaceInUseByFloatingIP",
                )

    def _remove_ports(self, router_id: str, owner: str) -> None:
        table = self._ports.table
        for row in table.list(device_id=router_id, device_owner=owner):
            table.delete(row["id"])


def _interface(
    router: store.Document, port: store.Document
) -> dict[str, typing.Any]:
    subnets = [item["subnet_id"] for item in port["fixed_ips"]]
    return {
        "id": router["id"],
        "project_id": router["project_id"],
        "tenant_id": router["project_id"],
        "port_id": port["id"],
        "network_id": port["network_id"],
        "subnet_id": subnets[0] if subnets else None,
        "subnet_ids": subnets,
    }
