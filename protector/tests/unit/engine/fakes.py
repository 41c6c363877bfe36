# SPDX-License-Identifier: Apache-2.0
"""The boundary of an engine in memory: clock, arrays, clouds, sealer.

Each answers what a test puts into it and remembers what it was asked.
"""

from collections.abc import Sequence
import datetime
import threading
from typing import Any

from protector import clock, exception
from protector.clients import types
from protector.storage import base
from protector.tests.fixtures import site_runtime

NOW = site_runtime.NOW


class Clock(clock.Clock):
    """Stands still until ``advance``; waiting moves it."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def now(self) -> datetime.datetime:
        return NOW + datetime.timedelta(seconds=self.passed - 1000)

    def monotonic(self) -> float:
        return self.passed

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        self.passed += seconds


def at(minutes: float) -> datetime.datetime:
    return NOW + datetime.timedelta(minutes=minutes)


def point(
    group: str,
    suffix: str,
    minutes: float,
    volumes: Any = (),
    complete: bool = True,
) -> base.Point:
    created = at(minutes)
    return base.Point(
        name=f"array:{group}.{suffix}",
        suffix=suffix,
        created=created,
        completed=created if complete else None,
        progress=1.0 if complete else 0.5,
        bytes=10,
        volumes=frozenset(volumes),
    )


class Driver:
    """Points, status and local snapshots by array group."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.points: dict[str, list[base.Point]] = {}
        self.snapshots: dict[str, dict[str, datetime.datetime]] = {}
        self.schedules: dict[str, bool] = {}
        self.link = "connected"
        self.allowed = True
        # groups that the target was told to take
        self.allowing: list[str] = []
        self.group_exists = True
        # by array
        self.pods: dict[str, str] = {}
        self.obstacles: dict[str, str] = {}
        self.closed_arrays: dict[str, str] = {}
        self.degraded: str | None = None
        self.synchronous = False
        self.error: Exception | None = None

    def _asked(self, *call: Any) -> None:
        if self.error is not None:
            raise self.error
        self.calls.append(call)

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] == name]

    def glance(self) -> "Driver":
        self._asked("glance")
        return self

    def find_group(
        self,
        array: base.Array,
        cinder_group_id: str,
        volumes: Sequence[str],
        synchronous: bool,
        own: bool = True,
    ) -> str | None:
        self._asked("find_group", array.name)
        name = f"consisgroup-{cinder_group_id}-cinder"
        if not synchronous:
            return name
        return f"{self.pods[array.name]}::{name}" if self.pods else None

    def refuse_shared(
        self, one: base.Direction, other: base.Direction
    ) -> None:
        self._asked("refuse_shared", one.group, other.group)

    def capture(self, direction: base.Direction, suffix: str) -> str | None:
        self._asked("capture", direction.group, suffix)
        return None

    def obstacle(self, direction: base.Direction) -> str | None:
        return self.obstacles.get(direction.group)

    def closed(self, array: base.Array, volumes: Sequence[str]) -> str | None:
        return self.closed_arrays.get(array.name)

    def groups_of(self, array: base.Array, cinder_group_id: str) -> list[str]:
        return []

    def check(self, array: base.Array) -> dict[str, str]:
        self._asked("check", array.name)
        return {}

    def list_points(self, direction: base.Direction) -> list[base.Point]:
        self._asked("list_points", direction.group)
        return self.points.get(direction.group, [])

    def status(self, direction: base.Direction) -> base.Status:
        self._asked("status", direction.group)
        on = self.schedules.get(direction.group, False)
        return base.Status(
            self.group_exists,
            self.link,
            self.allowed,
            on,
            900,
            frozenset(),
            degraded=self.degraded,
            synchronous=self.synchronous,
        )

    def space(self, array: base.Array) -> base.Space | None:
        self._asked("space", array.name)
        return None

    def ensure_protection(
        self,
        direction: base.Direction,
        volumes: Any,
        schedule: Any,
        allow: bool = True,
    ) -> None:
        self._asked("ensure_protection", direction.group, schedule.interval)
        if allow:
            self.allowing.append(direction.group)

    def remove_volumes(self, direction: base.Direction, volumes: Any) -> None:
        self._asked("remove_volumes", direction.group, list(volumes))

    def set_schedule(
        self, direction: base.Direction, enabled: bool, schedule: Any
    ) -> None:
        self._asked("set_schedule", direction.group, enabled)
        self.schedules[direction.group] = enabled

    def replicate_now(self, direction: base.Direction, suffix: str) -> str:
        self._asked("replicate_now", direction.group, suffix)
        return f"array:{direction.group}.{suffix}"

    def list_snapshots(self, array: base.Array, group: str) -> Any:
        self._asked("list_snapshots", array.name, group)
        return dict(self.snapshots.get(group, {}))

    def destroy_snapshot(self, array: base.Array, name: str) -> None:
        self._asked("destroy_snapshot", array.name, name)

    def destroy_volumes(
        self, array: base.Array, prefix: str, keep: Sequence[str] = ()
    ) -> list[str]:
        self._asked("destroy_volumes", array.name, prefix)
        return []


class Storage:
    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def reader(self, forbid: Any) -> Driver:
        return self._driver

    def driver(self, before_change: Any) -> Driver:
        return self._driver

    def arrays(self) -> list[base.Array]:
        return [self.array_of("", f"site-{name}") for name in "ab"]

    def array_of(self, site_id: str, site_name: str) -> base.Array:
        name = site_name.replace("site", "array")
        return base.Array(name, "", "", None, True, site_name, None)


class Peer:
    """:param groups: what the peer holds, as it lists it."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.mirrored: list[str] = []
        self.pushed: list[str] = []
        self.forgotten: dict[str, Any] = {}
        self.errors: dict[str, Exception] = {}
        self.asked = 0

    def groups(self, marker: str | None = None) -> list[dict[str, Any]]:
        self._raise("groups")
        return [] if marker else self.held

    def all_groups(self) -> list[dict[str, Any]]:
        return self.groups()

    def group(self, group_id: str) -> dict[str, Any]:
        self._raise("group")
        for held in self.held:
            if held["id"] == group_id:
                return {"claimed_epoch": held["epoch"], **held}
        raise exception.NotFound(f"no group {group_id}")

    def mirror(self, operation_id: str, body: Any) -> None:
        self.asked += 1
        self._raise("mirror")
        self._raise(operation_id)
        self.mirrored.append(operation_id)

    def push(self, group_id: str, raw: bytes) -> None:
        self._raise(group_id)
        self.pushed.append(group_id)

    def forget(self, group_id: str, tombstone: Any = None) -> None:
        self._raise(group_id)
        self.forgotten[group_id] = tombstone

    def check(self, seconds: float) -> dict[str, Any]:
        self._raise("check")
        return {}

    def _raise(self, what: str) -> None:
        if what in self.errors:
            raise self.errors[what]


class Volumes:
    """Volumes and groups of one project at one site."""

    def __init__(self) -> None:
        self.volumes: dict[str, types.Volume] = {}
        self.groups_: dict[str, types.Group] = {}

    def group(self, group_id: str, name: str, description: str) -> None:
        self.groups_[group_id] = types.Group(
            group_id, name, "available", "type", (), (), description
        )

    def volume(self, volume_id: str, status: str, group_id: str) -> None:
        self.volumes[volume_id] = types.Volume(
            id=volume_id,
            name=f"name-{volume_id}",
            status=status,
            size=1,
            volume_type="t",
            bootable=True,
            encrypted=False,
            multiattach=False,
            group_id=group_id,
            host=None,
            provider_id=None,
            metadata={},
            image_metadata={},
            server_ids=(),
            raw={},
        )

    def _inside(self, group_id: str) -> tuple[str, ...]:
        found = self.volumes.values()
        return tuple(v.id for v in found if v.group_id == group_id)

    def find_groups(self, name: str) -> list[types.Group]:
        return [g for g in self.groups_.values() if g.name == name]

    def get_group(self, group_id: str) -> types.Group:
        if group_id not in self.groups_:
            raise exception.CloudNotFound(f"no group {group_id}")
        found = vars(self.groups_[group_id])
        return types.Group(**{**found, "volume_ids": self._inside(group_id)})

    def groups(self, ids: Any = None) -> list[types.Group]:
        return [self.get_group(i) for i in self.groups_ if i in ids]

    def list(self, ids: Any) -> list[types.Volume]:
        return [v for v in self.volumes.values() if v.id in ids]

    def update_group(self, group_id: str, remove: Any) -> None:
        for volume_id in remove:
            self.volume(volume_id, self.volumes[volume_id].status, "")

    def delete_group(self, group_id: str) -> None:
        self.get_group(group_id)
        if self._inside(group_id):
            raise exception.CloudConflict("the group is not empty")
        del self.groups_[group_id]


class Clouds:
    """One project client and one peer for each site."""

    def __init__(self) -> None:
        self.volume = Volumes()
        self.peer = Peer()

    def site(self, access: Any, **kwargs: Any) -> "Clouds":
        return self

    def project(self, project_id: str) -> "Clouds":
        return self


class Sealer:
    def open(self, sealed: str | None) -> str:
        return ""


class Boundary:
    """All of it, put into a runtime."""

    def __init__(self, runtime: Any) -> None:
        self.clock, self.driver = Clock(), Driver()
        self.clouds = Clouds()
        runtime.clock = self.clock
        runtime.storage = Storage(self.driver)
        runtime.clouds = self.clouds
        runtime.sealer = Sealer()
