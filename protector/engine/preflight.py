# SPDX-License-Identifier: Apache-2.0
"""Everything that could stop a move, found at once and without a change.

One function for every placement verb, for health and for the dry run.  Each
finding is ``{"check", "severity", "message", "fix"}``; ``error`` stops a
planned move, ``warning`` is told.
"""

from collections.abc import Callable
from typing import Any

from protector import exception
from protector.db import models
from protector.engine import drift, fencing, finding, mapping
from protector.engine import scene as scenes

Json = dict[str, Any]


class Look:
    """What preflight needs of its caller: the scene and reading clients.

    :param ctx: anything with ``scene``, ``tenant(site)``, ``site(site)``,
        ``driver``, ``direction(site)`` and ``conf``.
    """

    def __init__(self, ctx: Any) -> None:
        self.ctx = ctx
        self.scene: scenes.Scene = ctx.scene


def check(look: Look, source: str, target: str) -> list[Json]:
    """All findings for a planned move from ``source`` to ``target``.

    A check that cannot be made is a finding too, never an exception.
    """
    findings: list[Json] = []
    for name, examine in CHECKS:
        try:
            findings += [
                {"check": name, **f} for f in examine(look, source, target)
            ]
        except exception.LeaseLost:
            raise
        except exception.ProtectorError as e:
            findings.append(
                {"check": name, **finding.error(e.message, e.remedy)}
            )
    return findings


def _peer(look: Look, source: str, target: str) -> list[Json]:
    other = look.scene.peer_site_id
    look.ctx.site(other).peer.check(look.ctx.conf.peer.check_timeout)
    return []


def _members(look: Look, source: str, target: str) -> list[Json]:
    scene = look.scene
    if not scene.settled_members:
        return [
            finding.error("The group has no members.", "Add a server to it.")
        ]
    return [
        finding.warning(
            f"Member {m.instance_name} is {m.status} and does not move.",
            "Wait for its change, or remove the member.",
        )
        for m in scene.members
        if m not in scene.settled_members
    ]


def _servers(look: Look, source: str, target: str) -> list[Json]:
    compute = look.ctx.tenant(source).compute

    def examine(member: models.Member) -> list[Json]:
        copy = member.copy(source)
        if copy is None or not copy.server_id:
            raise exception.UnexpectedState("It has no server at the source.")
        server = compute.get_server(copy.server_id)
        if server.status in fencing.MOVABLE:
            return []
        return [
            finding.error(
                f"Server {server.name} ({server.id}) is {server.status}.",
                f"Bring it to {' or '.join(fencing.MOVABLE)}.",
            )
        ]

    return finding.each(look.scene.settled_members, examine)


def _copies(look: Look, source: str, target: str) -> list[Json]:
    """What is built at the target has to fit there."""
    compute = look.ctx.tenant(target).compute
    mapper = mapping.Mapper(look.scene, target)
    flavors = compute.flavors()
    need = {"instances": 0, "cores": 0, "ram": 0}

    def examine(member: models.Member) -> list[Json]:
        copy = member.copy(target)
        flavor = mapper.flavor(member.recipe, flavors)
        if copy is None or not copy.server_id:
            need["instances"] += 1
            need["cores"] += flavor.vcpus
            need["ram"] += flavor.ram
        return []

    found = finding.each(look.scene.settled_members, examine)
    return found + _short("Nova", compute.quotas(), need)


def _volumes(look: Look, source: str, target: str) -> list[Json]:
    missing = [
        v
        for m in look.scene.settled_members
        for there in [{x.ordinal for x in m.volumes_at(target)}]
        for v in m.volumes_at(source)
        if v.ordinal not in there
    ]
    if not missing:
        return []
    need = {
        "volumes": len(missing),
        "gigabytes": sum(v.size_gb for v in missing),
    }
    return _short("Cinder", look.ctx.tenant(target).volume.quotas(), need)


def _short(service: str, quotas: Any, need: dict[str, int]) -> list[Json]:
    free = {q.resource: q.free for q in quotas}
    return [
        finding.error(
            f"{service}'s quota of {name} at the target leaves "
            f"{free[name]:g}, the move needs {wanted}.",
            f"Raise the quota of {name} of the project at the target site.",
        )
        for name, wanted in need.items()
        if wanted > free.get(name, float("inf"))
    ]


def _networks(look: Look, source: str, target: str) -> list[Json]:
    network = look.ctx.tenant(target).network
    mapper = mapping.Mapper(look.scene, target)
    known = network.networks()

    def examine(member: models.Member) -> list[Json]:
        copy = member.copy(target)
        if copy is not None and copy.ports:
            return []
        return [
            found
            for port in member.recipe["ports"]
            for found in _conflicts(
                look, target, member, port, mapper.network(port, known)
            )
        ]

    return finding.each(look.scene.settled_members, examine)


def _conflicts(
    look: Look,
    target: str,
    member: models.Member,
    port: Json,
    network: Json,
) -> list[Json]:
    """Ports of others that hold the member's MAC at the target."""
    holders = look.ctx.tenant(target).network.ports(
        network_id=network["id"], mac_address=port["mac_address"]
    )
    return [
        finding.error(
            f"MAC {port['mac_address']} of {member.instance_name} is taken "
            f"by port {holder.id} on network {network['name']}.",
            "Delete that port, or map the network to another.",
        )
        for holder in holders
        if not holder.description.startswith(f"protector:{member.id}")
    ]


def _array(look: Look, source: str, target: str) -> list[Json]:
    status = look.ctx.driver.status(look.ctx.direction(source))
    found = []
    if not status.group_exists:
        found.append(
            finding.error(
                "There is no group of the volumes on the source array.",
                "Set the replication policy again.",
            )
        )
    if status.link != "connected":
        found.append(
            finding.error(
                f"The link between the arrays is {status.link}.",
                "Mend the connection of the arrays.",
            )
        )
    if not status.allowed:
        found.append(
            finding.error(
                "The target array does not take transfers of the group.",
                "Allow the array group on the target array.",
            )
        )
    return found


def _drift(look: Look, source: str, target: str) -> list[Json]:
    project = look.ctx.tenant(source)
    return finding.each(
        look.scene.settled_members,
        lambda member: drift.at_source(project, member, source),
    )


def _parked(look: Look, source: str, target: str) -> list[Json]:
    here, there = look.ctx.tenant(source), look.ctx.tenant(target)
    return finding.each(
        look.scene.settled_members,
        lambda member: drift.at_target(there, here, member, source, target),
    )


Check = Callable[[Look, str, str], list[Json]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("peer", _peer),
    ("members", _members),
    ("servers", _servers),
    ("drift", _drift),
    ("copies", _parked),
    ("compute", _copies),
    ("volumes", _volumes),
    ("networks", _networks),
    ("replication", _array),
)
