# SPDX-License-Identifier: Apache-2.0
"""A direction that replicates synchronously: an array group in a pod that is
stretched over both arrays.

Each array has every write, and shows group and snapshots by the same names.
So a point is complete when it is taken, on whichever array that is, and the
newest is the one that the target takes when it needs it.
"""

import collections
from collections.abc import Sequence
import re
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter, names, pods, snapshots
from protector.storage.pure.poll import Poll
from protector.storage.pure.protection import settle

# the array's own numbers and those of the epochs, see ``engine.replication``;
# undo copies and the snapshots of Cinder's users are no points
_POINT = re.compile(r"\d+|e\d+(?:-.+)?")


class Synchronous:
    """See the methods of the same name of ``ReplicationDriver``.

    :param arrays: ``connection.Connections``, or ``overview.Overviews``.
    """

    def __init__(
        self, direction: base.Direction, arrays: Any, poll: Poll
    ) -> None:
        self._arrays = arrays
        self._source_name = direction.source.name
        self._target_name = direction.target.name
        self._direction = direction
        self._group = direction.group
        self._pod = str(names.pod_of(direction.group))
        # both arrays name it so
        self.replicated = direction.group

    @property
    def _source(self) -> Any:
        return self._arrays.of(self._direction.source)

    @property
    def _target(self) -> Any:
        return self._arrays.of(self._direction.target)

    def ensure(
        self, volumes: Sequence[str], schedule: base.Schedule, allow: bool
    ) -> None:
        """Nothing has to be allowed in a pod.

        :raises ArrayError: it is not stretched over both arrays, or a volume
            lies outside of it.
        """
        source, wanted = self._source, frozenset(volumes)
        self._require_stretched()
        self._require_inside(wanted)
        new = self._ensure_group()
        missing = wanted - self._members()
        if missing:
            settle(
                lambda: source.add_volumes(self._group, sorted(missing)),
                lambda: wanted <= self._members(),
            )
        _apply(source, self._group, schedule, False if new else None)

    def take_out(self, volumes: Sequence[str]) -> None:
        gone = frozenset(volumes)
        present = self._members() & gone
        if present:
            settle(
                lambda: self._source.remove_volumes(
                    self._group, sorted(present)
                ),
                lambda: not self._members() & gone,
            )

    def set_schedule(self, enabled: bool, schedule: base.Schedule) -> None:
        _apply(self._source, self._group, schedule, enabled)

    def set_allowed(self, allowed: bool) -> None:
        """A pod takes every write as long as it is stretched.  Where it was
        disallowed, no point of the source's schedule ages out the others.
        """
        if allowed or self._group not in self._target.groups():
            return
        target = self._target
        online = pods.obstacle(target, self._target_name, self._group) is None
        if online and target.settings(self._group).snapping:
            target.set_snapping(self._group, False)

    def replicate_now(self, suffix: str) -> str:
        pods.require_online(self._source, self._source_name, self._group)
        snapshots.take(self._source, self._group, suffix, ages=True)
        return names.snapshot(self._group, suffix)

    def capture(self, suffix: str) -> str:
        pods.require_online(self._target, self._target_name, self._group)
        snapshots.take(self._target, self._group, suffix, ages=True)
        return names.snapshot(self._group, suffix)

    def obstacle(self) -> str | None:
        return pods.obstacle(self._target, self._target_name, self._group)

    def list_points(self) -> list[base.Point]:
        """None is complete where the pod is not online: nothing can be read
        of it there."""
        target = self._target
        try:
            made = target.snapshot_times(self._group)
        except exception.ArrayNotFound:
            return []
        online = self.obstacle() is None
        volumes = self._volumes(target.members(self._group)) if made else {}
        points = [
            base.Point(
                name=name,
                suffix=suffix,
                created=created,
                completed=created if online else None,
                progress=1.0 if online else 0.0,
                bytes=0,
                volumes=frozenset(volumes.get(name, ())),
            )
            for name, created in made.items()
            for suffix in [names.suffix_of(name, self._group)]
            if suffix and _POINT.fullmatch(suffix)
        ]
        return sorted(points, key=lambda point: point.created, reverse=True)

    def require_complete(self, point: str) -> None:
        """:raises PodNotOnline: nothing can be read of the pod there."""
        pods.require_online(self._target, self._target_name, self._group)
        if point not in self._target.snapshot_times(self._group):
            raise exception.ArrayNotFound(
                f"There is no recovery point {point} of group {self._group}.",
                remedy="Choose another recovery point.",
            )

    def status(self) -> base.Status:
        """As the source array knows it, which also tells of the other: an
        array that is lost can be asked nothing."""
        group = self._live()
        pod = pods.find(self._source, self._pod)
        both = (self._source_name, self._target_name)
        states = [pods.state(pod, array) for array in both]
        wrong = [state for state in states if state != pods.ONLINE]
        settings = self._source.settings(self._group) if group else None
        return base.Status(
            group_exists=group is not None,
            link=wrong[0] if wrong else "connected",
            allowed=pod is not None and set(both) <= set(pod.arrays),
            schedule_enabled=settings.snapping if settings else False,
            interval=settings.snap_interval if settings else None,
            volumes=group.volumes if group else frozenset(),
            degraded=pods.degraded(pod, both) if pod else None,
            synchronous=True,
        )

    def drop(self, eradicate: bool) -> None:
        """The group is Cinder's, whoever made it, and goes with it."""
        source = self._source
        if self._live() and source.settings(self._group).snapping:
            source.set_snapping(self._group, False)

    # -- what is there

    def _live(self) -> adapter.Group | None:
        group: adapter.Group | None = self._source.group(self._group)
        return None if group is None or group.destroyed else group

    def _members(self) -> frozenset[str]:
        group = self._live()
        return group.volumes if group else frozenset()

    def _volumes(self, members: Sequence[str]) -> dict[str, set[str]]:
        """By point, with the pod that a member's name does not repeat."""
        found: dict[str, set[str]] = collections.defaultdict(set)
        for member in members:
            split = names.split_member(member, self._group)
            if split:
                found[split[0]].add(names.in_pod(self._pod, split[1]))
        return found

    def _require_stretched(self) -> None:
        pod = pods.find(self._source, self._pod)
        for name in (self._source_name, self._target_name):
            if pod is None or name not in pod.arrays:
                raise exception.ArrayError(
                    f"Pod {self._pod} is not stretched to array {name}.",
                    remedy="Give the Cinder backend a replication_device of "
                    "type sync, or stretch its pod to both arrays.",
                )

    def _require_inside(self, volumes: frozenset[str]) -> None:
        outside = [v for v in volumes if names.pod_of(v) != self._pod]
        if outside:
            raise exception.ArrayError(
                f"Not in pod {self._pod}: {', '.join(sorted(outside))}.",
                remedy="Use volumes of a volume type with synchronous "
                "replication, of one backend.",
            )

    def _ensure_group(self) -> bool:
        """Adopt or make the group; whether it was not there."""
        source = self._source
        group = source.group(self._group)
        if group is None:
            settle(
                lambda: source.create_group(self._group),
                lambda: self._live() is not None,
            )
            return True
        if group.destroyed:
            raise exception.ArrayError(
                f"Group {self._group} was destroyed by its owner.",
                remedy="Recover or eradicate it on the array, then retry.",
            )
        return False


def _apply(
    array: Any, group: str, schedule: base.Schedule, enabled: bool | None
) -> None:
    """Bring the schedule of the local snapshots, which both arrays keep, to
    the wanted values.

    :param enabled: None leaves the schedule as it is.
    """
    now = array.settings(group)
    if now.snapping and enabled is False:
        array.set_snapping(group, False)
    if now.snap_interval != schedule.interval:
        array.set_snap_interval(group, schedule.interval)
    keep = adapter.retention(schedule)
    if now.on_source != keep:
        array.set_source_retention(group, keep)
    if enabled and not now.snapping:
        array.set_snapping(group, True)
