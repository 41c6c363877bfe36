# SPDX-License-Identifier: Apache-2.0
"""Neutron's networks and subnets."""

import ipaddress
import typing

from protector.sandbox.cloud import errors, store
from protector.sandbox.cloud.neutron import collection
from protector.sandbox.cloud.neutron.collection import Attribute

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_MTU = 1450


class Networks(collection.Collection):
    """Networks: one's own, the shared and the external ones."""

    plural, singular, title = "networks", "network", "Network"
    attributes = collection.COMMON | {
        "admin_state_up": Attribute(True),
        "status": collection.READ_ONLY,
        "subnets": collection.READ_ONLY,
        "shared": Attribute(False, admin=True),
        "router:external": Attribute(False, admin=True),
        "is_default": Attribute(False, admin=True),
        "port_security_enabled": Attribute(True),
        "mtu": Attribute(_MTU),
        "dns_domain": Attribute(""),
        "qos_policy_id": Attribute(None),
        "availability_zone_hints": Attribute([], put=False),
        "availability_zones": collection.READ_ONLY,
        "ipv4_address_scope": collection.READ_ONLY,
        "ipv6_address_scope": collection.READ_ONLY,
        "vlan_transparent": Attribute(None, put=False),
        "provider:network_type": Attribute("geneve", admin=True, hidden=True),
        "provider:physical_network": Attribute(None, admin=True, hidden=True),
        "provider:segmentation_id": Attribute(None, admin=True, hidden=True),
    }

    def is_visible(
        self, caller: collection.Caller, row: store.Document
    ) -> bool:
        """One's own, shared, or external."""
        return bool(
            row["shared"]
            or row["router:external"]
            or super().is_visible(caller, row)
        )

    def creating(
        self,
        caller: collection.Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Bring it up and number its segment."""
        row["status"] = "ACTIVE"
        row["availability_zones"] = ["nova"]
        if row["provider:segmentation_id"] is None:
            row["provider:segmentation_id"] = 1000 + self.table.count()

    def deleting(self, caller: collection.Caller, row: store.Document) -> None:
        """Refuse while ports are on it; subnets go with it."""
        ports = self._store.table("ports").list(network_id=row["id"])
        if ports:
            ids = ", ".join(port["id"] for port in ports)
            raise errors.Conflict(
                f"Unable to complete operation on network {row['id']}. "
                "There are one or more ports still in use on the network, "
                f"id(s) of the ports: {ids}.",
                kind="NetworkInUse",
            )
        subnets = self._store.table("subnets")
        for subnet in subnets.list(network_id=row["id"]):
            subnets.delete(subnet["id"])

    def computed(self, row: store.Document) -> dict[str, typing.Any]:
        """Name its subnets."""
        rows = self._store.table("subnets").list(network_id=row["id"])
        return {"subnets": [subnet["id"] for subnet in rows]}


class Subnets(collection.Collection):
    """Subnets; whoever sees a network sees them."""

    plural, singular, title = "subnets", "subnet", "Subnet"
    required = ("network_id", "cidr", "ip_version")
    attributes = collection.COMMON | {
        "network_id": Attribute(put=False),
        "cidr": Attribute(put=False),
        "ip_version": Attribute(put=False),
        "gateway_ip": Attribute(None),
        "allocation_pools": Attribute(None),
        "enable_dhcp": Attribute(True),
        "dns_nameservers": Attribute([]),
        "host_routes": Attribute([]),
        "ipv6_ra_mode": Attribute(None, put=False),
        "ipv6_address_mode": Attribute(None, put=False),
        "subnetpool_id": Attribute(None, put=False),
        "service_types": Attribute([]),
        "segment_id": Attribute(None, admin=True),
        "dns_publish_fixed_ip": Attribute(False),
    }

    def is_visible(
        self, caller: collection.Caller, row: store.Document
    ) -> bool:
        """One's own, or on a shared network."""
        if super().is_visible(caller, row):
            return True
        network = self._store.table("networks").get(row["network_id"])
        return bool(network and network["shared"])

    def creating(
        self,
        caller: collection.Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Check the range; choose gateway and pool when not given."""
        network = self._network(caller, row["network_id"])
        row["project_id"] = network["project_id"]
        cidr = _cidr(row)
        row["cidr"] = str(cidr)
        self._check_overlap(row, cidr)
        if "gateway_ip" not in given:
            row["gateway_ip"] = str(cidr[1])
        elif row["gateway_ip"]:
            _check_inside(row["gateway_ip"], cidr, "gateway_ip")
        if not row["allocation_pools"]:
            row["allocation_pools"] = default_pools(cidr, row["gateway_ip"])
        for pool in row["allocation_pools"]:
            _check_inside(pool["start"], cidr, "allocation_pools")
            _check_inside(pool["end"], cidr, "allocation_pools")

    def deleting(self, caller: collection.Caller, row: store.Document) -> None:
        """Refuse while a port has an address of it."""

        def uses(port: store.Document) -> bool:
            return any(
                ip["subnet_id"] == row["id"] for ip in port["fixed_ips"]
            )

        if self._store.table("ports").first(uses):
            raise errors.Conflict(
                f"Unable to complete operation on subnet {row['id']}: One "
                "or more ports have an IP allocation from this subnet.",
                kind="SubnetInUse",
            )

    def _network(
        self, caller: collection.Caller, network_id: str
    ) -> store.Document:
        network = self._store.table("networks").get(network_id)
        own = network and network["project_id"] == caller.project_id
        if network is None or not (own or caller.is_admin):
            raise errors.NotFound(
                f"Network {network_id} could not be found.",
                kind="NetworkNotFound",
            )
        return network

    def _check_overlap(self, row: store.Document, cidr: Network) -> None:
        for other in self.table.list(network_id=row["network_id"]):
            if _cidr(other).overlaps(cidr):
                raise collection.invalid(
                    f"Requested subnet with cidr: {cidr} for network: "
                    f"{row['network_id']} overlaps with another subnet"
                )


def _cidr(row: store.Document) -> Network:
    try:
        return ipaddress.ip_network(row["cidr"], strict=False)
    except ValueError:
        raise errors.BadRequest(
            f"Invalid input for cidr. Reason: '{row['cidr']}' is not a "
            "valid IP subnet.",
            kind="HTTPBadRequest",
        ) from None


def _check_inside(address: str, cidr: Network, name: str) -> None:
    try:
        inside = ipaddress.ip_address(address) in cidr
    except ValueError:
        inside = False
    if not inside:
        raise collection.invalid(f"{name} {address} is not in {cidr}")


def default_pools(cidr: Network, gateway: str | None) -> list[dict[str, str]]:
    """Return the pools Neutron makes: all but the ends and the gateway."""
    first, last = int(cidr[1]), int(cidr[-1])
    if cidr.version == 4:
        last -= 1
    make = ipaddress.ip_address
    spans = [(first, last)]
    if gateway:
        at = int(make(gateway))
        spans = [(first, at - 1), (at + 1, last)]
    return [
        {"start": str(_address(cidr, low)), "end": str(_address(cidr, high))}
        for low, high in spans
        if low <= high
    ]


def _address(cidr: Network, number: int) -> typing.Any:
    return cidr.network_address + (number - int(cidr.network_address))
