# SPDX-License-Identifier: Apache-2.0
"""Whether each thing that a member needs has its counterpart at the target.

Every member is looked at, and everything of it: one missing mapping does
not hide another.
"""

from collections.abc import Callable, Iterator
from typing import Any

from protector import exception
from protector.db import models
from protector.engine import finding
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look

Json = dict[str, Any]
# what to call the lack of it, and the call that raises when it is lacking
Need = tuple[Code, Callable[[], object]]


def mappings(look: Look) -> list[Finding]:
    zones, groups, keys = _zones(look), _groups(look), _keys(look)

    def examine(member: models.Member) -> list[Finding]:
        return _key(look, member, keys) + [
            finding.error(
                code,
                f"Member {member.instance_name}: {error.message}",
                error.remedy,
            )
            for code, resolve in _needs(look, member, zones, groups)
            for error in [_error(resolve)]
            if error is not None
        ]

    return finding.each(look.members, examine)


def _needs(
    look: Look,
    member: models.Member,
    zones: list[str],
    groups: list[Json],
) -> Iterator[Need]:
    """What is to be resolved for one member."""
    copy = look.copy(member)
    if copy is None or not copy.server_id:
        yield (
            Code.FLAVOR_NOT_MAPPED,
            lambda: look.mapper.flavor(member.recipe, look.flavors),
        )
        yield (
            Code.AVAILABILITY_ZONE_MISSING,
            lambda: _zone(look, member, zones),
        )
    if copy is None or not copy.ports:
        for port in member.recipe["ports"]:
            yield (
                Code.NETWORK_NOT_MAPPED,
                lambda port=port: _network(look, port),
            )
        for group in member.recipe.get("security_groups", []):
            yield (
                Code.SECURITY_GROUP_MISSING,
                lambda group=group: look.mapper.security_group(group, groups),
            )


def _error(resolve: Callable[[], object]) -> exception.PreflightFailed | None:
    try:
        resolve()
    except exception.PreflightFailed as e:
        return e
    return None


def _network(look: Look, port: Json) -> None:
    """:raises PreflightFailed: no network, or not the mapped subnets."""
    network = look.mapper.network(port, look.networks)
    if not look.mapper.subnets(port["network_id"], port["network_name"]):
        return
    client = look.tenant(look.target).network
    subnets = client.subnets(network_id=network["id"])
    for ip in port.get("fixed_ips", []):
        look.mapper.subnet(port, ip, subnets)


def _groups(look: Look) -> list[Json]:
    """The target's security groups; only asked for when one is mapped."""
    if not look.scene.mappings.get("security_groups"):
        return []
    found: list[Json] = look.tenant(look.target).network.security_groups()
    return found


def _keys(look: Look) -> set[str]:
    """The service user's keypairs; only asked for when one is mapped."""
    if not look.scene.mappings.get("keypairs"):
        return set()
    return {k.name for k in look.tenant(look.target).compute.keypairs()}


def _key(look: Look, member: models.Member, keys: set[str]) -> list[Finding]:
    """A keypair that is missing stops nothing: the guest has its key."""
    keypair = member.recipe.get("keypair")
    copy = look.copy(member)
    if not keypair or (copy is not None and copy.server_id):
        return []
    wanted = look.mapper.keypair(keypair["name"])
    if wanted is None or wanted in keys:
        return []
    return [
        finding.warning(
            Code.KEYPAIR_MISSING,
            f"Member {member.instance_name}: the service user has no keypair "
            f"{wanted} at the target site; the server boots with its own "
            f"public key, {keypair['name']}.",
            "Have an administrator of that site import it, or map "
            f"{keypair['name']} to another.",
        )
    ]


def _zones(look: Look) -> list[str]:
    """The target's zones; only asked for when a mapping names one."""
    if not look.scene.mappings.get("availability_zones"):
        return []
    found: list[str] = look.tenant(look.target).compute.availability_zones()
    return found


def _zone(look: Look, member: models.Member, zones: list[str]) -> None:
    """:raises PreflightFailed: the mapped zone is not there."""
    original = member.recipe.get("availability_zone")
    zone = look.mapper.availability_zone(original)
    if zone and zone not in zones:
        raise exception.PreflightFailed(
            f"There is no availability zone {zone} at the target site, or "
            "it is down.",
            remedy=f"Map availability zone {original} to one that is up.",
        )
