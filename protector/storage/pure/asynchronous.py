# SPDX-License-Identifier: Apache-2.0
"""A direction that replicates asynchronously: an array group whose target
is the other array, which gets snapshots of it.

Group and volumes lie in no pod.
"""

from collections.abc import Sequence
from typing import Any

from protector import exception
from protector.storage import base
from protector.storage.pure import (
    adapter,
    connection,
    names,
    points,
    protection,
    snapshots,
)
from protector.storage.pure.poll import Poll

_LINKS = ("disconnected", "connecting", "partially_connected", "unbalanced")
"""States of a connection, worst first; every other one is better."""


def link(arrays: Any, one: base.Array, other: base.Array) -> str:
    """The worse of what two arrays say of their connection; one that lists
    none is "disconnected"."""

    def rank(state: str) -> int:
        return _LINKS.index(state) if state in _LINKS else len(_LINKS)

    said = (
        arrays.of(one).link(other.name),
        arrays.of(other).link(one.name),
    )
    return min((state or _LINKS[0] for state in said), key=rank)


class Asynchronous:
    """See the methods of the same name of ``ReplicationDriver``.

    :param arrays: ``connection.Connections``, or ``overview.Overviews``.
    """

    def __init__(
        self, direction: base.Direction, arrays: Any, poll: Poll
    ) -> None:
        self._direction = direction
        self._arrays = arrays
        self._poll = poll
        self._group = direction.group
        # as the target names it
        self.replicated = names.replicated(direction.source.name, self._group)

    @property
    def _source(self) -> Any:
        return self._arrays.of(self._direction.source)

    @property
    def _target(self) -> Any:
        return self._arrays.of(self._direction.target)

    @property
    def _protection(self) -> protection.Protection:
        return protection.Protection(self._direction, self._arrays, self._poll)

    def ensure(
        self, volumes: Sequence[str], schedule: base.Schedule, allow: bool
    ) -> None:
        names.refuse_pods(*volumes)
        self._protection.ensure(volumes, schedule, allow)

    def take_out(self, volumes: Sequence[str]) -> None:
        self._protection.take_out(volumes)

    def set_schedule(self, enabled: bool, schedule: base.Schedule) -> None:
        protection.apply(self._source, self._group, schedule, enabled)

    def set_allowed(self, allowed: bool) -> None:
        """Disallowing a group that the target does not know is done: it
        takes none before it is allowed."""
        try:
            self._target.set_allowed(self.replicated, allowed)
        except exception.ArrayNotFound:
            if allowed:
                raise

    def replicate_now(self, suffix: str) -> str:
        """A snapshot that the source has and the target never saw is
        sent."""
        snapshots.replicate(
            self._source, self._target, self._group, suffix, self.replicated
        )
        return names.snapshot(self.replicated, suffix)

    def capture(self, suffix: str) -> None:
        """The target has what was sent to it, and nothing newer."""

    def obstacle(self) -> str | None:
        """A source that was renamed has its points under its new name."""
        known = self._target.groups()
        origins = [
            name.removesuffix(f":{self._group}")
            for name in known
            if name.endswith(f":{self._group}")
        ]
        if not origins or self.replicated in known:
            return None
        return (
            f"Array {self._direction.target.name} knows the group of array "
            f"{origins[0]}, not of {self._direction.source.name}: if that "
            "was renamed, [storage] arrays must name it so."
        )

    def list_points(self) -> list[base.Point]:
        return points.listed(self._target, self.replicated)

    def require_complete(self, point: str) -> None:
        points.require_complete(self._target, self.replicated, point)

    def status(self) -> base.Status:
        inbound = self._target.group(self.replicated)
        group = self._source.group(self._group)
        if group is None or group.destroyed:
            group = None
        settings = self._source.settings(self._group) if group else None
        both = self._direction.source, self._direction.target
        state = link(self._arrays, *both)
        if state == _LINKS[0]:
            # they know each other by name: one may have another now
            for array in both:
                connection.identity(self._arrays, array)
        return base.Status(
            group_exists=group is not None,
            link=state,
            allowed=_allowed(self._direction.target.name, inbound, group),
            schedule_enabled=settings.enabled if settings else False,
            interval=settings.interval if settings else None,
            volumes=group.volumes if group else frozenset(),
            blackout=settings.blackout if settings else None,
        )

    def drop(self, eradicate: bool) -> None:
        self._protection.drop(eradicate)


def _allowed(
    target: str, inbound: adapter.Group | None, group: adapter.Group | None
) -> bool:
    """The target decides; the source tells what it heard if it must."""
    if inbound is None or inbound.destroyed:
        return False
    heard = group.targets.get(target, False) if group else False
    return inbound.targets.get(target, heard)
