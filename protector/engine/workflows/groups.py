# SPDX-License-Identifier: Apache-2.0
"""Creating and deleting a protection group."""

from protector.engine.step import One

CREATE = (
    One("peer.check"),
    One("peer.reserve"),
    One("groups.create_source"),
    One("groups.create_target"),
    One("replication.configure"),
    One("groups.settle_create"),
    One("metadata.deliver"),
    One("groups.activate"),
)

DELETE = (
    One("peer.check"),
    One("drills.clear"),
    One("volumes.discard_undo"),
    One("replication.remove"),
    One("groups.delete_target"),
    One("groups.delete_source"),
    One("groups.bury"),
    One("peer.forget"),
)
