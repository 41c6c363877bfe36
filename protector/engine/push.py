# SPDX-License-Identifier: Apache-2.0
"""Pushes a group's document to the peer and records what came of it.

Used by operations, by sync-force and by the background repetition alike.
"""

from collections.abc import Callable
from typing import Any

from protector import exception, metadata
from protector.clients import peer as peer_client
from protector.db import models
from protector.db.api import metadata_sync
from protector.engine import access, adoption, split
from protector.engine import scene as scenes


def deliver(
    runtime: Any,
    group_id: str,
    before_change: Callable[[], None] | None = None,
    request_id: str | None = None,
) -> metadata.Triple:
    """Send the stored bytes; what the peer holds afterwards.

    A failure is recorded with the time of the next attempt, and raised.  At
    the site that is not the primary nothing is sent: what is newer there is
    taken, else it is compared.

    :raises PeerUnreachable: no answer.
    :raises StaleDocument: the peer holds something newer or other.
    :raises MetadataOutOfSync: the primary holds another document.
    """
    with runtime.db.reader() as session:
        scene = scenes.load(session, runtime.conf, group_id)
        sync = metadata_sync.find(session, group_id)
        mine = metadata_sync.triple(sync)
        raw = sync.document.encode() if sync else b""
    if mine is None:
        raise exception.UnexpectedState(
            f"Protection group {scene.group.name} has no document yet."
        )
    peer_site = scene.sites[scene.peer_site_id]
    peer = access.clients(
        runtime, peer_site, before_change=before_change, request_id=request_id
    ).peer
    if scene.group.current_primary_site_id == scene.local_site_id:
        newer = _send(runtime, peer, peer_site, group_id, raw)
    else:
        # the primary makes the documents; here they are taken, or compared
        newer = adoption.adopt(runtime, peer_site, group_id)
        if newer is None:
            _compare(peer, scene, mine)
    held = newer or mine
    with runtime.db.writer() as session:
        metadata_sync.confirm(session, group_id, held, runtime.clock.now())
    return held


def _send(
    runtime: Any,
    peer: peer_client.PeerClient,
    peer_site: models.Site,
    group_id: str,
    raw: bytes,
) -> metadata.Triple | None:
    """What was taken from the peer instead, when the group had moved there
    while this site was away."""
    try:
        peer.push(group_id, raw)
    except exception.LeaseLost:
        raise
    except exception.ProtectorError as e:
        if isinstance(e, exception.StaleDocument):
            newer = adoption.adopt(runtime, peer_site, group_id)
            if newer is not None:
                return newer
        _failed(runtime, group_id, e)
        if isinstance(e, exception.Split):
            split.show(runtime, peer_site, group_id, "TwoHistories")
        raise
    return None


def _compare(
    peer: peer_client.PeerClient, scene: scenes.Scene, mine: metadata.Triple
) -> None:
    """:raises MetadataOutOfSync: the primary holds another document."""
    marker = None
    while page := peer.groups(marker):
        for held in page:
            if held["id"] == scene.group.id:
                if held["checksum"] == mine.checksum:
                    return
                break
        marker = page[-1]["id"]
    name = scene.sites[scene.peer_site_id].name
    raise exception.MetadataOutOfSync(
        f"Protection group {scene.group.name} is out of sync, and its "
        f"documents are made at {name}.",
        remedy=f"Run sync-force at {name}.",
        site=name,
    )


def _failed(
    runtime: Any, group_id: str, error: exception.ProtectorError
) -> None:
    with runtime.db.writer() as session:
        metadata_sync.fail(
            session,
            group_id,
            # the documented report has room for the cause only: it says
            # already which site and what to do
            str(error.details.get("cause") or error.message),
            runtime.clock.now(),
            runtime.conf.peer.push_backoff_max,
        )
