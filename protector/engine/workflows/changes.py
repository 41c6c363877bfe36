# SPDX-License-Identifier: Apache-2.0
"""Changes of a group's description, policy and mappings; sync; replicate."""

from protector.engine.step import One

UPDATE = (
    One("peer.check"),
    One("changes.settle"),
    One("metadata.push"),
)

POLICY = (
    One("peer.check"),
    One("changes.settle"),
    One("metadata.push"),
    One("replication.apply_policy"),
)

SYNC = (One("metadata.deliver"),)

REPLICATE = (One("replication.replicate"),)
