# SPDX-License-Identifier: Apache-2.0
"""The door to an array: the interface and the values that pass through it.

No SDK type, unit or error text gets past it: sizes are bytes, spans are
seconds, times are aware UTC, failures are ``exception.ArrayError`` and its
kin.
"""

import abc
from collections.abc import Callable, Sequence
import dataclasses
import datetime


@dataclasses.dataclass(frozen=True)
class Array:
    """How to reach one array, from ``[storage] arrays``.

    ``site`` is the name or id of the site whose Cinder uses it; ``backend``
    the Cinder backend there.
    """

    name: str
    management_address: str
    api_token: str = dataclasses.field(repr=False)
    ca_file: str | None
    verify: bool
    site: str | None
    backend: str | None


@dataclasses.dataclass(frozen=True)
class Direction:
    """Replication from one array to another, by one array group.

    ``group`` is the group's name on the source array, which also tells
    whether it replicates synchronously.
    """

    source: Array
    target: Array
    group: str

    def reversed(self, group: str) -> "Direction":
        return Direction(self.target, self.source, group)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Interval and retention (both sides keep the same), in seconds."""

    interval: int
    all_for: int
    per_day: int
    days: int


@dataclasses.dataclass(frozen=True)
class Volume:
    name: str
    serial: str
    size: int  # bytes


@dataclasses.dataclass(frozen=True)
class Point:
    """A recovery point as the *target* array shows it.

    ``name`` is its full name there, ``suffix`` the last part of it;
    ``volumes`` are the names the volumes have on the source array.
    """

    name: str
    suffix: str
    created: datetime.datetime
    completed: datetime.datetime | None
    progress: float
    bytes: int
    volumes: frozenset[str]

    @property
    def complete(self) -> bool:
        return self.completed is not None


@dataclasses.dataclass(frozen=True)
class Space:
    """What an array has room for, and what is taken of it, in bytes."""

    capacity: int
    used: int


@dataclasses.dataclass(frozen=True)
class Status:
    """What the arrays say of a direction.

    ``blackout``: when the schedule rests each day, in seconds of the day of
    the source array.  ``degraded`` tells of a synchronous direction why the
    loss of an array could lose a write, or stop the other.
    """

    group_exists: bool
    link: str  # "connected", "partially_connected", "disconnected", ...
    allowed: bool
    schedule_enabled: bool
    interval: int | None
    volumes: frozenset[str]
    blackout: tuple[int, int] | None = None
    degraded: str | None = None
    synchronous: bool = False


class ReplicationDriver(abc.ABC):
    """One instance per operation; not shared between operations.

    :param before_change: called before each call that changes an array; it
        raises ``LeaseLost`` when this engine may not act any more.
    :param connect_timeout: seconds.
    :param read_timeout: seconds.
    :param eradicate: whether what is destroyed is eradicated too; an array
        that refuses keeps it until its own timer ends.

    Every method may raise ``ArrayError`` (refused), ``ArrayNotFound`` and
    ``ArrayUnavailable`` (no or a broken answer: the outcome is unknown).
    Every changing method may be repeated with the same arguments.
    """

    def __init__(
        self,
        before_change: Callable[[], None],
        connect_timeout: float,
        read_timeout: float,
        eradicate: bool,
    ) -> None:
        self.before_change = before_change
        self.timeout = (connect_timeout, read_timeout)
        self.eradicate = eradicate

    def glance(self) -> "ReplicationDriver":
        """For one round of ``list_points`` and ``status`` of many groups, in
        one thread: what an array lists of all of them is asked once."""
        return self

    @abc.abstractmethod
    def array_volume_name(self, cinder_id: str) -> str:
        """The name Cinder's driver gives to a volume on the array."""

    @abc.abstractmethod
    def find_group(
        self,
        array: Array,
        cinder_group_id: str,
        volumes: Sequence[str],
        synchronous: bool,
        own: bool = True,
    ) -> str | None:
        """The name on the array of a Cinder group.

        :param volumes: array names of the group's volumes.
        :param own: those that should lie in a pod and do not may have a group
            of our own; otherwise they are refused.
        :return: None while nothing tells where a synchronous one lies.
        """

    @abc.abstractmethod
    def groups_of(self, array: Array, cinder_group_id: str) -> list[str]:
        """Names of all array groups that a synchronous Cinder group has, or
        had while its volumes lay elsewhere."""

    @abc.abstractmethod
    def check(self, array: Array) -> dict[str, str]:
        """Whether the array answers to its name: name, version, rest, and
        ``asynchronous_only``: why, or nothing.

        :raises ArrayError: another array answers at the address.
        """

    @abc.abstractmethod
    def link(self, one: Array, other: Array) -> str:
        """State of the connection between two arrays, "connected" when all
        is well: the worse of what both say."""

    def space(self, array: Array) -> Space | None:
        """What the array has room for; None if it does not tell."""
        return None

    @abc.abstractmethod
    def asynchronous_only(self, one: Array, other: Array) -> str | None:
        """Why ``one`` could not replicate synchronously to ``other``; None
        if it could."""

    @abc.abstractmethod
    def get_volume(self, array: Array, name: str) -> Volume:
        """:raises ArrayNotFound: no such volume, or it is destroyed."""

    @abc.abstractmethod
    def connected_hosts(self, array: Array, volume: str) -> list[str]:
        """Names of the hosts connected to the volume."""

    @abc.abstractmethod
    def ensure_protection(
        self,
        direction: Direction,
        volumes: Sequence[str],
        schedule: Schedule,
        allow: bool = True,
    ) -> None:
        """Make the direction ready: the array group is there (adopted or
        made), holds ``volumes``, targets the other array, is allowed there
        and has the interval and retention.  Whether the schedule is on is
        left as it is; a group made here starts with it off.

        :param allow: otherwise the target array is not changed.
        """

    @abc.abstractmethod
    def remove_volumes(
        self, direction: Direction, volumes: Sequence[str]
    ) -> None:
        """Take volumes out of the array group, tolerant of what is gone."""

    @abc.abstractmethod
    def set_schedule(
        self, direction: Direction, enabled: bool, schedule: Schedule
    ) -> None:
        """Set interval and retention and turn the schedule on or off."""

    @abc.abstractmethod
    def set_allowed(self, direction: Direction, allowed: bool) -> None:
        """On the target array: take transfers of this group, or refuse."""

    @abc.abstractmethod
    def replicate_now(self, direction: Direction, suffix: str) -> str:
        """Start a transfer of a new snapshot; its full name on the target.

        A snapshot of that suffix that exists already is the answer too.
        """

    @abc.abstractmethod
    def capture(self, direction: Direction, suffix: str) -> str | None:
        """On the target array alone: a point of what the source wrote last,
        by its full name; None where only what was sent is there."""

    @abc.abstractmethod
    def obstacle(self, direction: Direction) -> str | None:
        """Why the target array cannot use what it has of the direction now;
        None if it can.  No call to the source array."""

    @abc.abstractmethod
    def closed(self, array: Array, volumes: Sequence[str]) -> str | None:
        """Why the array takes nothing into one of the volumes now; None if
        it would."""

    @abc.abstractmethod
    def refuse_shared(self, one: Direction, other: Direction) -> None:
        """:raises ArrayError: both directions of a group lie in the same
        container of the arrays."""

    @abc.abstractmethod
    def list_points(self, direction: Direction) -> list[Point]:
        """The group's points on the target, newest first, destroyed ones
        left out.  No call to the source array."""

    @abc.abstractmethod
    def overwrite(
        self,
        direction: Direction,
        point: str,
        source_volume: str,
        target_volume: str,
        staging: str,
    ) -> None:
        """On the target array: replace the content of ``target_volume`` by
        that of ``source_volume`` in ``point``, through the volume
        ``staging``: point -> staging -> target.

        :raises ArrayNotFound: the point or one of the volumes is gone.
        :raises PodRefuses: ``target_volume`` replicates synchronously, and
            the array takes no overwrite without its other array.
        :raises ArrayError: ``target_volume`` is connected to a host.
        """

    @abc.abstractmethod
    def destroy_volumes(
        self, array: Array, prefix: str, keep: Sequence[str] = ()
    ) -> list[str]:
        """Destroy the volumes whose names start with ``prefix``, but for
        those that start with one of ``keep``; the names destroyed."""

    @abc.abstractmethod
    def snapshot(self, array: Array, group: str, suffix: str) -> str:
        """A local snapshot of an array group; its full name."""

    @abc.abstractmethod
    def list_snapshots(
        self, array: Array, group: str
    ) -> dict[str, datetime.datetime]:
        """The local snapshots of an array group by full name, with the
        time they were taken; destroyed ones left out."""

    @abc.abstractmethod
    def destroy_snapshot(self, array: Array, name: str) -> None:
        """Destroy a group snapshot, tolerant of what is gone."""

    @abc.abstractmethod
    def status(self, direction: Direction) -> Status:
        """What both arrays say of the direction.

        :raises ArrayError: another array answers at the address of one, or
            one has another name now.
        """

    @abc.abstractmethod
    def remove_protection(self, direction: Direction) -> None:
        """Turn the schedule off, take the target away and destroy the array
        group, unless it is Cinder's.  The target's replica of it is
        destroyed with its points, which can be recovered there until the
        array's own timer ends.  Tolerant of what is gone."""
