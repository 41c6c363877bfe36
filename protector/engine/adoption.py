# SPDX-License-Identifier: Apache-2.0
"""Takes over what the other site holds of a group in a newer epoch.

For a site that was away while the group moved.  Only a document that builds
on the one that is held here is taken; of two histories nothing is guessed:
they are shown and wait.
"""

import contextlib
from typing import Any

from oslo_log import log as logging

from protector import exception, metadata
from protector.db import models
from protector.db.api import metadata_sync, operations, protection_groups
from protector.db.api import sites as site_rows
from protector.engine import access, split

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def at_start(runtime: Any) -> None:
    """Compare with each other site, before anything is done here.

    One that does not answer soon is compared with when it does.
    """
    with runtime.db.reader() as session:
        peers = site_rows.remote_sites(session)
    for site in peers:
        peer = access.clients(runtime, site).peer
        try:
            peer.check(runtime.conf.peer.check_timeout)
            compare(runtime, site, peer.all_groups())
        except exception.ProtectorError as e:
            LOG.info("Site %s was not compared with: %s", site.name, e)
        except Exception:
            LOG.exception("Site %s could not be compared with", site.name)


def compare(runtime: Any, site: models.Site, held: list[Json]) -> None:
    """Take over each group that the other site holds in a newer epoch.

    :param held: what it holds, as its ``groups`` tells.
    """
    for theirs in held:
        with runtime.db.reader() as session:
            mine = protection_groups.find(session, theirs["id"])
        if mine is None:
            continue
        if theirs["epoch"] <= mine.epoch:
            # a site before this release does not tell
            claimed = theirs.get("claimed_epoch", 0)
            if claimed > mine.epoch:
                _end_claim(runtime, site, mine.id, claimed)
            continue
        try:
            adopt(runtime, site, mine.id)
        except exception.ProtectorError as e:
            LOG.warning("Group %s was not taken over: %s", mine.id, e)


def _end_claim(
    runtime: Any, site: models.Site, group_id: str, claimed: int
) -> None:
    """A move whose epoch the other site has claimed above, before its first
    document was made, ends: who goes on would make a second history."""
    with runtime.db.writer() as session:
        group = protection_groups.lock(session, group_id)
        sync = metadata_sync.find(session, group_id)
        if sync is None or not sync.epoch < group.epoch < claimed:
            return
        error = exception.Superseded(
            f"Protection group {group.name} was taken back by {site.name}."
        )
        protection_groups.see_epoch(group, claimed)
        if operations.preempt(session, runtime.clock.now(), group, error):
            status = protection_groups.resting_status(group)
            protection_groups.set_status(group, status)


def adopt(
    runtime: Any, site: models.Site, group_id: str
) -> metadata.Triple | None:
    """Take over the other site's document; None if it is not newer.

    What runs here on the group ends with it.

    :raises Split: it does not build on the one that is held here.
    """
    try:
        theirs = access.clients(runtime, site).peer.group(group_id)
        raw = str(theirs.get("document") or "").encode()
        offered = metadata.triple(raw)
    except (exception.NotFound, ValueError):
        return None
    with runtime.db.reader() as session:
        sync = metadata_sync.find(session, group_id)
    if not metadata.newer(metadata_sync.triple(sync), offered):
        return None
    try:
        with runtime.db.writer() as session:
            metadata_sync.receive(
                session,
                runtime.local_site_id,
                site.id,
                raw,
                runtime.clock.now(),
            )
    except exception.StaleDocument:
        return None
    except exception.Split:
        split.show(runtime, site, group_id, "TwoHistories")
        raise
    LOG.warning(
        "Group %s is taken over as site %s has it", group_id, site.name
    )
    return offered


def require_newest(look: Any) -> None:
    """The other site knows of no newer epoch of the group.

    :param look: the context of a step, or a ``Reader``.
    :raises NotPrimarySite: it holds one, or has claimed it.
    :raises Split: it holds a newer version, and this site makes them.
    :raises MetadataOutOfSync: it holds a newer version of its own.
    """
    scene = look.scene
    site = scene.sites[scene.peer_site_id]
    try:
        theirs = look.site(site.id).peer.group(scene.group.id)
    except exception.NotFound:
        return
    if theirs["claimed_epoch"] <= scene.group.epoch:
        _require_last(look, theirs)
        return
    raise _moved(scene, site)


def require_untold(look: Any) -> None:
    """The other site has at most claimed the group: it has settled nothing
    that this site does not hold.  One that is away says nothing.

    :param look: the context of a step, or a ``Reader``.
    :raises NotPrimarySite: the group runs there.
    """
    scene = look.scene
    site = scene.sites[scene.peer_site_id]
    with contextlib.suppress(exception.NotFound, exception.PeerUnreachable):
        theirs = look.site(site.id).peer.group(scene.group.id)
        if theirs["epoch"] > scene.group.epoch:
            raise _moved(scene, site)


def _moved(scene: Any, site: models.Site) -> exception.NotPrimarySite:
    return exception.NotPrimarySite(
        f"Protection group {scene.group.name} was failed over to {site.name} "
        "while this site was away.",
        site=site.name,
        site_id=site.id,
        endpoint=site.endpoint,
    )


def _require_last(look: Any, theirs: Json) -> None:
    """This site, if it makes the versions, has not gone back in time; and if
    not, it has the last one."""
    scene = look.scene
    held = split.triple(theirs)
    with look.runtime.db.reader() as session:
        mine = metadata_sync.triple(
            metadata_sync.find(session, scene.group.id)
        )
    if held is None or mine is None or held <= mine:
        return
    name = scene.sites[scene.peer_site_id].name
    message = (
        f"{name} holds version {held.version} of protection group "
        f"{scene.group.name}, this site only {mine.version}."
    )
    if scene.group.current_primary_site_id != scene.local_site_id:
        raise exception.MetadataOutOfSync(
            message,
            remedy="It is sent by itself soon; sync-force sends it now.",
            site=name,
        )
    raise exception.Split(
        message,
        mine=mine.as_dict(),
        theirs=held.as_dict(),
    )
