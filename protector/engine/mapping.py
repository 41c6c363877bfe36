# SPDX-License-Identifier: Apache-2.0
"""Which object at the target stands for one at the source.

An explicit mapping wins; else the object of the same name.  Reads both
clouds, changes nothing.
"""

from collections.abc import Iterable, Sequence
import ipaddress
from typing import Any

from protector import exception
from protector.clients import types
from protector.engine import scene as scenes

Json = dict[str, Any]
SIZES = ("vcpus", "ram", "disk", "ephemeral")


class Mapper:
    """Maps from one site of a group to the other.

    ``primary`` and ``secondary`` in a mapping mean the sites the group was
    created with, in every direction.
    """

    def __init__(self, scene: scenes.Scene, target_site_id: str) -> None:
        self._mappings = scene.mappings
        forward = target_site_id == scene.group.secondary_site_id
        self._from = "primary" if forward else "secondary"
        self._to = "secondary" if forward else "primary"

    def wanted(self, kind: str, *source: str | None) -> str | None:
        """Name or id at the target for an object known by ``source`` (its
        id, its name) at the source; None when no mapping names it."""
        for pair in self._mappings.get(kind, []):
            if pair.get(self._from) in source:
                return pair.get(self._to)
        return None

    def subnets(self, *network: str | None) -> list[Json]:
        """The subnet pairs given with a network's mapping, as
        ``{"source", "target"}``."""
        for pair in self._mappings.get("networks", []):
            if pair.get(self._from) in network:
                return [
                    {"source": s.get(self._from), "target": s.get(self._to)}
                    for s in pair.get("subnets") or []
                ]
        return []

    def network(self, port: Json, networks: Iterable[Json]) -> Json:
        """The target's network for a port of a recipe.

        :raises PreflightFailed: there is none.
        """
        known = list(networks)
        own = _own(port["network_id"], known)
        if own is not None:
            return own
        wanted = self.wanted(
            "networks", port["network_id"], port["network_name"]
        )
        return _pick(
            "network",
            known,
            wanted or port["network_name"],
            port["network_name"],
        )

    def flavor(
        self, recipe: Json, flavors: Iterable[types.Flavor]
    ) -> types.Flavor:
        """The target's flavor for a recipe: mapped, or of the same name and
        size.

        :raises PreflightFailed: there is none.
        """
        name = recipe["flavor"]["original_name"]
        wanted = self.wanted("flavors", recipe["flavor"].get("id"), name)
        known = list(flavors)
        key = wanted or name
        found = next((f for f in known if f.id == key), None) or next(
            (f for f in known if f.name == key), None
        )
        if found is None:
            raise exception.PreflightFailed(
                f"There is no flavor {key} at the target site.",
                remedy=f"Make one, or map flavor {name} to another.",
                flavor=name,
            )
        if wanted is None:
            _same_size(recipe["flavor"], found)
        return found

    def security_group(
        self, group: Json, groups: Iterable[Json]
    ) -> Json | None:
        """The target's security group for one of a recipe: mapped, or of
        the same name; None when it is to be made.

        :param groups: those of the project at the target.
        :raises PreflightFailed: the mapped one is not among them.
        """
        name = str(group["name"])
        known = list(groups)
        own = _own(group["id"], known)
        if own is not None:
            return own
        wanted = self.wanted("security_groups", group["id"], name)
        if wanted:
            return _pick("security group", known, wanted, name)
        return next((g for g in known if g["name"] == name), None)

    def keypair(self, name: str) -> str | None:
        """The service user's keypair that is mapped to a source's."""
        return self.wanted("keypairs", name)

    def subnet(
        self, port: Json, ip: Json, subnets: Iterable[Json]
    ) -> Json | None:
        """The target's subnet for one address of a recipe's port; None when
        no mapping names it.

        :param subnets: those of the target's network.
        :raises PreflightFailed: the mapped one is not among them.
        """
        pairs = self.subnets(port["network_id"], port["network_name"])
        source = (ip.get("subnet_id"), ip.get("subnet_name"))
        wanted = next(
            (p["target"] for p in pairs if p["source"] in source), None
        )
        if wanted is None:
            return None
        return _pick("subnet", subnets, wanted, str(source[1] or source[0]))

    def fixed_ips(self, port: Json, subnets: Sequence[Json]) -> list[Json]:
        """What to ask of Neutron for the addresses of a recipe's port: the
        same where the mapped subnet of the target, or any, holds it;
        elsewhere one that Neutron chooses, of the mapped subnet.

        :param subnets: those of the target's network.
        :raises PreflightFailed: a mapped one is not among them.
        """
        fixed = []
        for ip in port.get("fixed_ips", []):
            address = ipaddress.ip_address(ip["ip_address"])
            mapped = self.subnet(port, ip, subnets)
            for subnet in [mapped] if mapped else subnets:
                if address in ipaddress.ip_network(subnet["cidr"]):
                    same = {"ip_address": ip["ip_address"]}
                    fixed.append({"subnet_id": subnet["id"], **same})
                    break
            else:
                if mapped:
                    fixed.append({"subnet_id": mapped["id"]})
        return fixed

    def availability_zone(self, zone: str | None) -> str | None:
        """The mapped zone; without a mapping the scheduler decides."""
        return self.wanted("availability_zones", zone) if zone else None


def _own(object_id: str, rows: Iterable[Json]) -> Json | None:
    """The very object that a recipe names: back at the site where it was
    read, nothing is mapped."""
    return next((r for r in rows if r["id"] == object_id), None)


class DrillMapper(Mapper):
    """Maps to the networks that are meant for drills, and to no other."""

    def network(self, port: Json, networks: Iterable[Json]) -> Json:
        source = (port["network_id"], port["network_name"])
        known = list(networks)
        for pair in self._mappings.get("networks", []):
            wanted = pair.get(f"{self._to}_test")
            if wanted and pair.get(self._from) in source:
                return _pick("network", known, wanted, str(source[1]))
        raise exception.PreflightFailed(
            f"Network {source[1]} is mapped to no test network.",
            remedy=f"Give its mapping a {self._to}_test network.",
            kind="network",
            source=source[1],
        )

    def subnets(self, *network: str | None) -> list[Json]:
        """The pairs of subnets are of the real networks."""
        return []


def _same_size(source: Json, target: types.Flavor) -> None:
    """:raises PreflightFailed: equal names, but another size."""
    other = [
        f"{field} {getattr(target, field)} instead of {source[field]}"
        for field in SIZES
        if field in source and getattr(target, field) != source[field]
    ]
    if other:
        raise exception.PreflightFailed(
            f"Flavor {target.name} at the target site has {', '.join(other)}.",
            remedy=f"Map flavor {target.name} to the one that is meant.",
            flavor=target.name,
        )


def _pick(what: str, rows: Iterable[Json], wanted: str, source: str) -> Json:
    found = [r for r in rows if wanted in (r["id"], r["name"])]
    exact = [r for r in found if r["id"] == wanted] or found
    if len(exact) == 1:
        return exact[0]
    problem = "is no" if not found else f"are {len(found)}"
    raise exception.PreflightFailed(
        f"There {problem} {what} {wanted} at the target site.",
        remedy=f"Map {what} {source} to one that is there, by its id.",
        kind=what,
        source=source,
    )
