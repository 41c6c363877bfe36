# SPDX-License-Identifier: Apache-2.0
"""Taking a server into a group, and out of it."""

from protector.engine.step import Each, One

ADD = (
    One("peer.check"),
    Each(
        (
            "members.capture",
            "members.join",
            "members.prestage",
            "members.cover",
            "members.settle",
        )
    ),
    One("metadata.push"),
)

REMOVE = (
    One("peer.check"),
    Each(
        (
            "members.discard_undo",
            "members.leave",
            "members.drop_copies",
            "members.forget",
        )
    ),
    One("metadata.push"),
)
