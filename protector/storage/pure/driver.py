# SPDX-License-Identifier: Apache-2.0
"""``ReplicationDriver`` for FlashArrays: what each method means there.

A direction is a protection group on the source array: with the other array
as its target, or in a pod that is stretched to it.  Wire formats, SDKs and
REST generations are the adapters'.
"""

from collections.abc import Callable, Sequence
import copy
import datetime
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import (
    asynchronous,
    connection,
    copying,
    names,
    overview,
    pods,
    snapshots,
    synchronous,
)
from protector.storage.pure.poll import Poll


class PureDriver(base.ReplicationDriver):
    """:param poll: how to wait for what one array tells the other."""

    def __init__(
        self,
        before_change: Callable[[], None],
        connect_timeout: float,
        read_timeout: float,
        eradicate: bool,
        poll: Poll | None = None,
    ) -> None:
        super().__init__(
            before_change, connect_timeout, read_timeout, eradicate
        )
        self._arrays: Any = connection.Connections(self.timeout, before_change)
        self._poll = poll or Poll()

    def glance(self) -> "PureDriver":
        found = copy.copy(self)
        found._arrays = overview.Overviews(self._arrays)
        return found

    def array_volume_name(self, cinder_id: str) -> str:
        return names.volume(cinder_id)

    def find_group(
        self,
        array: base.Array,
        cinder_group_id: str,
        volumes: Sequence[str],
        synchronous: bool,
        own: bool = True,
    ) -> str | None:
        """The pod is that of the volumes; while there are none, that where
        Cinder's driver made the group.  Volumes that lie in no pod, because
        it took no overwrite, have a group of our own.

        :raises VolumesApart: the volumes lie in more than one pod.
        """
        name = names.group(cinder_group_id)
        if not synchronous:
            return name
        if own and volumes and not any(map(names.pod_of, volumes)):
            return names.own_group(cinder_group_id)
        if volumes:
            return names.in_pod(pods.common(volumes), name)
        known = self.groups_of(array, cinder_group_id)
        return next(filter(names.pod_of, known), None)

    def groups_of(self, array: base.Array, cinder_group_id: str) -> list[str]:
        cinders = names.group(cinder_group_id)
        own = names.own_group(cinder_group_id)
        return [
            name
            for name, group in self._arrays.of(array).groups().items()
            if not group.destroyed
            and (
                name == own
                or (names.pod_of(name) and names.bare(name) == cinders)
            )
        ]

    def check(self, array: base.Array) -> dict[str, str]:
        found = connection.identity(self._arrays, array)
        return {
            "name": found.name,
            "version": found.version,
            "rest": found.rest,
            "asynchronous_only": pods.too_old(found) or "",
        }

    def link(self, one: base.Array, other: base.Array) -> str:
        """An array that lists no connection is "disconnected"."""
        return asynchronous.link(self._arrays, one, other)

    def asynchronous_only(
        self, one: base.Array, other: base.Array
    ) -> str | None:
        """One is too old, or some pod is not stretched over both, as both
        have to say."""
        for array in (one, other):
            too_old = pods.too_old(self._arrays.of(array).identity())
            if too_old:
                return too_old
        both = {one.name, other.name}
        if all(
            pods.any_over(self._arrays.of(array), both)
            for array in (one, other)
        ):
            return None
        return (
            f"No pod of array {one.name} is stretched to array {other.name}."
        )

    def space(self, array: base.Array) -> base.Space:
        return self._arrays.of(array).space()

    def get_volume(self, array: base.Array, name: str) -> base.Volume:
        found = copying.live(self._arrays.of(array), array.name, name)
        return base.Volume(found.name, found.serial, found.size)

    def connected_hosts(self, array: base.Array, volume: str) -> list[str]:
        """Host groups count as hosts."""
        return self._arrays.of(array).hosts(volume)

    def ensure_protection(
        self,
        direction: base.Direction,
        volumes: Sequence[str],
        schedule: base.Schedule,
        allow: bool = True,
    ) -> None:
        self._way(direction).ensure(volumes, schedule, allow)

    def remove_volumes(
        self, direction: base.Direction, volumes: Sequence[str]
    ) -> None:
        self._way(direction).take_out(volumes)

    def set_schedule(
        self,
        direction: base.Direction,
        enabled: bool,
        schedule: base.Schedule,
    ) -> None:
        """:raises ArrayNotFound: the source has no such group."""
        self._way(direction).set_schedule(enabled, schedule)

    def set_allowed(self, direction: base.Direction, allowed: bool) -> None:
        """:raises ArrayNotFound: the target does not know the group."""
        self._way(direction).set_allowed(allowed)

    def replicate_now(self, direction: base.Direction, suffix: str) -> str:
        """:raises ArrayNotFound: the source has no such group.
        :raises PodNotOnline: it lies in a pod that the source cannot use.
        """
        return self._way(direction).replicate_now(suffix)

    def capture(self, direction: base.Direction, suffix: str) -> str | None:
        """:raises PodNotOnline: the target cannot use the group's pod."""
        return self._way(direction).capture(suffix)

    def obstacle(self, direction: base.Direction) -> str | None:
        return self._way(direction).obstacle()

    def closed(self, array: base.Array, volumes: Sequence[str]) -> str | None:
        adapter = self._arrays.of(array)
        found = (pods.obstacle(adapter, array.name, v) for v in volumes)
        return next(filter(None, found), None)

    def refuse_shared(
        self, one: base.Direction, other: base.Direction
    ) -> None:
        """Two backends in one pod would overwrite each other's volumes."""
        pod = names.pod_of(one.group)
        if pod is not None and pod == names.pod_of(other.group):
            raise exception.PodShared(
                f"The Cinder backends of both sites use pod {pod}.", pod=pod
            )

    def list_points(self, direction: base.Direction) -> list[base.Point]:
        return self._way(direction).list_points()

    def overwrite(
        self,
        direction: base.Direction,
        point: str,
        source_volume: str,
        target_volume: str,
        staging: str,
    ) -> None:
        """The target volume keeps its serial and its name.  It becomes
        larger if the point's volume is, and never smaller.

        :raises ArrayError: ``target_volume`` is connected to a host, or the
            point is of another direction or not complete.
        :raises PodNotOnline: the point lies in a pod that the target array
            cannot use.
        :raises PodRefuses: ``target_volume`` does, or its array takes no
            overwrite into its pod alone.
        """
        names.refuse_foreign(staging)
        way = self._way(direction)
        group = way.replicated
        if names.suffix_of(point, group) is None:
            raise exception.ArrayError(
                f"{point} is not a recovery point of group {group}.",
                remedy="Choose a recovery point of this direction.",
            )
        target = self._arrays.of(direction.target)
        way.require_complete(point)
        pods.require_writable(target, direction.target.name, target_volume)
        try:
            copying.overwrite(
                target,
                direction.target.name,
                names.member(point, source_volume),
                target_volume,
                staging,
            )
        except exception.ArrayNotFound:
            # it may have expired since it was looked for
            way.require_complete(point)
            raise

    def destroy_volumes(
        self, array: base.Array, prefix: str, keep: Sequence[str] = ()
    ) -> list[str]:
        """:raises ArrayError: others than ours could be named so, or a
        volume is connected to a host."""
        names.refuse_foreign(prefix)
        adapter = self._arrays.of(array)
        gone = []
        for volume in adapter.volumes(prefix):
            if volume.name.startswith(tuple(keep)):
                continue
            if volume.destroyed:
                if self.eradicate:
                    copying.wipe(adapter, volume.name)
            elif copying.destroy(adapter, volume.name, self.eradicate):
                gone.append(volume.name)
        return gone

    def snapshot(self, array: base.Array, group: str, suffix: str) -> str:
        """The array's retention does not apply to it.

        :raises ArrayNotFound: there is no such group.
        """
        adapter = self._arrays.of(array)
        snapshots.take(adapter, group, suffix)
        return names.snapshot(group, suffix)

    def list_snapshots(
        self, array: base.Array, group: str
    ) -> dict[str, datetime.datetime]:
        """:raises ArrayNotFound: there is no such group."""
        return self._arrays.of(array).snapshot_times(group)

    def destroy_snapshot(self, array: base.Array, name: str) -> None:
        snapshots.destroy(self._arrays.of(array), name, self.eradicate)

    def status(self, direction: base.Direction) -> base.Status:
        return self._way(direction).status()

    def remove_protection(self, direction: base.Direction) -> None:
        self._way(direction).drop(self.eradicate)

    def _way(
        self, direction: base.Direction
    ) -> asynchronous.Asynchronous | synchronous.Synchronous:
        """How the direction replicates: the name of its group tells."""
        way = (
            synchronous.Synchronous
            if names.pod_of(direction.group)
            else asynchronous.Asynchronous
        )
        return way(direction, self._arrays, self._poll)
