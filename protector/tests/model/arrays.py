# SPDX-License-Identifier: Apache-2.0
"""Two arrays in memory, whose volumes hold the tokens that guests wrote.

They replicate as FlashArrays do: by array groups, on demand and on schedule,
each transfer taking its time while the arrays see each other.
"""

import dataclasses
import math

from protector import exception

Content = frozenset[int]
EMPTY: Content = frozenset()
TRANSFER_SECONDS = 4.0
KEPT = 24
"""Points of a group that an array keeps: older scheduled ones age out."""


@dataclasses.dataclass
class Volume:
    serial: str
    size: int
    content: Content = EMPTY
    destroyed: bool = False
    hosts: tuple[str, ...] = ()


@dataclasses.dataclass
class Snapshot:
    created: float
    volumes: dict[str, Content]


@dataclasses.dataclass
class Transfer(Snapshot):
    """:ivar due: when it is complete; infinite while it does not move."""

    due: float = math.inf
    completed: float | None = None


@dataclasses.dataclass
class Group:
    """:ivar sent: by suffix, what the target has or is getting."""

    volumes: set[str] = dataclasses.field(default_factory=set)
    target: bool = False
    allowed: bool = False
    enabled: bool = False
    interval: float = 900.0
    next: float = math.inf
    number: int = 0
    snapshots: dict[str, Snapshot] = dataclasses.field(default_factory=dict)
    sent: dict[str, Transfer] = dataclasses.field(default_factory=dict)


class Array:
    """:ivar groups: those whose source it is, by name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.volumes: dict[str, Volume] = {}
        self.groups: dict[str, Group] = {}
        # what was replicated to the other one by groups that are gone
        self.serial = 0

    def volume(self, name: str) -> Volume:
        found = self.volumes.get(name)
        if found is None or found.destroyed:
            raise exception.ArrayNotFound(f"There is no volume {name}.")
        return found

    def group(self, name: str) -> Group:
        if name not in self.groups:
            raise exception.ArrayNotFound(f"There is no group {name}.")
        return self.groups[name]

    def make(self, name: str, size: int, content: Content = EMPTY) -> None:
        self.serial += 1
        serial = f"{self.name}-{self.serial}"
        self.volumes[name] = Volume(serial, size, content)

    def contents(self, group: Group) -> dict[str, Content]:
        return {
            name: found.content
            for name in sorted(group.volumes)
            for found in [self.volumes.get(name)]
            if found is not None and not found.destroyed
        }


class Arrays:
    """Both, and what is between them.

    :ivar linked: whether they see each other.
    """

    def __init__(self) -> None:
        self.arrays = {name: Array(f"array-{name}") for name in "ab"}
        self.linked = True

    def _groups(self) -> list[tuple[Array, Group]]:
        return [
            (a, g) for a in self.arrays.values() for g in a.groups.values()
        ]

    # -- time

    def due(self) -> float:
        """When something happens by itself the next time."""
        times = [g.next for _, g in self._groups() if g.enabled]
        if self.linked:
            times += [
                t.due
                for _, g in self._groups()
                for t in g.sent.values()
                if t.completed is None
            ]
        return min(times, default=math.inf)

    def happen(self, now: float) -> None:
        """What is due by now."""
        for array, group in self._groups():
            if group.enabled and group.next <= now:
                group.next = now + group.interval
                group.number += 1
                self.send(array, group, str(group.number), now)
                _age(group)
            for transfer in group.sent.values():
                if self.linked and transfer.due <= now:
                    transfer.completed = transfer.completed or transfer.due
        self._move(now)

    def link(self, linked: bool, now: float) -> None:
        self.linked = linked
        self._move(now)

    def _move(self, now: float) -> None:
        """Transfers move while they can, and begin anew when they could
        not."""
        for _, group in self._groups():
            for transfer in group.sent.values():
                if transfer.completed is not None:
                    continue
                if not (self.linked and group.allowed):
                    transfer.due = math.inf
                elif transfer.due == math.inf:
                    transfer.due = now + TRANSFER_SECONDS

    def send(
        self, array: Array, group: Group, suffix: str, now: float
    ) -> None:
        """Take a snapshot and have it sent; once for each suffix."""
        if suffix in group.snapshots:
            return
        taken = array.contents(group)
        group.snapshots[suffix] = Snapshot(now, taken)
        if group.target and group.allowed:
            group.sent[suffix] = Transfer(now, taken)
            self._move(now)

    # -- what there is

    def tokens(self) -> set[int]:
        """All that is kept anywhere."""
        found: set[int] = set()
        for array in self.arrays.values():
            for volume in array.volumes.values():
                if not volume.destroyed:
                    found |= volume.content
        for _, group in self._groups():
            for kept in [*group.snapshots.values(), *group.sent.values()]:
                for content in kept.volumes.values():
                    found |= content
        return found


def _age(group: Group) -> None:
    """Scheduled points go in the order they came."""
    scheduled = [s for s in group.sent if s.isdigit()]
    for suffix in scheduled[:-KEPT]:
        del group.sent[suffix]
        group.snapshots.pop(suffix, None)
