# SPDX-License-Identifier: Apache-2.0
"""Trying a failover with clones, and removing what that made.

The source, its replication and the copies of a real move are not touched.
"""

from protector.engine.step import Each, One

TEST = (
    One("drills.begin"),
    Each(("drills.volumes", "drills.clone", "drills.ports")),
    One("volumes.unstage"),
    Each(("drills.start",), tiers="placement.boot_delay"),
    Each(("drills.check",)),
    One("placement.forget_keys"),
    One("drills.settle"),
)

CLEANUP = (
    Each(("drills.drop",)),
    One("drills.drop_shared"),
    One("drills.audit"),
    One("drills.end"),
)
