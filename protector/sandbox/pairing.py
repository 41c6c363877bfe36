# SPDX-License-Identifier: Apache-2.0
"""Makes two sites know each other, as their administrators do.

Through the SDK and the public API, with the service account of the other
site; the same as ``openstack protector site pair``.
"""

import dataclasses
from typing import Any

from openstack import connection

from protector.sandbox import access
from protector.sandbox import layout as layouts

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One check of a validation.

    :ivar at: the site that looked.
    :ivar of: the site that it looked at.
    """

    at: str
    of: str
    check: str
    ok: bool
    message: str


def pair(layout: layouts.Layout) -> list[Finding]:
    """Register each site at the other, or renew that, and check both ways.

    :returns: what the validations found, good and bad.
    :raises openstack.exceptions.SDKException: a site refused.
    """
    return [f for a, b in layout.pairs for f in _pair(layout, a, b)]


def _pair(
    layout: layouts.Layout, a: layouts.Site, b: layouts.Site
) -> list[Finding]:
    with (
        access.connect(layout, f"{a.name}-admin") as at_a,
        access.connect(layout, f"{b.name}-admin") as at_b,
    ):
        b_id = register(at_a, at_b, b)
        a_id = register(at_b, at_a, a)
        return [
            *_validated(at_a, b_id, (a.name, b.name)),
            *_validated(at_b, a_id, (b.name, a.name)),
        ]


def register(
    at: connection.Connection,
    other: connection.Connection,
    site: layouts.Site,
) -> str:
    """Register the other site at a site, or renew what is there; its id.

    :param at: admin's connection to the site that learns.
    :param other: admin's connection to the site that it learns of.
    """
    itself = other.protector.local_site()
    attributes: Json = {
        "auth_url": site.auth_url,
        "region_name": site.name,
        "username": layouts.SERVICE_USER,
        "password": layouts.PASSWORD,
        "user_domain_name": "Default",
        "project_name": "service",
        "project_domain_name": "Default",
        "endpoint": site.api_url,
    }
    known = at.protector.find_registered_site(itself.id, ignore_missing=True)
    if known is not None:
        at.protector.update_site(known, **attributes)
        return str(known.id)
    attributes |= {"name": site.name, "description": f"Sandbox {site.name}"}
    return str(at.protector.register_site(**attributes).id)


def _validated(
    at: connection.Connection, site_id: str, names: tuple[str, str]
) -> list[Finding]:
    looker, looked_at = names
    return [
        Finding(
            at=looker,
            of=looked_at,
            check=row["name"],
            ok=row["ok"],
            message=row["message"],
        )
        for row in at.protector.validate_site(site_id)
    ]
