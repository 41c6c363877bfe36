# SPDX-License-Identifier: Apache-2.0
"""Snapshots of array groups: taken once for each suffix, sent, destroyed."""

from protector import exception
from protector.storage.pure import adapter, names
from protector.storage.pure.protection import eradicated, settle


def take(
    array: adapter.Adapter,
    group: str,
    suffix: str,
    replicate: bool = False,
    ages: bool = False,
) -> None:
    """Take a snapshot unless there is one of that suffix.

    :param ages: the group's retention applies to it.
    :raises ArrayError: one of that suffix was destroyed.
    :raises ArrayNotFound: there is no such group.
    """
    if not exists(array, group, suffix):
        settle(
            lambda: array.snapshot_group(group, suffix, replicate, ages),
            lambda: exists(array, group, suffix),
        )


def replicate(
    source: adapter.Adapter,
    target: adapter.Adapter,
    group: str,
    suffix: str,
    replicated: str,
) -> None:
    """Bring a snapshot of ``suffix`` on its way to the target.

    :param replicated: the group's name on the target.
    """
    wanted = names.snapshot(replicated, suffix)
    if _arrives(target, replicated, wanted):
        return
    if not exists(source, group, suffix):
        take(source, group, suffix, replicate=True, ages=True)
        return
    settle(
        lambda: source.send_snapshot(names.snapshot(group, suffix)),
        lambda: _arrives(target, replicated, wanted),
    )


def destroy(array: adapter.Adapter, name: str, eradicate: bool) -> None:
    """Destroy a group snapshot, tolerant of what is gone."""
    destroyed = _state(array, name)
    if destroyed is False:
        settle(
            lambda: array.destroy_snapshot(name),
            lambda: _state(array, name) is not False,
        )
    if destroyed is not None and eradicate:
        eradicated(lambda: array.eradicate_snapshot(name), name)


def exists(array: adapter.Adapter, group: str, suffix: str) -> bool:
    """:raises ArrayError: it was destroyed, so its name is taken."""
    name = names.snapshot(group, suffix)
    destroyed = array.group_snapshots(group).get(name)
    if destroyed:
        raise exception.ArrayError(
            f"Snapshot {name} was destroyed and keeps its name until it is "
            "eradicated.",
            remedy="Eradicate it on the array, or start a new operation.",
        )
    return destroyed is not None


def _state(array: adapter.Adapter, name: str) -> bool | None:
    """Whether a snapshot is destroyed; None if it is not there."""
    group, _, _ = name.rpartition(".")
    try:
        return array.group_snapshots(group).get(name)
    except exception.ArrayNotFound:
        return None


def _arrives(target: adapter.Adapter, group: str, snapshot: str) -> bool:
    """Whether the target has, or is getting, a snapshot."""
    return any(t.snapshot == snapshot for t in target.transfers(group))
