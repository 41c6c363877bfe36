# SPDX-License-Identifier: Apache-2.0
"""Take a volume out of the back end's stretched pod, by its new type.

No array moves a volume out of a stretched pod, but it does to another such
pod: Cinder's Pure driver makes one for the time of the move.  Source:
cinder/volume/drivers/pure.py 29.0.0, ``_disable_sync_replication``.  That
waits for both arrays for ever; this asks to be called again.

The way in, ``_enable_sync_replication``, is not for these arrays: it needs
REST 2.23, and raises a TypeError on them.
"""

from protector.sandbox.cloud.cinder import driver, names

GHOST = "cinder-ghost-pod"
"""``pure_ghost_pod_name``, which the volume's id makes its own."""


class Exit:
    """The way out of one volume.

    :param name: what the array calls the volume in the pod.
    """

    def __init__(
        self, array: driver.VolumeDriver, name: str, volume_id: str
    ) -> None:
        self._array = array
        self._pod, _, self._bare = name.partition("::")
        self._ghost = f"{GHOST}-{volume_id}"

    def take(self) -> bool:
        """Leave the pod; whether the volume is out of it.

        :raises DriverError: refused, or no answer in time.
        """
        if self._is_in(self._pod):
            if not self._stretched():
                return False
            self._move(self._pod, self._ghost)
        if self._is_in(self._ghost):
            for array in self._others(self._ghost):
                self._array.call("remove_pod", self._ghost, array)
            self._move(self._ghost, "")
        for call in ("destroy_pod", "eradicate_pod"):
            self._array.call(call, self._ghost, ignore=driver.GONE)
        return True

    def _is_in(self, pod: str) -> bool:
        name = names.in_pod(pod, self._bare)
        found = self._array.call("get_volume", name, ignore=driver.GONE)
        return found is not None

    def _move(self, pod: str, to: str) -> None:
        self._array.call("move_volume", names.in_pod(pod, self._bare), to)

    def _stretched(self) -> bool:
        """Whether the ghost is whole on the pod's arrays, as was asked."""
        self._array.call("create_pod", self._ghost, ignore=driver.EXISTS)
        for array in self._others(self._pod):
            if array not in self._others(self._ghost):
                self._array.call("add_pod", self._ghost, array)
        arrays = self._array.call("get_pod", self._ghost)["arrays"]
        return all(array["status"] == "online" for array in arrays)

    def _others(self, pod: str) -> list[str]:
        """The arrays of a pod but this one."""
        found = self._array.call("get_pod", pod, ignore=driver.GONE)
        arrays = found["arrays"] if found else ()
        mine = self._array.array_name
        return [array["name"] for array in arrays if array["name"] != mine]
