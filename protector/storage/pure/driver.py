# SPDX-License-Identifier: Apache-2.0
"""``ReplicationDriver`` for FlashArrays: what each method means there.

A direction is a protection group on the source array with the other array
as its target.  Wire formats, SDKs and REST generations are the adapters'.
"""

from collections.abc import Callable, Sequence
import copy
import datetime
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter as adapters
from protector.storage.pure import (
    connection,
    copying,
    names,
    overview,
    points,
    protection,
    snapshots,
)
from protector.storage.pure.poll import Poll

_LINKS = ("disconnected", "connecting", "partially_connected", "unbalanced")
"""States of a connection, worst first; every other one is better."""


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

    def array_group_name(self, cinder_group_id: str) -> str:
        return names.group(cinder_group_id)

    def check(self, array: base.Array) -> dict[str, str]:
        found = self._arrays.of(array).identity()
        if found.name != array.name:
            raise exception.ArrayError(
                f"Array {found.name} answers at {array.management_address}, "
                f"not {array.name}.",
                remedy="Name the array in [storage] arrays of both sites as "
                "it names itself, and check its management_address.",
            )
        return {
            "name": found.name,
            "version": found.version,
            "rest": found.rest,
        }

    def link(self, one: base.Array, other: base.Array) -> str:
        """An array that lists no connection is "disconnected"."""
        return _worse(
            self._arrays.of(one).link(other.name),
            self._arrays.of(other).link(one.name),
        )

    def space(self, array: base.Array) -> base.Space:
        return self._arrays.of(array).space()

    def get_volume(self, array: base.Array, name: str) -> base.Volume:
        names.refuse_pods(name)
        found = copying.live(self._arrays.of(array), array.name, name)
        return base.Volume(found.name, found.serial, found.size)

    def connected_hosts(self, array: base.Array, volume: str) -> list[str]:
        """Host groups count as hosts."""
        names.refuse_pods(volume)
        return self._arrays.of(array).hosts(volume)

    def ensure_protection(
        self,
        direction: base.Direction,
        volumes: Sequence[str],
        schedule: base.Schedule,
        exact: bool = False,
    ) -> None:
        """A group of Cinder's making keeps all its volumes, also with
        ``exact``: Cinder decides what is in it."""
        names.refuse_pods(direction.group, *volumes)
        self._protection(direction).ensure(volumes, schedule, exact)

    def remove_volumes(
        self, direction: base.Direction, volumes: Sequence[str]
    ) -> None:
        names.refuse_pods(direction.group, *volumes)
        self._protection(direction).take_out(volumes)

    def set_schedule(
        self,
        direction: base.Direction,
        enabled: bool,
        schedule: base.Schedule,
    ) -> None:
        """:raises ArrayNotFound: the source has no such group."""
        names.refuse_pods(direction.group)
        source = self._arrays.of(direction.source)
        protection.apply(source, direction.group, schedule, enabled)

    def set_allowed(self, direction: base.Direction, allowed: bool) -> None:
        """Disallowing a group that the target does not know is done: it
        takes none before it is allowed.

        :raises ArrayNotFound: the target does not know the group.
        """
        try:
            self._arrays.of(direction.target).set_allowed(
                _replicated(direction), allowed
            )
        except exception.ArrayNotFound:
            if allowed:
                raise

    def replicate_now(self, direction: base.Direction, suffix: str) -> str:
        """A snapshot that the source has and the target never saw is sent.

        :raises ArrayNotFound: the source has no such group.
        """
        group = _replicated(direction)
        snapshots.replicate(
            self._arrays.of(direction.source),
            self._arrays.of(direction.target),
            direction.group,
            suffix,
            group,
        )
        return names.snapshot(group, suffix)

    def list_points(self, direction: base.Direction) -> list[base.Point]:
        target = self._arrays.of(direction.target)
        return points.listed(target, _replicated(direction))

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
        """
        names.refuse_pods(source_volume, target_volume)
        names.refuse_foreign(staging)
        group = _replicated(direction)
        if names.suffix_of(point, group) is None:
            raise exception.ArrayError(
                f"{point} is not a recovery point of group {group}.",
                remedy="Choose a recovery point of this direction.",
            )
        target = self._arrays.of(direction.target)
        points.require_complete(target, group, point)
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
            points.require_complete(target, group, point)
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
        names.refuse_pods(group)
        adapter = self._arrays.of(array)
        snapshots.take(adapter, group, suffix, replicate=False)
        return names.snapshot(group, suffix)

    def list_snapshots(
        self, array: base.Array, group: str
    ) -> dict[str, datetime.datetime]:
        """:raises ArrayNotFound: there is no such group."""
        names.refuse_pods(group)
        return self._arrays.of(array).snapshot_times(group)

    def destroy_snapshot(self, array: base.Array, name: str) -> None:
        names.refuse_pods(name)
        snapshots.destroy(self._arrays.of(array), name, self.eradicate)

    def status(self, direction: base.Direction) -> base.Status:
        source = self._arrays.of(direction.source)
        target = self._arrays.of(direction.target)
        inbound = target.group(_replicated(direction))
        group = source.group(direction.group)
        if group is None or group.destroyed:
            group = None
        settings = source.settings(direction.group) if group else None
        link = self.link(direction.source, direction.target)
        if link == _LINKS[0]:
            # they know each other by name: one may have another now
            self.check(direction.source)
            self.check(direction.target)
        return base.Status(
            group_exists=group is not None,
            link=link,
            allowed=_allowed(direction.target.name, inbound, group),
            schedule_enabled=settings.enabled if settings else False,
            interval=settings.interval if settings else None,
            volumes=group.volumes if group else frozenset(),
            blackout=settings.blackout if settings else None,
        )

    def remove_protection(self, direction: base.Direction, made: bool) -> None:
        """A group that is named as Cinder names its groups is never
        destroyed, whatever ``made`` says."""
        names.refuse_pods(direction.group)
        destroy = made and not names.is_made_by_cinder(direction.group)
        self._protection(direction).drop(destroy, self.eradicate)

    def _protection(self, direction: base.Direction) -> protection.Protection:
        return protection.Protection(direction, self._arrays, self._poll)


def _replicated(direction: base.Direction) -> str:
    """The direction's group as its target names it."""
    names.refuse_pods(direction.group)
    return names.replicated(direction.source.name, direction.group)


def _worse(*links: str | None) -> str:
    def rank(link: str) -> int:
        return _LINKS.index(link) if link in _LINKS else len(_LINKS)

    return min((link or _LINKS[0] for link in links), key=rank)


def _allowed(
    target: str, inbound: adapters.Group | None, group: adapters.Group | None
) -> bool:
    """The target decides; the source tells what it heard if it must."""
    if inbound is None or inbound.destroyed:
        return False
    heard = group.targets.get(target, False) if group else False
    return inbound.targets.get(target, heard)
