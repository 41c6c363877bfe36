# SPDX-License-Identifier: Apache-2.0
"""Volume types of a new group: resolved on both sides, or refused.

Also the list of replicated types of a site with their counterparts.
"""

from collections.abc import Sequence
from typing import Any

from protector import constants as c
from protector import exception
from protector.clients import clouds, types
from protector.clients import volume as volume_client
from protector.context import RequestContext
from protector.db import models
from protector.db.api import protection_groups
from protector.db.api import sites as site_rows
from protector.engine import access, reading, tenants

Json = dict[str, Any]


def check_create(runtime: Any, context: RequestContext, args: Json) -> Json:
    """Resolve what a new group needs.

    :param args: the body of the request, with ``project_id``.
    :raises ProtectorError: the refusal.
    """
    with runtime.db.reader() as session:
        local = site_rows.local(session)
        peer = _peer_row(session, args, local)
        protection_groups.check_name(session, args["project_id"], args["name"])
    theirs = _clients(runtime, peer, context)
    try:
        theirs.peer.check(runtime.conf.peer.check_timeout)
    except exception.PeerUnreachable as e:
        raise exception.PeerUnreachable(
            f"secondary site unreachable: {peer.name}: {e.message}"
        ) from None
    mine = _clients(runtime, local, context)
    project = tenants.counterpart(runtime, args["project_id"], peer)
    here = _primary_type(mine.service.volume, args)
    there = _secondary_type(theirs.service.volume, here, args, peer)
    _check_available(runtime, args["replication_type"], local, peer)
    return {
        "secondary_project_id": project,
        "volume_type_id": here.id,
        "volume_type_name": here.name,
        "backend_name": backend(mine.service.volume, here, local.name),
        "secondary_volume_type_id": there.id,
        "secondary_volume_type_name": there.name,
        "secondary_backend_name": backend(
            theirs.service.volume, there, peer.name
        ),
    }


def _check_available(
    runtime: Any,
    replication_type: str,
    local: models.Site,
    peer: models.Site,
) -> None:
    """:raises ReplicationTypeNotAvailable: the arrays can hold no
    synchronous group."""
    if replication_type != c.ReplicationType.SYNC:
        return
    one, other = (
        runtime.storage.array_of(site.id, site.name) for site in (local, peer)
    )
    driver = runtime.storage.reader(reading.forbid)
    why = driver.asynchronous_only(one, other)
    if why:
        raise exception.ReplicationTypeNotAvailable(
            why, field="replication_type"
        )


def resolve_secondary(
    runtime: Any,
    site: models.Site,
    theirs: clouds.SiteClients,
    mine: clouds.SiteClients,
    group: models.ProtectionGroup,
    side: models.ConsistencyGroupSide,
) -> Json:
    """What a group that there is needs at another secondary site.

    :param side: of the group here.
    :raises ProtectorError: the refusal.
    """
    wanted = {
        "volume_type_id": side.volume_type_id,
        "replication_type": group.replication_type,
    }
    here = _primary_type(mine.service.volume, wanted)
    there = _secondary_type(theirs.service.volume, here, wanted, site)
    with runtime.db.reader() as session:
        local = site_rows.local(session)
    _check_available(runtime, group.replication_type, local, site)
    return {
        "secondary_project_id": tenants.counterpart(
            runtime, group.project_id, site
        ),
        "secondary_volume_type_id": there.id,
        "secondary_volume_type_name": there.name,
        "secondary_backend_name": backend(
            theirs.service.volume, there, site.name
        ),
    }


def _peer_row(session: Any, args: Json, local: models.Site) -> models.Site:
    if args["primary_site_id"] != local.id:
        raise exception.BadRequest(
            "A protection group is created at its primary site; this is "
            f"{local.name}.",
            remedy="Send the request to the primary site.",
            field="primary_site_id",
        )
    peer = session.get(models.Site, args["secondary_site_id"])
    if peer is None or peer.is_local:
        raise exception.InvalidReference(
            f"There is no other site {args['secondary_site_id']}.",
            field="secondary_site_id",
        )
    return peer


def _clients(
    runtime: Any, site: models.Site, context: RequestContext
) -> clouds.SiteClients:
    return access.clients(
        runtime,
        site,
        before_change=reading.forbid,
        request_id=context.request_id,
    )


def _primary_type(
    volume: volume_client.VolumeClient, args: Json
) -> types.VolumeType:
    wanted = args["volume_type_id"]
    found = next((t for t in volume.types() if wanted in (t.id, t.name)), None)
    if found is None:
        raise exception.InvalidReference(
            f"There is no volume type {wanted} at the primary site.",
            field="volume_type_id",
            value=wanted,
        )
    _check_replicated(found, args["replication_type"], "primary")
    return found


def _check_replicated(
    found: types.VolumeType, replication_type: str, where: str
) -> None:
    if not found.replicated:
        raise exception.VolumeTypeNotReplicated(
            f"volume type not replication-enabled: {found.name} at the "
            f"{where} site lacks replication_enabled='<is> True'.",
            volume_type=found.name,
        )
    if found.replication_type != replication_type:
        raise exception.ReplicationTypeMismatch(
            f"Volume type {found.name} at the {where} site replicates "
            f"{found.replication_type}, the group asks for "
            f"{replication_type}.",
            volume_type=found.name,
        )


def _secondary_type(
    volume: volume_client.VolumeClient,
    here: types.VolumeType,
    args: Json,
    peer: models.Site,
) -> types.VolumeType:
    """Explicit, else the same id, else the same name, else the only one
    with the same properties."""
    known = volume.types()
    wanted = args.get("secondary_volume_type_id")
    if wanted:
        found = next((t for t in known if wanted in (t.id, t.name)), None)
        if found is None:
            raise exception.InvalidReference(
                f"There is no volume type {wanted} at site {peer.name}.",
                field="secondary_volume_type_id",
                value=wanted,
            )
    else:
        found = counterpart(here, known)
    if found is None:
        alike = _alike(here, known)
        kind = (
            exception.VolumeTypeAmbiguous
            if alike
            else exception.VolumeTypeNotReplicated
        )
        raise kind(
            "volume type not replication-enabled: site "
            f"{peer.name} has {len(alike)} types like {here.name}.",
            candidates=[t.name for t in alike],
        )
    _check_replicated(found, args["replication_type"], "secondary")
    return found


def counterpart(
    here: types.VolumeType, known: Sequence[types.VolumeType]
) -> types.VolumeType | None:
    """The type at the other site that stands for ``here``, if one does."""
    for same in (
        [t for t in known if t.id == here.id],
        [t for t in known if t.name == here.name],
        _alike(here, known),
    ):
        if len(same) == 1:
            return same[0]
    return None


def _alike(
    here: types.VolumeType, known: Sequence[types.VolumeType]
) -> list[types.VolumeType]:
    return [
        t
        for t in known
        if t.replicated and t.replication_type == here.replication_type
    ]


def backend(
    volume: volume_client.VolumeClient, found: types.VolumeType, where: str
) -> str:
    """The one backend that a type leads to, as host@backend#pool.

    :raises VolumeTypeAmbiguous: it leads to none, or to more than one.
    """
    wanted = found.extra_specs.get("volume_backend_name")
    pools = [
        p["name"]
        for p in volume.pools()
        if wanted is None or p.get("volume_backend_name") == wanted
    ]
    if len(pools) != 1:
        raise exception.VolumeTypeAmbiguous(
            f"Volume type {found.name} leads to {len(pools)} backends at "
            f"site {where}; it must lead to exactly one.",
            remedy="Set volume_backend_name on the volume type.",
            backends=pools,
        )
    return str(pools[0])
