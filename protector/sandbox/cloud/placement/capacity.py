# SPDX-License-Identifier: Apache-2.0
"""Work out the one compute node's inventory and its use.

Nothing is stored here: use is the sum over the servers that Nova has on
the node, so it cannot disagree with Nova.
"""

import dataclasses

from protector.sandbox.cloud import context
from protector.sandbox.cloud.nova import admin

_TOTAL = {
    "VCPU": admin.VCPUS,
    "MEMORY_MB": admin.RAM_MIB,
    "DISK_GB": admin.DISK_GIB,
}
_RATIO = {"VCPU": 4.0, "MEMORY_MB": 1.0, "DISK_GB": 1.0}
_RESERVED = {"VCPU": 0, "MEMORY_MB": 512, "DISK_GB": 0}


@dataclasses.dataclass(frozen=True)
class Inventory:
    """One resource of the node."""

    total: int
    reserved: int
    ratio: float
    used: int

    @property
    def capacity(self) -> int:
        """What can be given away in all."""
        return int((self.total - self.reserved) * self.ratio)


class Node:
    """The compute node of one cloud.

    Setting ``capacity`` (``{"VCPU": 2}``) replaces totals, for tests of a
    site that is too small.
    """

    def __init__(self, cloud: context.Cloud) -> None:
        self._cloud = cloud
        self._servers = cloud.store.table("compute.servers")

    @property
    def name(self) -> str:
        """The host's name, as Nova has it."""
        return f"{self._cloud.site}-compute"

    @property
    def id(self) -> str:
        """The resource provider's id."""
        return admin.node_id(self.name)

    def inventories(self) -> dict[str, Inventory]:
        """Return every resource, with its use now."""
        totals = {**_TOTAL, **(self._cloud.settings.get("capacity") or {})}
        used = self._used()
        return {
            name: Inventory(
                total, _RESERVED[name], _RATIO[name], used.get(name, 0)
            )
            for name, total in totals.items()
            if name in _TOTAL
        }

    def allocation(self, server_id: str) -> dict[str, int]:
        """Return what a server takes of the node; {} when it is not here."""
        row = self._servers.get(server_id)
        if row is None or row.get("host") != self.name:
            return {}
        return _resources(row["flavor"])

    def consumers(self) -> dict[str, dict[str, int]]:
        """Return what each server on the node takes."""
        return {
            row["id"]: _resources(row["flavor"])
            for row in self._servers.list(host=self.name)
        }

    def usage_of(self, project_id: str) -> dict[str, int]:
        """Return what a project takes."""
        rows = self._servers.list(host=self.name, project_id=project_id)
        return _sum([_resources(row["flavor"]) for row in rows])

    def _used(self) -> dict[str, int]:
        return _sum(list(self.consumers().values()))


def _resources(flavor: dict[str, int]) -> dict[str, int]:
    """Return a flavor's resources; servers boot from volumes: no disk."""
    return {"VCPU": flavor["vcpus"], "MEMORY_MB": flavor["ram"]}


def _sum(parts: list[dict[str, int]]) -> dict[str, int]:
    names = sorted({name for part in parts for name in part})
    return {name: sum(part.get(name, 0) for part in parts) for name in names}
