# SPDX-License-Identifier: Apache-2.0
"""Looks at what the other site holds of another history, and shows it.

Takes nothing over and sends nothing: the user says which one is kept.
"""

from typing import Any

from oslo_log import log as logging

from protector import exception, metadata
from protector.db import models
from protector.db.api import histories, metadata_sync, protection_groups
from protector.engine import access

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def show(
    runtime: Any,
    site: models.Site,
    group_id: str,
    reason: str | None = None,
) -> None:
    """Ask for all of it, and write down what is seen to differ.

    :param reason: why a document was refused as another history, if one was.
    """
    began = runtime.clock.now()
    try:
        held = access.clients(runtime, site).peer.group(group_id)
    except exception.NotFound:
        held = None
    if held is not None and held.get("deleted"):
        return
    with runtime.db.writer() as session:
        group = protection_groups.lock(session, group_id)
        sync = metadata_sync.find(session, group_id)
        if sync is None or _confirmed_since(sync, began):
            return
        found = histories.divergence(
            group, sync, triple(held), runtime.local_site_id
        )
        if reason is not None:
            found = found._replace(split=reason)
        if not any(found):
            histories.joined(session, group, runtime.clock.now())
            return
        other = histories.described(site.id, held)
        histories.note(session, group, sync, other, found, runtime.clock.now())
    LOG.warning(
        "Site %s holds another history of group %s: %s",
        site.name,
        group_id,
        found,
    )


def triple(held: Json | None) -> metadata.Triple | None:
    """What the peer says that it holds; None without a document."""
    if held is None or held.get("checksum") is None:
        return None
    return metadata.Triple(held["epoch"], held["version"], held["checksum"])


def _confirmed_since(sync: models.MetadataSync, began: Any) -> bool:
    """What was asked for may be older than what the peer took since."""
    return sync.last_sync_at is not None and sync.last_sync_at > began
