# SPDX-License-Identifier: Apache-2.0
"""What the engine does with sites: contact them, list their types."""

from typing import Any

from protector import exception
from protector.clients import clouds, types
from protector.context import RequestContext
from protector.db import models
from protector.db.api import sites as site_rows
from protector.engine import access, group_types, reading

Json = dict[str, Any]


def register(runtime: Any, context: RequestContext, site: Json) -> Json:
    """Contact a site with the credentials given and learn its own id.

    :raises PeerUnreachable: it does not answer.
    :raises BadRequest: it refuses the credentials.
    """
    found = types.SiteAccess(
        # its own id is what is asked for
        site_id=site["auth_url"],
        name=site["name"],
        auth_url=site["auth_url"],
        region_name=site.get("region_name"),
        interface="public",
        username=site["username"],
        password=site["password"],
        user_domain_name=site["user_domain_name"],
        project_name=site["project_name"],
        project_domain_name=site["project_domain_name"],
        verify=access.verification(
            runtime.conf,
            f"new-{context.request_id}",
            site.get("cacert"),
            site.get("verify", True),
        ),
        endpoint=site.get("endpoint"),
    )
    clients = runtime.clouds.site(found, request_id=context.request_id)
    try:
        identity = clients.peer.identity()
    except exception.CloudUnavailable as e:
        raise exception.PeerUnreachable(
            f"Site {site['name']} does not answer: {e.message}"
        ) from None
    except (exception.CloudForbidden, exception.PolicyForbidden) as e:
        raise exception.BadRequest(
            f"Site {site['name']} refuses the credentials: {e.message}",
            remedy="Give the service user of that site, with the roles "
            "admin and service.",
        ) from None
    return {
        "id": identity["site"]["id"],
        "name": identity["site"]["name"],
        "endpoint": site.get("endpoint"),
        "capabilities": {"versions": identity.get("versions", {})},
    }


def _clients(
    runtime: Any, site: models.Site, context: RequestContext
) -> clouds.SiteClients:
    return access.clients(
        runtime,
        site,
        before_change=reading.forbid,
        request_id=context.request_id,
    )


def volume_types(
    runtime: Any, context: RequestContext, site_id: str
) -> list[Json]:
    """Replicated types of a site, with their counterpart at the other one
    when there is exactly one other site."""
    with runtime.db.reader() as session:
        site = site_rows.get(session, site_id)
        others = [
            s
            for s in [site_rows.local(session)]
            + site_rows.remote_sites(session)
            if s.id != site_id
        ]
    mine = _clients(runtime, site, context).service.volume.types()
    theirs: list[types.VolumeType] = []
    if len(others) == 1:
        client = _clients(runtime, others[0], context)
        theirs = client.service.volume.types()
    return [_type(t, theirs) for t in mine if t.replicated]


def _type(found: types.VolumeType, theirs: list[types.VolumeType]) -> Json:
    peer = group_types.counterpart(found, theirs)
    return {
        "id": found.id,
        "name": found.name,
        "replication_type": found.replication_type,
        "peer_volume_type_id": peer.id if peer else None,
    }
