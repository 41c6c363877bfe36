# SPDX-License-Identifier: Apache-2.0
"""Changes of a group's description, policy and mappings; sync;
replicate; reprotect; the end of a split."""

from protector.engine.step import One

UPDATE = (
    One("peer.check"),
    One("changes.settle"),
    One("metadata.push"),
)

# what could not be configured when the group was made is now, and the
# version says so
POLICY = (
    One("peer.check"),
    One("replication.configure"),
    One("changes.settle"),
    One("metadata.push"),
    One("replication.apply_policy"),
)

SYNC = (One("metadata.deliver"),)

REPLICATE = (One("replication.replicate"),)

# the losing side is down before what it stopped here runs again
RESOLVE_SPLIT = (
    One("split.keep"),
    One("metadata.push"),
    One("split.fence"),
    One("split.start"),
    One("replication.configure"),
    One("replication.settle"),
    One("metadata.push"),
)

REPROTECT = (
    One("peer.check"),
    One("replication.restore"),
    One("replication.settle"),
    One("metadata.push"),
)
