# SPDX-License-Identifier: Apache-2.0
"""Neutron's floating IPs."""

import typing

from protector.sandbox.cloud import context, errors, store
from protector.sandbox.cloud.neutron import (
    collection,
    ports,
    quotas,
    routers,
)
from protector.sandbox.cloud.neutron.collection import Attribute, Caller


class FloatingIps(collection.Collection):
    """Floating IPs: an address outside for one inside."""

    plural, singular, title = "floatingips", "floatingip", "Floating IP"
    required = ("floating_network_id",)
    attributes = collection.COMMON | {
        "floating_network_id": Attribute(put=False),
        "floating_ip_address": Attribute(None, put=False, admin=True),
        "subnet_id": Attribute(None, put=False),
        "port_id": Attribute(None),
        "fixed_ip_address": Attribute(None),
        "router_id": collection.READ_ONLY,
        "status": collection.READ_ONLY,
        "dns_name": Attribute("", put=False),
        "dns_domain": Attribute("", put=False),
        "qos_policy_id": Attribute(None),
        "port_details": collection.READ_ONLY,
    }

    def __init__(
        self,
        cloud: context.Cloud,
        limits: quotas.Quotas,
        all_ports: ports.Ports,
        all_routers: routers.Routers,
    ) -> None:
        super().__init__(cloud, limits)
        self._ports = all_ports
        self._routers = all_routers

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Take an address of the external network, and associate it."""
        network = self._store.table("networks").get(row["floating_network_id"])
        if network is None or not network["router:external"]:
            raise collection.bad_request(
                f"Network {row['floating_network_id']} is not a valid "
                "external network"
            )
        address = {
            "ip_address": row["floating_ip_address"],
            "subnet_id": row["subnet_id"],
        }
        asked = {name: value for name, value in address.items() if value}
        port = self._ports.create(
            Caller("", True),
            {
                "network_id": network["id"],
                "device_id": row["id"],
                "device_owner": "network:floatingip",
                "security_groups": [],
                "fixed_ips": [asked] if asked else None,
            },
        )
        row["floating_ip_address"] = port["fixed_ips"][0]["ip_address"]
        self._associate(caller, row)

    def updating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        before: store.Document,
    ) -> None:
        """Associate with another port, or with none."""
        if "port_id" in given:
            if "fixed_ip_address" not in given:
                row["fixed_ip_address"] = None
            self._associate(caller, row)

    def deleting(self, caller: Caller, row: store.Document) -> None:
        """Give the address back."""
        table = self._ports.table
        for port in table.list(device_id=row["id"]):
            table.delete(port["id"])

    def not_found(self, key: typing.Any) -> errors.NotFound:
        """Return the 404."""
        return errors.NotFound(
            f"Floating IP {key} could not be found", kind="FloatingIPNotFound"
        )

    def computed(self, row: store.Document) -> dict[str, typing.Any]:
        """Show a little of its port."""
        port = self._ports.table.get(row["port_id"] or "")
        if port is None:
            return {"port_details": None}
        names = ("name", "network_id", "mac_address", "admin_state_up")
        names += ("status", "device_id", "device_owner")
        return {"port_details": {name: port[name] for name in names}}

    def _associate(self, caller: Caller, row: store.Document) -> None:
        if not row["port_id"]:
            row.update(port_id=None, fixed_ip_address=None, router_id=None)
            row["status"] = "DOWN"
            return
        port = self._ports.find(caller, row["port_id"])
        fixed = self._fixed_ip(row, port)
        row["fixed_ip_address"] = fixed["ip_address"]
        row["router_id"] = self._router(row, port, fixed["subnet_id"])
        row["status"] = "ACTIVE"
        other = self.table.first(
            port_id=port["id"], fixed_ip_address=fixed["ip_address"]
        )
        if other is not None and other["id"] != row["id"]:
            raise errors.Conflict(
                "Cannot associate floating IP "
                f"{row['floating_ip_address']} ({row['id']}) with port "
                f"{port['id']} using fixed IP {fixed['ip_address']}, as "
                "that fixed IP already has a floating IP on external "
                f"network {row['floating_network_id']}.",
                kind="FloatingIPPortAlreadyAssociated",
            )

    def _fixed_ip(
        self, row: store.Document, port: store.Document
    ) -> dict[str, str]:
        wanted = row["fixed_ip_address"]
        for item in port["fixed_ips"]:
            if wanted in (None, item["ip_address"]):
                return typing.cast(dict[str, str], item)
        raise collection.bad_request(
            f"Bad floatingip request: Port {port['id']} does not have fixed "
            f"ip {wanted}."
        )

    def _router(
        self, row: store.Document, port: store.Document, subnet_id: str
    ) -> str:
        for router_id, network_id in self._routers.external_of(subnet_id):
            if network_id == row["floating_network_id"]:
                return router_id
        raise errors.NotFound(
            f"External network {row['floating_network_id']} is not "
            f"reachable from subnet {subnet_id}. Therefore, cannot "
            f"associate Port {port['id']} with a Floating IP.",
            kind="ExternalGatewayForFloatingIPNotFound",
        )
