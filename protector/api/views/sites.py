# SPDX-License-Identifier: Apache-2.0
"""What a site looks like, to tenants and to administrators.

No secret, sealed or not, is ever part of it.
"""

from typing import Any

from protector import times
from protector.db import models

Json = dict[str, Any]


def show(site: models.Site) -> Json:
    return {
        "id": site.id,
        "name": site.name,
        "description": site.description,
        "status": site.status,
        "is_local": site.is_local,
        "region_name": site.region_name,
        "auth_url": site.auth_url,
    }


def registration(site: models.Site) -> Json:
    """What an administrator sees."""
    return {
        **show(site),
        "status_reason": site.status_reason,
        "checked_at": times.iso(site.checked_at),
        "endpoint": site.endpoint,
        "username": site.username,
        "user_domain_name": site.user_domain_name,
        "project_name": site.project_name,
        "project_domain_name": site.project_domain_name,
        "cacert": site.cacert,
        "verify": site.verify,
        "lost": site.lost,
        "lost_at": times.iso(site.lost_at),
        "lost_by": site.lost_by,
        "capabilities": site.capabilities,
        "created_at": times.iso(site.created_at),
        "updated_at": times.iso(site.updated_at),
    }
