# SPDX-License-Identifier: Apache-2.0
"""Do on the arrays what the Pure driver does with consistent groups.

Source of the steps: cinder/volume/drivers/pure.py 29.0.0
(``create_consistencygroup``, ``_setup_replicated_pgroups``).
"""

import time

from protector.sandbox.cloud import context
from protector.sandbox.cloud.cinder import array as arrays
from protector.sandbox.cloud.cinder import driver, names

REPLICATION_SECONDS = 3600
"""``pure_replica_interval_default``."""
ALLOWED_SECONDS = 30.0
"""How long to wait until the source sees that its target allows."""
POLL_SECONDS = 0.1
ANYTHING = ("",)


class PureDriver(driver.VolumeDriver):
    """The whole driver: volumes and protection groups.

    ``replication_device`` is the cloud's ``peer_array``.
    """

    def __init__(self, cloud: context.Cloud) -> None:
        super().__init__(cloud)
        self._peer: arrays.ArrayClient | None = None
        if cloud.peer_array is not None:
            self._peer = arrays.ArrayClient(cloud.peer_array)

    @property
    def replicates(self) -> bool:
        """Whether a replication device is configured."""
        return self._peer is not None

    def create_group(self, name: str, replicated: bool) -> None:
        """Create a protection group.

        :param replicated: to the peer array, by its schedule.
        :raises driver.DriverError: refused; nothing is left behind.
        """
        self.call("create_pgroup", name, ignore=driver.EXISTS)
        if not replicated:
            return
        try:
            self._replicate(name)
        except driver.DriverError:
            self.call("destroy_pgroup", name, ignore=driver.GONE)
            raise

    def delete_group(self, name: str) -> None:
        """Destroy a protection group; its volumes stay."""
        self.call("destroy_pgroup", name, ignore=driver.GONE)

    def update_group(
        self, pgroup: str, add: list[str], remove: list[str]
    ) -> None:
        """Add and remove members; what the array refuses is ignored.

        The real driver looks at neither answer.

        :raises driver.DriverError: the array does not answer.
        """
        for name in add:
            self.call("add_volume", name, pgroup, ignore=ANYTHING)
        for name in remove:
            self.call("remove_volume", name, pgroup, ignore=ANYTHING)

    def set_group_replication(self, pgroup: str, enabled: bool) -> None:
        """Switch a protection group's replication schedule."""
        action = "enable" if enabled else "disable"
        self.call(f"{action}_pgroup_replication", pgroup)

    def create_group_snapshot(self, pgroup: str, snapshot_id: str) -> None:
        """Take a local snapshot of a protection group."""
        self.call(
            "create_pgroup_snapshot",
            pgroup,
            suffix=names.pgroup_suffix(snapshot_id),
            ignore=driver.EXISTS,
        )

    def delete_group_snapshot(self, pgroup: str, snapshot_id: str) -> None:
        """Destroy a protection group's snapshot."""
        suffix = names.pgroup_suffix(snapshot_id)
        name = f"{pgroup}.{suffix}"
        self.call("destroy_pgroup", name, ignore=driver.GONE)

    def _replicate(self, name: str) -> None:
        array, peer = self._cloud.array, self._peer
        if array is None or peer is None or array.target is None:
            raise driver.DriverError(
                "Replication not properly configured on backend."
            )
        self.call("set_pgroup", name, replicate_frequency=REPLICATION_SECONDS)
        self.call(
            "set_pgroup",
            name,
            addtargetlist=[array.target],
            ignore=("already includes", "already exists"),
        )
        peer.call(
            "set_pgroup",
            f"{self.array_name}:{name}",
            allowed=True,
            ignore=("already allowed on",),
        )
        self._wait_allowed(name)
        self.call("enable_pgroup_replication", name)

    def _wait_allowed(self, name: str) -> None:
        deadline = time.monotonic() + ALLOWED_SECONDS
        while time.monotonic() < deadline:
            targets = self.call("get_pgroup", name)["targets"] or []
            if targets and all(item["allowed"] for item in targets):
                return
            if self._cloud.stopping.wait(POLL_SECONDS):
                break
        raise driver.DriverError(f"{name} is not allowed on its target")
