# SPDX-License-Identifier: Apache-2.0
"""Schemas of sites, as tenants and as administrators see them."""

from protector import constants as c
from protector.api.schemas import types

LIST_QUERY = types.listing(
    ("name", "created_at", "status", "id"),
    "name",
    "status",
    "region_name",
    "is_local",
)
_SECRET: types.Json = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1024,
    "pattern": r"^[^\x00]+$",
}
_WRITABLE: types.Json = {
    "name": types.NAME,
    "description": types.DESCRIPTION,
    "auth_url": types.URL,
    "region_name": types.nullable(types.SHORT),
    "username": types.SHORT,
    "password": _SECRET,
    "user_domain_name": types.SHORT,
    "project_name": types.SHORT,
    "project_domain_name": types.SHORT,
    "endpoint": types.nullable(types.URL),
    "cacert": types.nullable(
        {
            "type": "string",
            "maxLength": 60000,
            "pattern": "-----BEGIN CERTIFICATE-----",
        }
    ),
    "verify": types.BOOLEAN,
}
CREATE = types.envelope(
    "site",
    types.record(
        ("name", "auth_url", "username", "password", "project_name"),
        **_WRITABLE,
    ),
)
# a site is declared lost by an action; here that is taken back
UPDATE = types.envelope(
    "site",
    {
        **types.record(**_WRITABLE, lost={"type": "boolean", "enum": [False]}),
        "minProperties": 1,
    },
)

_TEXT = types.nullable(types.STRING)
_SHOWN: types.Json = {
    "id": types.UUID,
    "name": types.STRING,
    "description": types.STRING,
    "status": types.enum(c.SiteStatus),
    "is_local": types.BOOLEAN,
    "region_name": _TEXT,
    "auth_url": _TEXT,
}
SITE = types.answer(**_SHOWN)
REGISTRATION = types.answer(
    **_SHOWN,
    status_reason=_TEXT,
    checked_at=types.nullable(types.TIME),
    endpoint=_TEXT,
    username=_TEXT,
    user_domain_name=_TEXT,
    project_name=_TEXT,
    project_domain_name=_TEXT,
    cacert=_TEXT,
    verify=types.BOOLEAN,
    lost=types.BOOLEAN,
    lost_at=types.nullable(types.TIME),
    lost_by=_TEXT,
    capabilities=types.OBJECT,
    created_at=types.TIME,
    updated_at=types.nullable(types.TIME),
)
SHOW = types.envelope("site", SITE)
LIST = types.page("sites", SITE)
SHOW_REGISTRATION = types.envelope("site", REGISTRATION)
LIST_REGISTRATIONS = types.page("sites", REGISTRATION)

# Cinder's types have no times
VOLUME_TYPES_QUERY = types.without_times(
    types.listing(("name", "id"), "name", "replication_type")
)
VOLUME_TYPES = types.page(
    "volume_types",
    types.answer(
        id=types.STRING,
        name=types.STRING,
        replication_type=_TEXT,
        peer_volume_type_id=_TEXT,
    ),
)

# the actions on a site; others come with their release
ACTIONS = {
    "validate": types.EMPTY,
    "declare_lost": types.EMPTY,
    "replace": types.record(
        ("secondary_site_id",), secondary_site_id=types.UUID
    ),
}
ACTION = {**types.record(**ACTIONS), "minProperties": 1, "maxProperties": 1}
REPLACEMENT = types.envelope(
    "replacement",
    types.answer(
        secondary_site_id=types.UUID,
        groups=types.array(
            types.answer(
                protection_group_id=types.UUID,
                protection_group_name=types.STRING,
                operation_id=types.nullable(types.UUID),
                error=types.nullable(types.OBJECT),
            )
        ),
    ),
)
REPORT = types.envelope(
    "report",
    types.answer(
        ok=types.BOOLEAN,
        checks=types.array(
            types.answer(
                name=types.enum(c.SiteCheck),
                status=types.enum(c.CheckStatus),
                ok=types.BOOLEAN,
                message=types.STRING,
                fix=_TEXT,
            )
        ),
    ),
)
