# SPDX-License-Identifier: Apache-2.0
"""``ReplicationDriver`` for the arrays in memory, as one engine reaches
them."""

from collections.abc import Callable, Sequence
import datetime
import math
from typing import Any

from protector import exception
from protector.storage import base
from protector.tests.model import arrays, sim

GIB = 1 << 30


class Driver(base.ReplicationDriver):
    """:param door: through which this engine reaches an array."""

    def __init__(
        self, door: Any, before_change: Callable[[], None], clock: Any
    ) -> None:
        super().__init__(before_change, 5, 30, False)
        self._door = door
        self._now = lambda: clock.monotonic() - 1000

    # -- reaching them

    def _array(self, array: base.Array) -> arrays.Array:
        """For a look."""
        self._door.look(array.name)
        return self._door.world.arrays[array.name[-1]]

    def _change(self, array: base.Array, call: Callable[[Any], Any]) -> Any:
        """For one change, which may be the last thing that is done."""
        world = self._door.world
        return self._door.change(
            array.name,
            self.before_change,
            lambda: call(world.arrays[array.name[-1]]),
        )

    # -- names

    def array_volume_name(self, cinder_id: str) -> str:
        return f"volume-{cinder_id}-cinder"

    def find_group(
        self,
        array: base.Array,
        cinder_group_id: str,
        volumes: Sequence[str],
        synchronous: bool,
        own: bool = True,
    ) -> str:
        return f"consisgroup-{cinder_group_id}-cinder"

    # -- the model's groups replicate asynchronously

    def asynchronous_only(self, one: base.Array, other: base.Array) -> str:
        return "The model has no pods."

    def capture(self, direction: base.Direction, suffix: str) -> None:
        return None

    def obstacle(self, direction: base.Direction) -> None:
        return None

    def closed(self, array: base.Array, volumes: Sequence[str]) -> None:
        return None

    def groups_of(self, array: base.Array, cinder_group_id: str) -> list[str]:
        return []

    def refuse_shared(
        self, one: base.Direction, other: base.Direction
    ) -> None:
        return None

    # -- looks

    def check(self, array: base.Array) -> dict[str, str]:
        facts = dict.fromkeys(("version", "rest", "asynchronous_only"), "")
        return {"name": self._array(array).name, **facts}

    def link(self, one: base.Array, other: base.Array) -> str:
        self._array(one)
        self._array(other)
        return "connected" if self._door.world.linked else "disconnected"

    def get_volume(self, array: base.Array, name: str) -> base.Volume:
        found = self._array(array).volume(name)
        return base.Volume(name, found.serial, found.size * GIB)

    def connected_hosts(self, array: base.Array, volume: str) -> list[str]:
        return list(self._array(array).volume(volume).hosts)

    def list_points(self, direction: base.Direction) -> list[base.Point]:
        """By the target array alone, although the model keeps them with the
        source."""
        self._array(direction.target)
        found = self._source(direction).groups.get(direction.group)
        if found is None:
            return []
        points = [
            _point(direction, suffix, sent)
            for suffix, sent in found.sent.items()
            # one that never moved was never heard of
            if sent.completed is not None or sent.due < math.inf
        ]
        return sorted(points, key=lambda p: p.created, reverse=True)

    def _source(self, direction: base.Direction) -> arrays.Array:
        found: arrays.Array = self._door.world.arrays[
            direction.source.name[-1]
        ]
        return found

    def list_snapshots(
        self, array: base.Array, group: str
    ) -> dict[str, datetime.datetime]:
        found = self._array(array).group(group)
        return {
            f"{group}.{suffix}": _time(kept.created)
            for suffix, kept in found.snapshots.items()
        }

    def status(self, direction: base.Direction) -> base.Status:
        link = self.link(direction.source, direction.target)
        found = self._source(direction).groups.get(direction.group)
        if found is None:
            return base.Status(False, link, False, False, None, frozenset())
        return base.Status(
            True,
            link,
            found.allowed,
            found.enabled,
            int(found.interval),
            frozenset(found.volumes),
        )

    # -- changes

    def ensure_protection(
        self,
        direction: base.Direction,
        volumes: Sequence[str],
        schedule: base.Schedule,
        allow: bool = True,
    ) -> None:
        found = self._array(direction.source).groups.get(direction.group)
        self._array(direction.target)
        if found is not None and (
            found.target
            and (found.allowed or not allow)
            and found.interval == schedule.interval
            and found.volumes >= set(volumes)
        ):
            return
        self._change(
            direction.source,
            lambda a: _ensure(a, direction.group, volumes, schedule),
        )
        if allow:
            self.set_allowed(direction, True)

    def remove_volumes(
        self, direction: base.Direction, volumes: Sequence[str]
    ) -> None:
        def change(array: arrays.Array) -> None:
            if direction.group in array.groups:
                array.groups[direction.group].volumes -= set(volumes)

        self._change(direction.source, change)

    def set_schedule(
        self, direction: base.Direction, enabled: bool, schedule: base.Schedule
    ) -> None:
        self._change(
            direction.source,
            lambda a: self._schedule(a.group(direction.group), enabled),
        )

    def _schedule(self, group: arrays.Group, enabled: bool) -> None:
        if not enabled:
            group.next = math.inf
        elif group.next == math.inf:
            group.next = self._now() + group.interval
        group.enabled = enabled

    def set_allowed(self, direction: base.Direction, allowed: bool) -> None:
        source = self._source(direction)

        def change(target: arrays.Array) -> None:
            found = source.groups.get(direction.group)
            if found is not None:
                found.allowed = allowed
            elif allowed:
                raise exception.ArrayNotFound("It knows no such group.")
            world = self._door.world
            world.link(world.linked, self._now())

        self._change(direction.target, change)

    def replicate_now(self, direction: base.Direction, suffix: str) -> str:
        world = self._door.world
        self._array(direction.target)
        self._change(
            direction.source,
            lambda a: world.send(
                a, a.group(direction.group), suffix, self._now()
            ),
        )
        return _name(direction, suffix)

    def overwrite(
        self,
        direction: base.Direction,
        point: str,
        source_volume: str,
        target_volume: str,
        staging: str,
    ) -> None:
        target = direction.target
        sent = self._source(direction).groups.get(direction.group)
        transfer = (sent.sent if sent else {}).get(point.rpartition(".")[2])
        if transfer is None or source_volume not in transfer.volumes:
            raise exception.ArrayNotFound(f"There is no point {point}.")
        if transfer.completed is None:
            raise exception.ArrayError(f"Point {point} is not complete.")
        self._refuse_connected(target, target_volume)
        content = transfer.volumes[source_volume]
        self._change(target, lambda a: a.make(staging, 1, content))
        self._refuse_connected(target, target_volume)
        self._change(target, lambda a: _copy(a, staging, target_volume))

    def _refuse_connected(self, array: base.Array, volume: str) -> None:
        if self.connected_hosts(array, volume):
            raise exception.ArrayError(f"Volume {volume} is connected.")

    def destroy_volumes(
        self, array: base.Array, prefix: str, keep: Sequence[str] = ()
    ) -> list[str]:
        wanted = [
            name
            for name, volume in self._array(array).volumes.items()
            if name.startswith(prefix)
            and not name.startswith(tuple(keep))
            and not volume.destroyed
        ]
        for name in wanted:
            self._change(array, lambda a, name=name: _destroy(a, name))
        return wanted

    def snapshot(self, array: base.Array, group: str, suffix: str) -> str:
        def change(found: arrays.Array) -> None:
            known = found.group(group)
            taken = arrays.Snapshot(self._now(), found.contents(known))
            known.snapshots.setdefault(suffix, taken)

        self._change(array, change)
        return f"{group}.{suffix}"

    def destroy_snapshot(self, array: base.Array, name: str) -> None:
        group, _, suffix = name.rpartition(".")
        if group in self._array(array).groups:
            self._change(
                array, lambda a: a.group(group).snapshots.pop(suffix, None)
            )

    def remove_protection(self, direction: base.Direction) -> None:
        def change(array: arrays.Array) -> None:
            found = array.groups.get(direction.group)
            if found is not None:
                found.enabled = found.target = found.allowed = False
                found.sent.clear()

        self._change(direction.source, change)


def _ensure(
    array: arrays.Array,
    name: str,
    volumes: Sequence[str],
    schedule: base.Schedule,
) -> None:
    found = array.groups.setdefault(name, arrays.Group())
    found.volumes |= set(volumes)
    found.target = True
    found.interval = schedule.interval


def _copy(array: arrays.Array, staging: str, target: str) -> None:
    content = array.volume(staging).content
    array.volume(target).content = content


def _destroy(array: arrays.Array, name: str) -> None:
    array.volumes[name].destroyed = True


def _name(direction: base.Direction, suffix: str) -> str:
    return f"{direction.source.name}:{direction.group}.{suffix}"


def _point(
    direction: base.Direction, suffix: str, sent: arrays.Transfer
) -> base.Point:
    complete = sent.completed is not None
    return base.Point(
        name=_name(direction, suffix),
        suffix=suffix,
        created=_time(sent.created),
        completed=_time(sent.completed) if complete else None,
        progress=1.0 if complete else 0.5,
        bytes=sum(len(c) for c in sent.volumes.values()),
        volumes=frozenset(sent.volumes),
    )


def _time(seconds: float | None) -> datetime.datetime:
    return sim.START + datetime.timedelta(seconds=seconds or 0)
