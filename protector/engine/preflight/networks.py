# SPDX-License-Identifier: Apache-2.0
"""Whether the members can have their addresses at the target."""

import collections
from collections.abc import Iterator, Sequence
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
    """Fixed addresses that others have, or that are not asked for."""
    with_address = [w for w in wanted if w.port.get("fixed_ips")]
    if not with_address:
        return []
    subnets = look.tenant(look.target).network.subnets(
        network_id=network["id"]
    )
    found: list[Finding] = []
    asked: dict[str, models.Member] = {}
    for member, port in with_address:
        try:
            fixed = look.mapper.fixed_ips(port, subnets)
        except exception.PreflightFailed:
            # told with the mappings
            continue
        same = {ip["ip_address"] for ip in fixed if "ip_address" in ip}
        asked |= dict.fromkeys(same, member)
        found += [
            _elsewhere(network, member, ip["ip_address"])
            for ip in port["fixed_ips"]
            if ip["ip_address"] not in same
        ]
    return found + _taken_addresses(look, network, asked)


def _elsewhere(network: Json, member: models.Member, address: str) -> Finding:
    return finding.warning(
        Code.ADDRESS_NOT_IN_SUBNET,
        f"Address {address} of {member.instance_name} is in no subnet that "
        f"its port may use of network {network['name']} at the target: the "
        "server gets another one there.",
        "Map the network to one with the same subnet, if the address matters.",
        member.id,
    )


def _taken_addresses(
    look: Look, network: Json, asked: dict[str, models.Member]
) -> list[Finding]:
    filters = [f"ip_address={address}" for address in asked]
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
        if ip["ip_address"] in asked
        for member in [asked[ip["ip_address"]]]
        if not _is_ours(holder, member)
    ]
