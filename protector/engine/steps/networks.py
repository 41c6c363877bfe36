# SPDX-License-Identifier: Apache-2.0
"""Steps that make a member's ports and security groups at a site."""

from typing import Any

from protector import exception
from protector.clients import types
from protector.engine import (
    floating_ips,
    made,
    mapping,
    records,
    removal,
    security_groups,
)
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def ports(ctx: StepContext) -> Json:
    """The member's ports are at the target, in the order of its NICs."""
    return {"ports": ensure_ports(ctx, ctx.target)}


def unmake(ctx: StepContext) -> None:
    """Delete what this operation made."""
    records.adopt_ports(ctx, ctx.target)
    for kind, ids, drop in (
        (
            made.FLOATING_IPS,
            made.ids(ctx, made.FLOATING_IPS),
            removal.drop_floating_ips,
        ),
        (made.PORTS, made.ids(ctx, made.PORTS), removal.drop_ports),
        (
            made.SECURITY_GROUPS,
            made.ids_of_all(ctx, made.SECURITY_GROUPS),
            removal.drop_security_groups,
        ),
    ):
        drop(ctx, ctx.target, ids)
        removal.forget(ctx, ctx.target, kind, ids)


def ensure_ports(ctx: StepContext, site_id: str) -> list[str]:
    """Make what is missing of the member's ports at a site, with the same
    MAC and fixed addresses where its subnets hold them; their ids."""
    copy = ctx.member.copy(site_id)
    if copy is not None and copy.server_id:
        # a server that is there keeps its own ports
        return [p["id"] for p in copy.ports]
    with ctx.work.turn:
        # members share security groups
        groups = security_groups.ensure(ctx, site_id)
    ids = [
        _port(ctx, site_id, number, pattern, groups)
        for number, pattern in enumerate(ctx.member.recipe["ports"])
    ]
    floating_ips.ensure(ctx, site_id, ids)
    return ids


def _port(
    ctx: StepContext,
    site_id: str,
    number: int,
    pattern: Json,
    groups: dict[str, Json],
) -> str:
    """The id of the port: the recorded one, unless it was deleted, else one
    that bears the mark, else a new one."""
    known = _recorded(ctx, site_id, number)
    if known is not None:
        return known.id
    found = records.marked_port(ctx, site_id, number)
    if found is None:
        mapper = mapping.Mapper(ctx.scene, site_id)
        body = port_body(ctx, site_id, mapper, pattern)
        body["description"] = records.port_mark(ctx.member.id, number)
        body |= secured(pattern, groups)
        found = ctx.tenant(site_id).network.create_port(body)
    records.record_port(ctx, site_id, number, found)
    return found.id


def secured(pattern: Json, groups: dict[str, Json]) -> Json:
    """:param groups: as ``security_groups.ensure`` gives them."""
    if not pattern.get("port_security_enabled", True):
        return {}
    ids = [groups[i]["id"] for i in pattern["security_groups"]]
    return {"security_groups": ids}


def _recorded(
    ctx: StepContext, site_id: str, number: int
) -> types.Port | None:
    """:raises UnexpectedState: it is another server's by now."""
    copy = ctx.member.copy(site_id)
    if copy is None or number >= len(copy.ports):
        return None
    try:
        port = ctx.tenant(site_id).network.get_port(copy.ports[number]["id"])
    except exception.CloudNotFound:
        return None
    if port.device_id:
        raise exception.UnexpectedState(
            f"Port {port.id} of member {ctx.member.instance_name} is used by "
            f"{port.device_id}.",
            remedy="Detach the port there and retry the operation.",
        )
    return port


def port_body(
    ctx: StepContext, site_id: str, mapper: mapping.Mapper, pattern: Json
) -> Json:
    """What Neutron is asked for, but for its mark and security groups."""
    network = ctx.tenant(site_id).network
    target = mapper.network(pattern, network.networks())
    subnets = network.subnets(network_id=target["id"])
    body: Json = {
        "name": pattern["name"],
        "network_id": target["id"],
        "mac_address": pattern["mac_address"],
        "admin_state_up": True,
        "project_id": ctx.scene.project(site_id),
    }
    fixed = mapper.fixed_ips(pattern, subnets)
    if fixed:
        body["fixed_ips"] = fixed
    for key in (
        "allowed_address_pairs",
        "port_security_enabled",
        "dns_name",
        "binding:vnic_type",
    ):
        if key in pattern:
            body[key] = pattern[key]
    return body


STEPS = (Step("networks.ports", ports, 2, undo=unmake),)
