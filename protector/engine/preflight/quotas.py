# SPDX-License-Identifier: Apache-2.0
"""Whether what has to be made at the target fits into the project's quotas.

What is there already, prestaged or parked, is counted by its service.
"""

import collections
from collections.abc import Iterable
import dataclasses
from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import types
from protector.engine import finding, security_groups
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look

Json = dict[str, Any]
Needs = dict[str, int]
# Neutron gives a new security group two rules
DEFAULT_RULES = 2


def compute(look: Look) -> list[Finding]:
    """Servers that are built: those that are parked keep their place."""
    need: Needs = collections.Counter()
    for member in look.without_server():
        try:
            flavor = look.mapper.flavor(member.recipe, look.flavors)
        except exception.PreflightFailed:
            # told with the mappings
            continue
        need["instances"] += 1
        need["cores"] += flavor.vcpus
        need["ram"] += flavor.ram
    client = look.tenant(look.target).compute
    return short("Nova", client.quotas, need)


def volumes(look: Look) -> list[Finding]:
    """Volumes that are made or extended, the Cinder group if it is gone."""
    need: Needs = collections.Counter()
    for member in look.members:
        there = {v.ordinal: v.size_gb for v in member.volumes_at(look.target)}
        for volume in member.volumes_at(look.source):
            size = there.get(volume.ordinal)
            need["volumes"] += size is None
            need["gigabytes"] += max(0, volume.size_gb - (size or 0))
    side = look.scene.side(look.target)
    for resource in ("volumes", "gigabytes"):
        need[f"{resource}_{side.volume_type_name}"] = need[resource]
    need["groups"] = int(not side.cinder_group_id)
    client = look.tenant(look.target).volume
    return short("Cinder", client.quotas, need)


def ports(look: Look) -> list[Finding]:
    """Ports and security groups; floating IPs are best effort."""
    building = look.without_ports()
    if not building:
        return []
    client = look.tenant(look.target).network
    known = client.security_groups()
    missing = {
        group["id"]: group
        for member in building
        for group in member.recipe.get("security_groups", [])
        if _is_made(look, group, known)
    }
    rules = [
        rule
        for group in missing.values()
        for rule in group["rules"]
        if not security_groups.lets_all_out(rule)
    ]
    every = [p for m in building for p in m.recipe["ports"]]
    need = {
        "port": len(every),
        "security_group": len(missing),
        "security_group_rule": len(rules) + DEFAULT_RULES * len(missing),
    }
    wanted = sum(len(p.get("floating_ips", [])) for p in every)
    wanted = wanted if look.wants_floating_ips else 0
    limits = client.quotas()
    return short("Neutron", lambda: limits, need) + [
        dataclasses.replace(f, severity=c.Severity.WARNING)
        for f in short("Neutron", lambda: limits, {"floatingip": wanted})
    ]


def _is_made(look: Look, group: Json, known: list[Json]) -> bool:
    """Whether the move makes a security group of a recipe."""
    try:
        return look.mapper.security_group(group, known) is None
    except exception.PreflightFailed:
        # told with the mappings
        return False


def short(
    service: str, quotas: Any, need: Needs | dict[str, int]
) -> list[Finding]:
    """:param quotas: asked only when something is needed."""
    wanted = {name: number for name, number in need.items() if number}
    if not wanted:
        return []
    free = _free(quotas())
    return [
        finding.error(
            Code.QUOTA_SHORT,
            f"{service}'s quota of {name} at the target leaves "
            f"{free[name]:g}, the move needs {number}.",
            f"Raise the quota of {name} of the project at the target site.",
        )
        for name, number in wanted.items()
        if number > free.get(name, float("inf"))
    ]


def _free(limits: Iterable[types.Quota]) -> dict[str, float]:
    return {q.resource: q.free for q in limits}
