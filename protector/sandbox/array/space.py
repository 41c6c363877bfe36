# SPDX-License-Identifier: Apache-2.0
"""The array's space: what is used, and what a full array refuses.

Nothing is refused while the capacity is the default, which no test fills;
who needs space asks here first.
"""

from protector.sandbox.array import blocks, errors
from protector.sandbox.array.core import Core
from protector.sandbox.array.tuning import Knobs


class Space:
    """The used bytes of one array, measured on its files."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def used(self) -> dict[str, int]:
        """Return the bytes ``provisioned``, and those that ``volumes`` and
        ``snapshots`` take."""
        store = self._core.store
        volumes = store.all("SELECT size, file FROM volumes")
        snapshots = store.all("SELECT file FROM snapshots")
        return {
            "provisioned": sum(row["size"] for row in volumes),
            "volumes": sum(blocks.allocated(row["file"]) for row in volumes),
            "snapshots": sum(
                blocks.allocated(row["file"]) for row in snapshots
            ),
        }

    def require(self, name: str) -> None:
        """Raise ``ArrayError`` on a full array. ``name``: who asks."""
        capacity = self._core.tuning.knobs.capacity
        if capacity >= Knobs.capacity:
            return
        used = self.used()
        if used["volumes"] + used["snapshots"] >= capacity:
            raise errors.ArrayError("The array is out of space.", name)
