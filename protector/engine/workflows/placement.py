# SPDX-License-Identifier: Apache-2.0
"""Moving a group between its sites; the same in both directions.

The point of no return is ``placement.release``: everything that can fail for
want of quota, addresses or rights comes before it.
"""

from protector.engine.step import Each, One

LEAVE_SOURCE = (
    One("drills.make_room"),
    One("placement.preflight"),
    One("placement.lock_source"),
    One("replication.warm"),
    Each(("servers.fence", "servers.stop")),
    One("replication.final"),
    One("replication.pause_source"),
)

ARRIVE = (
    Each(("copies.build", "volumes.disconnect")),
    One("volumes.undo_copy"),
    Each(("volumes.overwrite", "networks.ports")),
    One("volumes.unstage"),
    One("placement.release"),
    Each(("servers.start",), tiers="placement.boot_delay"),
    One("placement.settle"),
)

AFTERWARDS = (
    One("metadata.push"),
    Each(("servers.park",)),
    One("placement.forget_keys"),
    One("replication.reverse"),
    One("placement.close"),
    One("metadata.push"),
)

MOVE = LEAVE_SOURCE + ARRIVE + AFTERWARDS
