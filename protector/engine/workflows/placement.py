# SPDX-License-Identifier: Apache-2.0
"""Moving a group between its sites; the same in both directions.

The point of no return of a planned move is ``placement.release``: everything
that can fail for want of quota, addresses or rights comes before it.  An
unplanned one has passed it when it is accepted, and asks nothing of the site
that was lost but to be fenced, beside the rest.
"""

from protector.engine.step import Each, One

LEAVE_SOURCE = (
    One("drills.make_room"),
    One("placement.preflight"),
    One("placement.lock_source"),
    Each(("volumes.follow",)),
    One("replication.warm"),
    Each(("servers.fence", "servers.stop")),
    One("replication.final"),
    One("replication.pause_source"),
)

OVERWRITE = (
    Each(("copies.build", "volumes.disconnect")),
    One("volumes.undo_copy"),
    Each(("volumes.overwrite", "networks.ports")),
)
# of a group that replicates through pods
GATHER = Each(("volumes.make_beside", "volumes.gather"))
UNSTAGE = (One("volumes.unstage"),)

START = (
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

MOVE = (
    LEAVE_SOURCE
    + OVERWRITE
    + UNSTAGE
    + (One("placement.release"),)
    + START
    + AFTERWARDS
)

CLAIMED = (
    One("placement.take_over"),
    One("replication.disallow"),
    One("replication.choose_point"),
    One("servers.fence_lost", beside=True),
)

# the engine pushes what is settled when the other site answers again
TAKE_OVER = (
    CLAIMED
    + (One("drills.make_room"),)
    + OVERWRITE
    + (GATHER,)
    + UNSTAGE
    + START
    + (One("placement.forget_keys"),)
)

TAKE_BACK = CLAIMED + (One("drills.make_room"),) + START

# the source's servers are where they were, stopped
RECLAIM = (
    One("placement.take_over"),
    One("servers.fence_lost", beside=True),
    One("placement.reclaim"),
)
