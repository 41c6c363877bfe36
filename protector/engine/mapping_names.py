# SPDX-License-Identifier: Apache-2.0
"""The names that mappings may hold: proposed from both clouds, and checked
against them.

Reads both clouds, changes nothing; which object is used at the end is
``mapping``'s to say.
"""

from collections.abc import Callable, Iterable, Iterator
import functools
from typing import Any

from protector import exception
from protector.clients import clouds

Json = dict[str, Any]
Project = clouds.ProjectClients
# id and name of each object of a kind that a project can use
Names = list[tuple[str, str]]


def _rows(rows: Iterable[Json]) -> Names:
    return [(r["id"], r["name"]) for r in rows]


KINDS: dict[str, Callable[[Project], Names]] = {
    "networks": lambda p: _rows(p.network.networks()),
    "flavors": lambda p: [(f.id, f.name) for f in p.compute.flavors()],
    "security_groups": lambda p: _rows(p.network.security_groups()),
    # those of the service user, under whom servers are built
    "keypairs": lambda p: [(k.name, k.name) for k in p.compute.keypairs()],
    "availability_zones": lambda p: [
        (zone, zone) for zone in p.compute.availability_zones()
    ],
}


# -- proposed


def propose(
    primary: Project,
    secondary: Project,
    secondary_is_target: bool,
    keypairs: Iterable[str],
) -> Json:
    """A mapping made from both clouds: pairs of names that are there once
    at each site.

    :param secondary_is_target: whether the group runs at its primary site.
    :param keypairs: names of the members' keypairs, which belong to users.
    """
    sides = {"primary": primary, "secondary": secondary}
    target = sides["secondary" if secondary_is_target else "primary"]
    found: Json = {}
    for kind, names in KINDS.items():
        if kind == "keypairs":
            both = set(keypairs) & _once(names(target))
        else:
            both = _once(names(primary)) & _once(names(secondary))
        found[kind] = [{"primary": n, "secondary": n} for n in sorted(both)]
    return {**found, "boot_tiers": []}


def _once(names: Names) -> set[str]:
    """Names that tell one object."""
    plain = [name for _, name in names if name]
    return {name for name in plain if plain.count(name) == 1}


# -- checked


def check(side: str, site_name: str, project: Project, mappings: Json) -> None:
    """Every object that a mapping names at one side is there, once.

    :param side: ``primary`` or ``secondary``.
    :param project: clients in the group's project at that site.
    :raises InvalidReference: the first that is not.
    """
    known = functools.cache(lambda kind: KINDS[kind](project))
    for kind in KINDS:
        for number, pair in enumerate(mappings.get(kind, [])):
            place = f"{kind}[{number}]"
            for field in (side, f"{side}_test"):
                if field in pair:
                    where = _Place(f"{place}.{field}", site_name)
                    where.find(kind, known(kind), pair[field])
            for subnet in _subnets(side, place, pair):
                network_id = _id(known(kind), pair[side])
                rows = project.network.subnets(network_id=network_id)
                where = _Place(subnet[0], site_name)
                where.find("subnets", _rows(rows), subnet[1])


def _subnets(side: str, place: str, pair: Json) -> Iterator[tuple[str, str]]:
    for number, subnet in enumerate(pair.get("subnets") or []):
        yield f"{place}.subnets[{number}].{side}", subnet[side]


def _id(names: Names, wanted: str) -> str:
    return next(i for i, name in names if wanted in (i, name))


class _Place:
    """Where in the body a name stands."""

    def __init__(self, field: str, site_name: str) -> None:
        self._field = field
        self._site = site_name

    def find(self, kind: str, names: Names, wanted: str) -> None:
        """:raises InvalidReference: none has the name or id, or several."""
        if any(object_id == wanted for object_id, _ in names):
            return
        number = sum(1 for _, name in names if name == wanted)
        if number == 1:
            return
        words = kind.replace("_", " ")
        if number:
            raise self._wrong(
                f"{number} {words} at site {self._site} are named {wanted}.",
                "Use the id of the one that is meant.",
            )
        raise self._wrong(
            f"none of the {words} at site {self._site} is {wanted}.",
            f"List the {words} that the project can use there.",
        )

    def _wrong(self, message: str, remedy: str) -> exception.InvalidReference:
        return exception.InvalidReference(
            f"{self._field}: {message}", remedy=remedy, field=self._field
        )
