# SPDX-License-Identifier: Apache-2.0
"""Puts the content of a recovery point into volumes, by way of staging.

Point -> staging -> target: once the staging volume is destroyed, a late call
of an engine that was replaced finds no source and changes nothing.
"""

from protector import exception
from protector.storage.pure import adapter, pods
from protector.storage.pure.protection import eradicated


def overwrite(
    array: adapter.Adapter,
    array_name: str,
    snapshot: str,
    target: str,
    staging: str,
) -> None:
    """Replace the content of ``target`` by that of ``snapshot``.

    The target never becomes smaller: the staging volume is extended to its
    size first.  A larger snapshot makes the target larger.

    :raises ArrayNotFound: the snapshot, the target or, between both copies,
        the staging volume is gone.
    :raises PodRefuses: the target's pod takes no overwrite now.
    :raises ArrayError: the target is connected to a host.
    """
    size = live(array, array_name, target).size
    _refuse_connected(array, array_name, target)
    _stage(array, snapshot, staging)
    if live(array, array_name, staging).size < size:
        array.extend_volume(staging, size)
    _refuse_connected(array, array_name, target)
    try:
        array.copy_volume(staging, target)
    except exception.ArrayError as error:
        raise pods.refusal(array, target, error) from None
    now = live(array, array_name, target).size
    if now < size:
        raise exception.ArrayError(
            f"Volume {target} of array {array_name} has {now} bytes after "
            f"its overwrite, {size} before.",
            remedy="Extend the volume on the array and retry.",
        )


def live(array: adapter.Adapter, array_name: str, name: str) -> adapter.Volume:
    """:raises ArrayNotFound: no such volume, or it is destroyed."""
    volume = array.volume(name)
    if volume is None:
        raise exception.ArrayNotFound(
            f"There is no volume {name} on array {array_name}."
        )
    if volume.destroyed:
        raise exception.ArrayNotFound(
            f"Volume {name} of array {array_name} is destroyed.",
            remedy="Recover it on the array while it can be.",
        )
    return volume


def destroy(array: adapter.Adapter, volume: str, eradicate: bool) -> bool:
    """Destroy a volume, tolerant of others who do; whether it did."""
    try:
        array.destroy_volume(volume)
    except exception.ArrayNotFound:
        return False
    if eradicate:
        wipe(array, volume)
    return True


def wipe(array: adapter.Adapter, volume: str) -> None:
    """Eradicate a destroyed volume, tolerant of others who do."""
    eradicated(lambda: array.eradicate_volume(volume), volume)


def _stage(array: adapter.Adapter, snapshot: str, staging: str) -> None:
    present = array.volume(staging)
    if present is not None and present.destroyed:
        array.recover_volume(staging)
    array.copy_volume(snapshot, staging)


def _refuse_connected(
    array: adapter.Adapter, array_name: str, volume: str
) -> None:
    hosts = array.hosts(volume)
    if hosts:
        raise exception.ArrayError(
            f"Volume {volume} of array {array_name} is connected to "
            f"{', '.join(hosts)}; it is not overwritten.",
            remedy="Stop or shelve the server that uses it, then retry.",
            hosts=hosts,
        )
