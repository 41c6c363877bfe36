# SPDX-License-Identifier: Apache-2.0
"""What the driver asks of an array, whatever REST generation it speaks.

Only the interface and its values, in neutral units: bytes, seconds, aware
UTC.  What a call is for is the driver's knowledge.
"""

from collections.abc import Sequence
import dataclasses
import datetime
from typing import Protocol

from protector.storage import base


@dataclasses.dataclass(frozen=True)
class Identity:
    name: str
    version: str  # of Purity
    rest: str


@dataclasses.dataclass(frozen=True)
class Volume:
    name: str
    serial: str
    size: int  # bytes
    destroyed: bool  # and waiting for its eradication


@dataclasses.dataclass(frozen=True)
class Group:
    """``targets`` tells for each target array whether it allows the group."""

    name: str
    volumes: frozenset[str]
    targets: dict[str, bool]
    destroyed: bool


@dataclasses.dataclass(frozen=True)
class Retention:
    """Keep all for ``all_for`` seconds, then ``per_day`` for ``days``."""

    all_for: int
    per_day: int
    days: int


@dataclasses.dataclass(frozen=True)
class Settings:
    """A group's replication schedule, its retention on both sides, and the
    schedule of its local snapshots.

    ``blackout``: when replication rests each day, in seconds of the day.
    """

    enabled: bool
    interval: int | None  # seconds
    on_source: Retention
    on_target: Retention
    snapping: bool
    snap_interval: int | None  # seconds
    blackout: tuple[int, int] | None = None


@dataclasses.dataclass(frozen=True)
class Pod:
    """``arrays`` tells of each array that has it how the pod is there:
    "online", "offline", "resyncing", "suspended", "unknown".

    ``mediators`` tells how each of them sees the mediator: "online", ...
    """

    name: str
    arrays: dict[str, str]
    mediators: dict[str, str]
    destroyed: bool


@dataclasses.dataclass(frozen=True)
class Transfer:
    """A replicated group snapshot as its target array shows it."""

    snapshot: str
    created: datetime.datetime
    completed: datetime.datetime | None
    progress: float  # 0 to 1
    bytes: int


class Adapter(Protocol):
    """One array, used by one thread.

    Every method may raise ``ArrayError`` (refused), ``ArrayNotFound`` and
    ``ArrayUnavailable`` (no or a broken answer).  The changing ones run the
    driver's ``before_change`` before each request and do not look first.
    """

    def identity(self) -> Identity: ...

    def space(self) -> base.Space: ...

    def link(self, array: str) -> str | None:
        """State of the connection to another array; None: there is none."""

    def links(self) -> dict[str, str]:
        """State of each connection, by the name of the other array."""

    # -- volumes

    def volume(self, name: str) -> Volume | None:
        """A volume, destroyed or not; None if there is none."""

    def volumes(self, prefix: str) -> list[Volume]:
        """Volumes whose names start with ``prefix``, destroyed ones too."""

    def hosts(self, volume: str) -> list[str]:
        """Hosts and host groups connected to a volume, by name."""

    def copy_volume(self, source: str, target: str) -> None:
        """Copy a volume or a snapshot; an existing target is overwritten."""

    def extend_volume(self, name: str, size: int) -> None: ...

    def recover_volume(self, name: str) -> None: ...

    def destroy_volume(self, name: str) -> None: ...

    def eradicate_volume(self, name: str) -> None: ...

    # -- groups

    def group(self, name: str) -> Group | None:
        """A group, destroyed or not; None if there is none."""

    def groups(self) -> dict[str, Group]:
        """All groups, destroyed ones too, by name."""

    def settings(self, group: str) -> Settings: ...

    def all_settings(self) -> dict[str, Settings]:
        """Those of all groups, by name."""

    def create_group(self, name: str) -> None: ...

    def recover_group(self, name: str) -> None: ...

    def destroy_group(self, name: str) -> None: ...

    def eradicate_group(self, name: str) -> None: ...

    def add_volumes(self, group: str, volumes: Sequence[str]) -> None: ...

    def remove_volumes(self, group: str, volumes: Sequence[str]) -> None: ...

    def add_target(self, group: str, array: str) -> None: ...

    def remove_target(self, group: str, array: str) -> None: ...

    def set_allowed(self, group: str, allowed: bool) -> None:
        """On the target array; content with what is so already."""

    def set_enabled(self, group: str, enabled: bool) -> None: ...

    def set_interval(self, group: str, seconds: int) -> None: ...

    def set_source_retention(self, group: str, keep: Retention) -> None: ...

    def set_target_retention(self, group: str, keep: Retention) -> None: ...

    def set_snapping(self, group: str, enabled: bool) -> None: ...

    def set_snap_interval(self, group: str, seconds: int) -> None: ...

    # -- pods

    def pods(self) -> dict[str, Pod]:
        """All pods, destroyed ones too, by name."""

    # -- group snapshots

    def group_snapshots(self, group: str) -> dict[str, bool]:
        """Whether destroyed, by full name."""

    def snapshot_times(self, group: str) -> dict[str, datetime.datetime]:
        """When those that are not destroyed were made, by full name."""

    def all_snapshot_times(self) -> dict[str, datetime.datetime]:
        """Those of all groups, by full name."""

    def snapshot_group(
        self, group: str, suffix: str, replicate: bool, ages: bool
    ) -> None:
        """:param ages: the group's retention applies to it."""

    def send_snapshot(self, name: str) -> None:
        """Replicate a snapshot that exists."""

    def destroy_snapshot(self, name: str) -> None: ...

    def eradicate_snapshot(self, name: str) -> None: ...

    def transfers(self, group: str) -> list[Transfer]:
        """Snapshots of a replicated group that are not destroyed; none if
        the array does not know the group."""

    def all_transfers(self) -> list[Transfer]:
        """Snapshots of all replicated groups that are not destroyed."""

    def members(self, group: str) -> list[str]:
        """Names of the volume snapshots in all snapshots of a group."""

    def all_members(self) -> list[str]:
        """Names of all volume snapshots."""


def retention(schedule: base.Schedule) -> Retention:
    return Retention(schedule.all_for, schedule.per_day, schedule.days)
