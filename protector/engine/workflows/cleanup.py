# SPDX-License-Identifier: Apache-2.0
"""Removing what is parked at the site that a group has left."""

from protector.engine.step import Each, One

SOURCE_CLEANUP = (
    One("peer.check"),
    One("placement.preflight"),
    One("cleanup.discard_undo"),
    Each(("cleanup.remove", "cleanup.prestage")),
    One("cleanup.settle"),
    One("metadata.push"),
)
