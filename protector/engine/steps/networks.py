# SPDX-License-Identifier: Apache-2.0
"""Steps that make a member's ports and security groups at a site."""

import ipaddress
from typing import Any

from protector import exception
from protector.clients import network as network_client
from protector.clients import types
from protector.db import models
from protector.engine import mapping
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def ports(ctx: StepContext) -> Json:
    """The member's ports are at the target, in the order of its NICs."""
    return {"ports": ensure_ports(ctx, ctx.target)}


def ensure_ports(ctx: StepContext, site_id: str) -> list[str]:
    """Make what is missing of the member's ports at a site, with the same
    MAC and fixed addresses where its subnets hold them; their ids."""
    copy = ctx.member.copy(site_id)
    network = ctx.tenant(site_id).network
    if copy is not None and copy.server_id:
        # a server that is there keeps its own ports
        return [p["id"] for p in copy.ports]
    with ctx.work.turn:
        # members share security groups
        groups = _security_groups(ctx, site_id, network)
    made = [
        _port(ctx, site_id, network, number, pattern, groups)
        for number, pattern in enumerate(ctx.member.recipe["ports"])
    ]
    with ctx.write() as session:
        row = session.get(models.MemberCopy, (ctx.member.id, site_id))
        row.ports = [_kept(p) for p in made]
        row.made = {**row.made, "security_groups": _made_groups(groups)}
    return [p.id for p in made]


def _kept(port: types.Port) -> Json:
    return {
        "id": port.id,
        "network_id": port.network_id,
        "mac_address": port.mac_address,
        "fixed_ips": list(port.fixed_ips),
        "made": True,
    }


def port_mark(member: models.Member, number: int) -> str:
    """Neutron ignores tags when a port is created: the description finds
    it again."""
    return f"protector:{member.id}:{number}"


def _port(
    ctx: StepContext,
    site_id: str,
    network: network_client.NetworkClient,
    number: int,
    pattern: Json,
    groups: dict[str, Json],
) -> types.Port:
    mark = port_mark(ctx.member, number)
    found = network.ports(
        description=mark, project_id=ctx.scene.project(site_id)
    )
    if found:
        return found[0]
    body = _port_body(ctx, site_id, network, pattern)
    body["description"] = mark
    body["project_id"] = ctx.scene.project(site_id)
    if pattern.get("port_security_enabled", True):
        body["security_groups"] = [
            groups[i]["id"] for i in pattern["security_groups"]
        ]
    return network.create_port(body)


def _port_body(
    ctx: StepContext,
    site_id: str,
    network: network_client.NetworkClient,
    pattern: Json,
) -> Json:
    mapper = mapping.Mapper(ctx.scene, site_id)
    target = mapper.network(pattern, network.networks())
    subnets = [s for s in network.subnets() if s["network_id"] == target["id"]]
    body: Json = {
        "name": pattern["name"],
        "network_id": target["id"],
        "mac_address": pattern["mac_address"],
        "admin_state_up": True,
    }
    fixed = _fixed_ips(pattern, subnets)
    if fixed:
        body["fixed_ips"] = fixed
    for key in ("allowed_address_pairs", "port_security_enabled", "dns_name"):
        if key in pattern:
            body[key] = pattern[key]
    if "binding:vnic_type" in pattern:
        body["binding:vnic_type"] = pattern["binding:vnic_type"]
    return body


def _fixed_ips(pattern: Json, subnets: list[Json]) -> list[Json]:
    """The same address where a subnet of the target holds it; elsewhere
    one that Neutron chooses."""
    fixed = []
    for ip in pattern["fixed_ips"]:
        address = ipaddress.ip_address(ip["ip_address"])
        for subnet in subnets:
            if address in ipaddress.ip_network(subnet["cidr"]):
                fixed.append(
                    {
                        "subnet_id": subnet["id"],
                        "ip_address": ip["ip_address"],
                    }
                )
    return fixed


def _security_groups(
    ctx: StepContext, site_id: str, network: network_client.NetworkClient
) -> dict[str, Json]:
    """The target's group for each of the recipe's, by the source's id; made
    with its rules when there is none."""
    mapper = mapping.Mapper(ctx.scene, site_id)
    project = ctx.scene.project(site_id)
    known = [
        g for g in network.security_groups() if g["project_id"] == project
    ]
    mark = f"(protector:{ctx.scene.group.id})"
    found: dict[str, Json] = {}
    for group in ctx.member.recipe["security_groups"]:
        wanted = mapper.security_group(group)
        match = next(
            (g for g in known if wanted in (g["id"], g["name"])), None
        ) or network.create_security_group(
            group["name"], f"{group['description']} {mark}".strip()
        )
        made = mark in (match.get("description") or "")
        found[group["id"]] = {"id": match["id"], "made": made}
    for group in ctx.member.recipe["security_groups"]:
        if found[group["id"]]["made"]:
            _rules(network, found, group)
    return found


def _rules(
    network: network_client.NetworkClient, groups: dict[str, Json], group: Json
) -> None:
    for rule in group["rules"]:
        body = {k: v for k, v in rule.items() if v is not None}
        remote = body.get("remote_group_id")
        if remote:
            if remote not in groups:
                continue
            body["remote_group_id"] = groups[remote]["id"]
        body["security_group_id"] = groups[group["id"]]["id"]
        try:
            network.create_security_group_rule(body)
        except exception.CloudConflict:
            # Neutron's own egress rules of a new group
            continue


def _made_groups(groups: dict[str, Json]) -> list[str]:
    return [g["id"] for g in groups.values() if g["made"]]


STEPS = (Step("networks.ports", ports, 2),)
