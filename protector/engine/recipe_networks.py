# SPDX-License-Identifier: Apache-2.0
"""The part of a recipe that is Neutron's: ports, addresses, rules.

Reads the source cloud, changes nothing.
"""

from typing import Any

from protector.clients import clouds, types
from protector.clients import network as network_client

Json = dict[str, Any]

PORT_FIELDS = (
    "allowed_address_pairs",
    "port_security_enabled",
    "dns_name",
    "binding:vnic_type",
    "qos_policy_id",
)
RULE_FIELDS = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "description",
)


def ports(project: clouds.ProjectClients, server: types.Server) -> list[Json]:
    """The server's ports in the order they were made."""
    network = project.network
    names = {n["id"]: n["name"] for n in network.networks()}
    subnets = {s["id"]: s for s in network.subnets()}
    ordered = sorted(
        network.ports(device_id=server.id),
        key=lambda p: p.raw.get("created_at") or "",
    )
    return [
        {
            "id": port.id,
            "name": port.name,
            "network_id": port.network_id,
            "network_name": names.get(port.network_id),
            "mac_address": port.mac_address,
            "fixed_ips": [_fixed_ip(ip, subnets) for ip in port.fixed_ips],
            "security_groups": list(port.security_group_ids),
            "floating_ips": _floating_ips(network, names, port.id),
            # False is a value: port security that is off stays off
            **{
                k: port.raw[k]
                for k in PORT_FIELDS
                if port.raw.get(k) not in (None, "", [])
            },
        }
        for port in ordered
    ]


def _fixed_ip(ip: Json, subnets: dict[str, Json]) -> Json:
    subnet = subnets.get(ip["subnet_id"], {})
    return {
        "ip_address": ip["ip_address"],
        "subnet_id": ip["subnet_id"],
        "subnet_name": subnet.get("name"),
        "cidr": subnet.get("cidr"),
    }


def _floating_ips(
    network: network_client.NetworkClient, names: dict[str, str], port_id: str
) -> list[Json]:
    return [
        {
            "id": f["id"],
            "address": f["floating_ip_address"],
            "network_id": f["floating_network_id"],
            "network_name": names.get(f["floating_network_id"]),
        }
        for f in network.floating_ips(port_id=port_id)
    ]


def security_groups(
    project: clouds.ProjectClients,
    server: types.Server,
    warnings: list[str],
) -> list[Json]:
    """The security groups of the server's ports, with their rules.

    :param warnings: what cannot be made elsewhere is added.
    """
    wanted = {
        group_id
        for port in project.network.ports(device_id=server.id)
        for group_id in port.security_group_ids
    }
    found = []
    for group_id in sorted(wanted):
        group = project.network.security_group(group_id)
        found.append(
            {
                "id": group["id"],
                "name": group["name"],
                "description": group.get("description") or "",
                "rules": [
                    {k: r.get(k) for k in RULE_FIELDS}
                    for r in _portable(group, warnings)
                ],
            }
        )
    return found


def _portable(group: Json, warnings: list[str]) -> list[Json]:
    """The rules that mean the same elsewhere: without its address group a
    rule would let everybody in."""
    rules = group["security_group_rules"]
    kept = [r for r in rules if not r.get("remote_address_group_id")]
    if len(kept) < len(rules):
        warnings.append(
            f"Rules of security group {group['name']} that name an address "
            "group are not made at the other site."
        )
    return kept
