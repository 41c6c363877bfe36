# SPDX-License-Identifier: Apache-2.0
"""Makes the array group of a direction ready to replicate, and undoes it.

Each change is looked for before it is made, and looked for again when the
array refuses it: what is so already is success.  Nothing is remembered.
"""

from collections.abc import Callable, Iterable, Iterator
import contextlib

from oslo_log import log as logging

from protector import exception
from protector.storage import base
from protector.storage.pure import adapter, connection, names
from protector.storage.pure.poll import Poll

LOG = logging.getLogger(__name__)
SAFEMODE = (
    "Mend what the array says and retry. If SafeMode holds the array group "
    "(its retention lock is ratcheted), only the vendor's support lifts that."
)


class Protection:
    """The array group of one direction, seen from both arrays."""

    def __init__(
        self,
        direction: base.Direction,
        arrays: connection.Connections,
        poll: Poll,
    ) -> None:
        self._direction = direction
        self._arrays = arrays
        self._name = direction.group
        self._source = arrays.of(direction.source)
        self._target_name = direction.target.name
        self._poll = poll

    def ensure(
        self, volumes: Iterable[str], schedule: base.Schedule, allow: bool
    ) -> None:
        """See ``ReplicationDriver.ensure_protection``."""
        wanted = frozenset(volumes)
        new = self._ensure_group()
        self._ensure_volumes(wanted)
        self._ensure_target()
        if allow:
            self._ensure_allowed()
        apply(self._source, self._name, schedule, False if new else None)

    def take_out(self, volumes: Iterable[str]) -> None:
        """Remove those of ``volumes`` that are in the group."""
        gone = frozenset(volumes)
        present = self._members() & gone
        if present:
            with _held():
                settle(
                    lambda: self._source.remove_volumes(
                        self._name, sorted(present)
                    ),
                    lambda: not self._members() & gone,
                )

    def drop(self, eradicate: bool) -> None:
        """See ``ReplicationDriver.remove_protection``.  A group that is
        named as Cinder names its groups is Cinder's."""
        destroy = not names.is_made_by_cinder(self._name)
        group = self._source.group(self._name)
        if group is not None and not group.destroyed:
            with _held():
                self._detach(group)
                if destroy:
                    settle(
                        lambda: self._source.destroy_group(self._name),
                        lambda: self._live() is None,
                    )
        if group is not None and destroy and eradicate:
            eradicated(
                lambda: self._source.eradicate_group(self._name), self._name
            )
        self._drop_replica(eradicate)

    def _drop_replica(self, eradicate: bool) -> None:
        """Destroy what the target keeps of the group, its points too.

        An array destroys a replica only when it is no longer allowed.
        """
        target = self._arrays.of(self._direction.target)
        name = names.replicated(self._direction.source.name, self._name)

        def live() -> bool:
            found = target.group(name)
            return found is not None and not found.destroyed

        if live():
            target.set_allowed(name, False)
            settle(lambda: target.destroy_group(name), lambda: not live())
        if eradicate and target.group(name) is not None:
            eradicated(lambda: target.eradicate_group(name), name)

    def _detach(self, group: adapter.Group) -> None:
        if self._source.settings(self._name).enabled:
            self._source.set_enabled(self._name, False)
        if self._target_name in group.targets:
            settle(
                lambda: self._source.remove_target(
                    self._name, self._target_name
                ),
                lambda: self._target_name not in self._targets(),
            )

    def _ensure_group(self) -> bool:
        """Adopt, recover or make the group; whether it was not there."""
        group = self._source.group(self._name)
        if group is not None and not group.destroyed:
            return False
        if group is None:
            make = self._source.create_group
        elif names.is_made_by_cinder(self._name):
            raise exception.ArrayError(
                f"Group {self._name} of array {self._direction.source.name} "
                "was destroyed by its owner.",
                remedy="Recover or eradicate it on the array, then retry.",
            )
        else:
            make = self._source.recover_group
        settle(lambda: make(self._name), lambda: self._live() is not None)
        return True

    def _ensure_volumes(self, wanted: frozenset[str]) -> None:
        missing = wanted - self._members()
        if missing:
            settle(
                lambda: self._source.add_volumes(self._name, sorted(missing)),
                lambda: wanted <= self._members(),
            )

    def _ensure_target(self) -> None:
        if self._target_name in self._targets():
            return
        if self._source.link(self._target_name) is None:
            raise exception.ArrayError(
                f"Array {self._direction.source.name} is not connected to "
                f"array {self._target_name}.",
                remedy="Connect the arrays for asynchronous replication.",
            )
        settle(
            lambda: self._source.add_target(self._name, self._target_name),
            lambda: self._target_name in self._targets(),
        )

    def _ensure_allowed(self) -> None:
        """Allow the group once its target knows it.

        No release of Cinder's driver waits for that; the array refuses then.
        """
        if self._targets().get(self._target_name):
            return
        target = self._arrays.of(self._direction.target)
        name = names.replicated(self._direction.source.name, self._name)
        self._poll.until(
            lambda: target.group(name) is not None,
            f"Group {name} on array {self._target_name}",
        )
        replica = target.group(name)
        if replica is not None and replica.destroyed:
            target.recover_group(name)
        target.set_allowed(name, True)
        self._poll.until(
            lambda: bool(self._targets().get(self._target_name)),
            f"The permission of array {self._target_name} for group {name}",
        )

    def _live(self) -> adapter.Group | None:
        group = self._source.group(self._name)
        return None if group is None or group.destroyed else group

    def _members(self) -> frozenset[str]:
        group = self._live()
        return group.volumes if group else frozenset()

    def _targets(self) -> dict[str, bool]:
        group = self._live()
        return group.targets if group else {}


def apply(
    array: adapter.Adapter,
    group: str,
    schedule: base.Schedule,
    enabled: bool | None,
) -> None:
    """Bring schedule and retention of a group to the wanted values.

    :param enabled: None leaves the schedule as it is.
    """
    now = array.settings(group)
    keep = adapter.retention(schedule)
    with _held():
        if now.enabled and enabled is False:
            array.set_enabled(group, False)
        if now.interval != schedule.interval:
            array.set_interval(group, schedule.interval)
        if now.on_source != keep:
            array.set_source_retention(group, keep)
        if now.on_target != keep:
            array.set_target_retention(group, keep)
        if enabled and not now.enabled:
            array.set_enabled(group, True)


@contextlib.contextmanager
def _held() -> Iterator[None]:
    """Tell what helps where a group may not be changed any more.

    The texts of SafeMode are not documented, so every refusal may be one.
    """
    try:
        yield
    except (exception.ArrayNotFound, exception.ArrayUnavailable):
        raise
    except exception.ArrayError as error:
        error.remedy = SAFEMODE
        raise


def eradicated(eradicate: Callable[[], None], what: str) -> None:
    """Eradicate what is destroyed already.

    A refusal is none, as of an array in SafeMode: its own timer does it.
    """
    try:
        eradicate()
    except exception.ArrayUnavailable:
        raise
    except exception.ArrayError as error:
        LOG.warning("%s is left to the array's timer: %s", what, error)


def settle(change: Callable[[], None], done: Callable[[], bool]) -> None:
    """Make a change; a refusal is none if what was wanted is so.

    An answer that did not come is not looked into: the caller repeats.
    """
    try:
        change()
    except exception.ArrayUnavailable:
        raise
    except exception.ArrayError:
        if not done():
            raise
