# SPDX-License-Identifier: Apache-2.0
"""Changes of a group whose other site was declared lost: nothing is asked of
that site, and nothing replicates."""

from protector.engine.step import Each, One

CHANGE = (One("changes.settle"),)

ADD = (Each(("members.capture", "members.join", "members.settle")),)

REMOVE = (Each(("members.leave", "members.unlock", "members.forget")),)

DELETE = (
    One("drills.clear"),
    One("volumes.discard_undo"),
    One("members.unlock"),
    One("groups.delete_source"),
    One("groups.leave_lost"),
)

# beyond the first step the group has two sites again
REHOME = (
    One("drills.clear"),
    One("rehome.turn"),
    One("peer.reserve"),
    One("groups.create_target"),
    Each(("members.prestage",)),
    One("replication.configure"),
    One("replication.settle"),
    One("metadata.deliver"),
)
