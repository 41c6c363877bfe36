# SPDX-License-Identifier: Apache-2.0
"""Do on the array what Cinder's Pure driver does, in its order.

Source of the steps: cinder/volume/drivers/pure.py 29.0.0.  Every method
bears repetition: a cloud that was killed in the middle does it again.
"""

import threading
import typing

from protector.sandbox.cloud import context
from protector.sandbox.cloud.cinder import array as arrays
from protector.sandbox.cloud.cinder import names

GIB = 1024**3
GONE = ("does not exist", "has been destroyed", "could not be found")
EXISTS = ("already exists",)
MEMBER = ("already belongs to", "already exists", "already includes")
CONNECTED = ("already exists", "already connected", "in use")
NOT_CONNECTED = ("is not connected", *GONE)

DriverError = arrays.DriverError


class VolumeDriver:
    """Volumes, their snapshots and their connections to hosts."""

    def __init__(self, cloud: context.Cloud) -> None:
        self._cloud = cloud
        self._hosts = threading.Lock()
        self._ready = False
        self._array_name: str | None = None
        self._client: arrays.ArrayClient | None = None
        if cloud.array is not None:
            self._client = arrays.ArrayClient(cloud.array)

    @property
    def array_name(self) -> str:
        """The array's own name for itself.

        :raises DriverError: no answer.
        """
        if self._array_name is None:
            self._array_name = str(self.call("get")["array_name"])
        return self._array_name

    @property
    def client(self) -> arrays.ArrayClient:
        """The site's own array.

        :raises DriverError: the cloud was started without one.
        """
        if self._client is None:
            raise DriverError("no array is configured")
        return self._client

    def call(
        self, method: str, *args: typing.Any, **kw: typing.Any
    ) -> typing.Any:
        """Call the array, after ``do_setup`` if that is still to be done.

        :raises DriverError: refused, or no answer in time.
        """
        if not self._ready:
            self.client.call(
                "create_pgroup", names.SHARED_PGROUP, ignore=EXISTS
            )
            self._ready = True
        return self.client.call(method, *args, **kw)

    def create_volume(self, name: str, gib: int) -> None:
        """Create a blank volume."""
        self.call("create_volume", name, f"{gib}G", ignore=EXISTS)

    def copy_volume(self, source: str, name: str, gib: int) -> None:
        """Create a volume from a volume or a snapshot, grown to ``gib``."""
        self.call("copy_volume", source, name, ignore=EXISTS)
        self.extend_volume(name, gib)

    def share(self, name: str) -> None:
        """Put a volume of an async type into the shared group."""
        self.join(names.SHARED_PGROUP, name)

    def unshare(self, name: str) -> None:
        """Take a volume out of the shared group."""
        self.call("remove_volume", name, names.SHARED_PGROUP, ignore=GONE)

    def join(self, pgroup: str, name: str) -> None:
        """Put a new volume into a protection group."""
        self.call("add_volume", name, pgroup, ignore=MEMBER)

    def delete_volume(self, name: str) -> None:
        """Disconnect and destroy (never eradicate) a volume."""
        rows = self.call("list_volume_private_connections", name, ignore=GONE)
        for row in rows or ():
            self.call(
                "disconnect_host", row["host"], name, ignore=NOT_CONNECTED
            )
        self.call("destroy_volume", name, ignore=GONE)

    def extend_volume(self, name: str, gib: int) -> None:
        """Grow a volume; no change when it has that size already."""
        size = self.call("get_volume", name)["size"]
        if size < gib * GIB:
            self.call("extend_volume", name, f"{gib}G")

    def size(self, name: str) -> int:
        """Return a volume's size in GiB, rounded up."""
        return -(-self.call("get_volume", name)["size"] // GIB)

    def manage(self, reference: str, name: str) -> None:
        """Rename an array volume to Cinder's name for it.

        :raises DriverError: it does not exist, is connected to a host or
            lies in a replicated pod.
        """
        self._refuse_replicated_pod(reference)
        found = self.call("get_volume", reference, ignore=GONE)
        if found is None:
            self.call("get_volume", name)
            return
        if self.call("list_volume_private_connections", reference):
            raise DriverError(f"{reference} is connected to hosts")
        self.call("rename_volume", reference, name)

    def replicated_pods(self) -> set[str]:
        """Return the names of the pods that are on more arrays than one."""
        return {
            pod["name"]
            for pod in self.call("list_pods")
            if len(pod["arrays"]) > 1
        }

    def _refuse_replicated_pod(self, name: str) -> None:
        pod, mark, _ = name.rpartition("::")
        if mark and pod in self.replicated_pods():
            raise DriverError("Unable to manage volume in a Replicated Pod")

    def unmanage(self, name: str) -> None:
        """Rename a volume to its unmanaged name."""
        self.call("rename_volume", name, names.unmanaged(name), ignore=GONE)

    def list_volumes(self) -> list[dict[str, typing.Any]]:
        """Return all volumes of the array (name, size in bytes)."""
        return list(self.call("list_volumes"))

    def connected(self) -> set[str]:
        """Return the names of the volumes that are connected to a host."""
        rows = self.call("list_hosts", all=True)
        return {row["vol"] for row in rows if row.get("vol")}

    def create_snapshot(self, volume: str, name: str) -> None:
        """Take a snapshot; ``name`` is ``<volume>.<suffix>``."""
        suffix = name.removeprefix(f"{volume}.")
        self.call("create_snapshot", volume, suffix=suffix, ignore=EXISTS)

    def delete_snapshot(self, name: str) -> None:
        """Destroy a snapshot."""
        self.call("destroy_volume", name, ignore=GONE)

    def attach(
        self, name: str, connector: dict[str, typing.Any]
    ) -> int | None:
        """Connect a volume to the host of a connector; return the LUN."""
        host = names.host(connector["host"])
        with self._hosts:
            self.call(
                "create_host",
                host,
                iqnlist=[connector["initiator"]],
                ignore=("already exists", "already in use"),
            )
            found = self.call("connect_host", host, name, ignore=CONNECTED)
        return None if found is None else found.get("lun")

    def detach(self, name: str, connector: dict[str, typing.Any]) -> None:
        """Disconnect a volume, and delete a host without connections."""
        host = names.host(connector["host"])
        with self._hosts:
            self.call("disconnect_host", host, name, ignore=NOT_CONNECTED)
            left = self.call("list_host_connections", host, ignore=GONE)
            if left is not None and not left:
                self.call("delete_host", host, ignore=GONE)
