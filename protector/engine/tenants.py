# SPDX-License-Identifier: Apache-2.0
"""Which project at the peer site is a project's counterpart."""

from typing import Any

from protector import exception
from protector.db import models
from protector.db.api import sites as site_rows
from protector.engine import access


def counterpart(runtime: Any, project_id: str, peer: models.Site) -> str:
    """The project at ``peer`` that belongs to the owner of a project here.

    A tenant mapping says so; matching by name is opted in per site.

    :raises TenantNotMapped: nothing does.
    """
    with runtime.db.reader() as session:
        row = (
            session.query(models.TenantMapping)
            .filter_by(local_project_id=project_id, remote_site_id=peer.id)
            .one_or_none()
        )
        local = site_rows.local(session)
    if row is not None:
        return row.remote_project_id
    if runtime.conf.peer.match_projects_by_name:
        found = _by_name(runtime, project_id, local, peer)
        if found is not None:
            return found
    raise exception.TenantNotMapped(
        f"Project {project_id} has no counterpart at site {peer.name}.",
        project_id=project_id,
    )


def _by_name(
    runtime: Any, project_id: str, local: models.Site, peer: models.Site
) -> str | None:
    mine = access.clients(runtime, local)
    name = mine.identity.project(project_id)["name"]
    theirs = access.clients(runtime, peer)
    found = theirs.identity.find_projects(name)
    return str(found[0]["id"]) if len(found) == 1 else None
