# SPDX-License-Identifier: Apache-2.0
"""Whether the members can have their addresses at the target."""

import collections
from collections.abc import Iterator, Sequence
import ipaddress
from typing import Any, NamedTuple

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import finding
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look

Json = dict[str, Any]
# values in one query: an address of 2 KiB is understood everywhere
BATCH = 40
FIX = "Delete that port, or map the network to another."


class Wanted(NamedTuple):
    """A port that is to be made."""

    member: models.Member
    port: Json


def addresses(look: Look) -> list[Finding]:
    """Conflicts on each network of the target, asked about in batches."""
    found: list[Finding] = []
    for network, wanted in _by_network(look):
        found += _taken_macs(look, network, wanted)
        found += _fixed(look, network, wanted)
    return found


def _by_network(look: Look) -> Iterator[tuple[Json, list[Wanted]]]:
    """The ports to make by the target's network; those without one are told
    with the mappings."""
    networks: dict[str, Json] = {}
    wanted: dict[str, list[Wanted]] = collections.defaultdict(list)
    for member in look.without_ports():
        for port in member.recipe["ports"]:
            try:
                network = look.mapper.network(port, look.networks)
            except exception.PreflightFailed:
                continue
            networks[network["id"]] = network
            wanted[network["id"]].append(Wanted(member, port))
    for network_id, network in networks.items():
        yield network, wanted[network_id]


def _held(
    look: Look, network: Json, field: str, values: Sequence[str]
) -> Iterator[types.Port]:
    client = look.tenant(look.target).network
    for start in range(0, len(values), BATCH):
        batch = list(values[start : start + BATCH])
        yield from client.ports(network_id=network["id"], **{field: batch})


def _is_ours(holder: types.Port, member: models.Member) -> bool:
    return holder.description.startswith(f"protector:{member.id}")


def _taken_macs(
    look: Look, network: Json, wanted: list[Wanted]
) -> list[Finding]:
    by_mac = {w.port["mac_address"]: w.member for w in wanted}
    return [
        finding.error(
            Code.MAC_TAKEN,
            f"MAC {holder.mac_address} of {member.instance_name} is taken "
            f"by port {holder.id} on network {network['name']}.",
            FIX,
            member.id,
        )
        for holder in _held(look, network, "mac_address", list(by_mac))
        for member in [by_mac[holder.mac_address]]
        if not _is_ours(holder, member)
    ]


def _fixed(look: Look, network: Json, wanted: list[Wanted]) -> list[Finding]:
    """Fixed addresses that are taken, or that no subnet holds."""
    by_address = {
        ip["ip_address"]: w.member
        for w in wanted
        for ip in w.port.get("fixed_ips", [])
    }
    if not by_address:
        return []
    ranges = [
        ipaddress.ip_network(s["cidr"])
        for s in look.tenant(look.target).network.subnets(
            network_id=network["id"]
        )
    ]
    inside = [
        address
        for address in by_address
        if any(ipaddress.ip_address(address) in r for r in ranges)
    ]
    found = [
        finding.warning(
            Code.ADDRESS_NOT_IN_SUBNET,
            f"Address {address} of {by_address[address].instance_name} is in "
            f"no subnet of network {network['name']} at the target: the "
            "server gets another one there.",
            "Map the network to one with the same subnet, if the address "
            "matters.",
            by_address[address].id,
        )
        for address in by_address
        if address not in inside
    ]
    return found + _taken_addresses(look, network, inside, by_address)


def _taken_addresses(
    look: Look,
    network: Json,
    inside: list[str],
    by_address: dict[str, models.Member],
) -> list[Finding]:
    filters = [f"ip_address={address}" for address in inside]
    return [
        finding.error(
            Code.ADDRESS_TAKEN,
            f"Address {ip['ip_address']} of {member.instance_name} is taken "
            f"by port {holder.id} on network {network['name']}.",
            FIX,
            member.id,
        )
        for holder in _held(look, network, "fixed_ips", filters)
        for ip in holder.fixed_ips
        if ip["ip_address"] in inside
        for member in [by_address[ip["ip_address"]]]
        if not _is_ours(holder, member)
    ]
