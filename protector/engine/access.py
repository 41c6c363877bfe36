# SPDX-License-Identifier: Apache-2.0
"""How the engine reaches the sites: credentials out of rows and options."""

from collections.abc import Callable
import os
import pathlib
from typing import Any

from protector.clients import clouds, types
from protector.db import models


def clients(
    runtime: Any,
    site: models.Site,
    before_change: Callable[[], None] | None = None,
    request_id: str | None = None,
    seconds: float | None = None,
    looking: bool = False,
) -> clouds.SiteClients:
    """The clients of a registered site; see ``Clouds.site``."""
    return runtime.clouds.site(
        site_access(runtime, site),
        before_change=before_change,
        request_id=request_id,
        seconds=seconds,
        looking=looking,
    )


def site_access(runtime: Any, site: models.Site) -> types.SiteAccess:
    """The access to a registered site, with its password opened.

    :raises ProtectorError: no key opens the stored password.
    """
    if site.is_local:
        return local_access(runtime.conf, site)
    return types.SiteAccess(
        site_id=site.id,
        name=site.name,
        auth_url=site.auth_url or "",
        region_name=site.region_name,
        interface="public",
        username=site.username or "",
        password=runtime.sealer.open(site.sealed_password),
        user_domain_name=site.user_domain_name or "",
        project_name=site.project_name or "",
        project_domain_name=site.project_domain_name or "",
        verify=verification(runtime.conf, site.id, site.cacert, site.verify),
        endpoint=site.endpoint,
    )


def local_access(conf: Any, site: models.Site) -> types.SiteAccess:
    options = conf.service_auth
    return types.SiteAccess(
        site_id=site.id,
        name=site.name,
        auth_url=options.auth_url,
        region_name=options.region_name,
        interface=options.interface,
        username=options.username,
        password=options.password,
        user_domain_name=options.user_domain_name,
        project_name=options.project_name,
        project_domain_name=options.project_domain_name,
        verify=False if options.insecure else (options.cafile or True),
        endpoint=site.endpoint,
    )


def verification(
    conf: Any, site_id: str, cacert: str | None, verify: bool
) -> str | bool:
    """What requests takes as ``verify``: a CA given as text is kept in a
    file under the state path, because requests reads files only."""
    if not verify:
        return False
    if not cacert:
        return True
    path = pathlib.Path(conf.state_path) / "ca" / f"{site_id}.pem"
    if not path.exists() or path.read_text() != cacert:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(cacert)
        os.replace(fresh, path)
    return str(path)
