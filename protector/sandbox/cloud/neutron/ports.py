# SPDX-License-Identifier: Apache-2.0
"""Neutron's ports: addresses, security groups, binding, protection.

A port is DOWN until it is bound to a host for a device; then ACTIVE.
There are no agents: binding succeeds on every host.
"""

import typing

from protector.sandbox.cloud import context, errors, store
from protector.sandbox.cloud.neutron import (
    addresses,
    collection,
    quotas,
    security_groups,
)
from protector.sandbox.cloud.neutron.collection import Attribute, Caller

_ROUTED = (
    "network:router_interface",
    "network:router_gateway",
    "network:floatingip",
)
_OWNERS_ONLY = (
    "mac_address",
    "port_security_enabled",
    "allowed_address_pairs",
)


class Ports(collection.Collection):
    """Ports: one's own, and those on one's own networks."""

    plural, singular, title = "ports", "port", "Port"
    required = ("network_id",)
    attributes = collection.COMMON | {
        "network_id": Attribute(put=False),
        "mac_address": Attribute(None),
        "fixed_ips": Attribute(None),
        "device_id": Attribute(""),
        "device_owner": Attribute(""),
        "admin_state_up": Attribute(True),
        "status": collection.READ_ONLY,
        "security_groups": Attribute(None),
        "port_security_enabled": Attribute(None),
        "allowed_address_pairs": Attribute([]),
        "extra_dhcp_opts": Attribute([]),
        "dns_name": Attribute(""),
        "dns_domain": Attribute(""),
        "dns_assignment": collection.READ_ONLY,
        "qos_policy_id": Attribute(None),
        "qos_network_policy_id": collection.READ_ONLY,
        "propagate_uplink_status": Attribute(True),
        "binding:vnic_type": Attribute("normal"),
        "binding:host_id": Attribute("", admin=True, hidden=True),
        "binding:profile": Attribute({}, admin=True, hidden=True),
        "binding:vif_type": Attribute(
            "unbound", post=False, put=False, hidden=True
        ),
        "binding:vif_details": Attribute(
            {}, post=False, put=False, hidden=True
        ),
        "resource_request": Attribute(
            None, post=False, put=False, hidden=True
        ),
    }

    def __init__(
        self,
        cloud: context.Cloud,
        limits: quotas.Quotas,
        groups: security_groups.SecurityGroups,
    ) -> None:
        super().__init__(cloud, limits)
        self._groups = groups
        self._addresses = addresses.Addresses(cloud.store)

    def is_visible(self, caller: Caller, row: store.Document) -> bool:
        """One's own, or on one's own network."""
        return super().is_visible(caller, row) or self._owns_network(
            caller, row["network_id"]
        )

    def creating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        """Check the network; give addresses and security groups."""
        network = self._network(caller, row["network_id"])
        self._check_rights(caller, row, given, "create_port")
        if row["port_security_enabled"] is None:
            row["port_security_enabled"] = network["port_security_enabled"]
        row["mac_address"] = self._addresses.mac(
            network["id"], row["mac_address"], row["id"]
        )
        row["fixed_ips"] = self._addresses.fixed_ips(
            network["id"], row["fixed_ips"], row["id"]
        )
        self._secure(caller, row, given)
        bind(row)

    def updating(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        before: store.Document,
    ) -> None:
        """Check what changes; bind or unbind."""
        changed = {k: v for k, v in given.items() if before.get(k) != v}
        self._check_rights(caller, row, changed, "update_port")
        if "mac_address" in changed:
            self._check_unbound(before, changed["mac_address"])
            row["mac_address"] = self._addresses.mac(
                row["network_id"], row["mac_address"], row["id"]
            )
        if "fixed_ips" in given:
            row["fixed_ips"] = self._addresses.fixed_ips(
                row["network_id"], row["fixed_ips"], row["id"]
            )
        self._secure(caller, row, given)
        bind(row)

    def deleting(self, caller: Caller, row: store.Document) -> None:
        """Refuse the router's own; floating IPs let go of it."""
        if row["device_owner"] in _ROUTED:
            raise errors.Conflict(
                f"Port {row['id']} cannot be deleted directly via the port "
                f"API: has device owner {row['device_owner']}.",
                kind="ServicePortInUse",
            )
        self.release(row["id"])

    def computed(self, row: store.Document) -> dict[str, typing.Any]:
        """Say how its addresses are named."""
        name = row["dns_name"]
        found = [
            {
                "ip_address": item["ip_address"],
                "hostname": name or _host_name(item["ip_address"]),
                "fqdn": (name or _host_name(item["ip_address"]))
                + ".openstacklocal.",
            }
            for item in row["fixed_ips"]
        ]
        return {"dns_assignment": found}

    def release(self, port_id: str) -> None:
        """Take a port's floating IPs off."""
        table = self._store.table("floatingips")
        for row in table.list(port_id=port_id):
            row.update(port_id=None, fixed_ip_address=None, router_id=None)
            table.put({**row, "status": "DOWN"})

    def _network(self, caller: Caller, network_id: str) -> store.Document:
        network = self._store.table("networks").get(str(network_id))
        if network is None or not (
            caller.is_admin
            or network["shared"]
            or network["router:external"]
            or network["project_id"] == caller.project_id
        ):
            raise errors.NotFound(
                f"Network {network_id} could not be found.",
                kind="NetworkNotFound",
            )
        return network

    def _owns_network(self, caller: Caller, network_id: str) -> bool:
        network = self._store.table("networks").get(network_id)
        return network is not None and (
            caller.is_admin or network["project_id"] == caller.project_id
        )

    def _check_rights(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
        action: str,
    ) -> None:
        """Keep what only the network's owner or an admin may set."""
        if self._owns_network(caller, row["network_id"]):
            if action == "update_port" and "mac_address" in given:
                if not caller.is_admin:
                    raise collection.forbidden(
                        "update_port and rule:update_port:mac_address"
                    )
            return
        names = [name for name in _OWNERS_ONLY if given.get(name)]
        if given.get("port_security_enabled") is False:
            names.append("port_security_enabled")
        if any(x.get("ip_address") for x in given.get("fixed_ips") or ()):
            names.append("fixed_ips")
        if str(given.get("device_owner", "")).startswith("network:"):
            names.append("device_owner")
        if names:
            raise collection.forbidden(
                f"{action} and rule:{action}:{names[0]}"
            )

    def _check_unbound(self, before: store.Document, mac: str) -> None:
        if before["binding:vif_type"] == "ovs":
            raise errors.Conflict(
                f"Unable to complete operation on port {before['id']}, port "
                f"is already bound, port type: ovs, old_mac "
                f"{before['mac_address']}, new_mac {mac}.",
                kind="PortBound",
            )

    def _secure(
        self,
        caller: Caller,
        row: store.Document,
        given: dict[str, typing.Any],
    ) -> None:
        if row["security_groups"] is None:
            row["security_groups"] = []
            if row["port_security_enabled"]:
                default = self._groups.default(row["project_id"])
                row["security_groups"] = [default["id"]]
        if not row["port_security_enabled"]:
            _check_unprotected(row)
        owner = Caller(row["project_id"], caller.is_admin)
        for group_id in row["security_groups"]:
            self._groups.find(owner, group_id)
        for pair in row["allowed_address_pairs"]:
            if "ip_address" not in pair:
                raise errors.BadRequest(
                    "AllowedAddressPair must contain ip_address",
                    kind="AllowedAddressPairsMissingIP",
                )
            pair.setdefault("mac_address", row["mac_address"])


def bind(row: store.Document) -> None:
    """Work out the binding of a port from its host and device."""
    bound = bool(row["binding:host_id"])
    row["binding:vif_type"] = "ovs" if bound else "unbound"
    row["binding:vif_details"] = (
        {"port_filter": True, "connectivity": "l2", "bridge_name": "br-int"}
        if bound
        else {}
    )
    up = bound and row["device_id"] and row["admin_state_up"]
    row["status"] = "ACTIVE" if up else "DOWN"
    if row["device_owner"] in _ROUTED:
        row["status"] = "ACTIVE"
    if row["device_owner"] == "network:floatingip":
        row["status"] = "N/A"


def _check_unprotected(row: store.Document) -> None:
    if row["security_groups"]:
        raise errors.Conflict(
            "Port security must be enabled and port must have an IP address "
            "in order to use security groups.",
            kind="PortSecurityAndIPRequiredForSecurityGroups",
        )
    if row["allowed_address_pairs"]:
        raise errors.Conflict(
            "Port Security must be enabled in order to have allowed address "
            "pairs on a port.",
            kind="AddressPairAndPortSecurityRequired",
        )


def _host_name(address: str) -> str:
    return "host-" + address.replace(".", "-").replace(":", "-")
