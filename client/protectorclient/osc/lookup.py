# SPDX-License-Identifier: Apache-2.0
"""From what the user wrote, a name or an id, to the thing itself."""

from __future__ import annotations

import re
from typing import Any
import uuid

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions

from protectorclient import errors
from protectorclient.osc import failures
from protectorclient.v1 import _base, sites


def is_id(text: str) -> bool:
    """Whether it is a UUID, with hyphens or (Keystone) without."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def group(proxy: Any, name_or_id: str) -> Any:
    """A protection group."""
    return proxy.find_protection_group(name_or_id)


def full_group(proxy: Any, name_or_id: str) -> Any:
    """A protection group with what only a show has."""
    found = proxy.find_protection_group(name_or_id)
    if _base.is_uuid(name_or_id):
        return found
    return proxy.get_protection_group(found.id)


def site_names(proxy: Any) -> dict[str, str]:
    """The names of the sites by id."""
    return {site.id: site.name for site in proxy.sites()}


def user_name(proxy: Any, user_id: str) -> str | None:
    """The name of a user, if this cloud has one of this id and tells it:
    usually to the user and to administrators."""
    identity = proxy._get_connection().identity
    try:
        return str(identity.get_user(user_id).name)
    except (
        sdk_exceptions.SDKException,
        ksa_exceptions.ClientException,
    ):
        return None


def operation(proxy: Any, ref: str, **query: Any) -> Any:
    """An operation by its id, or the newest of the group of this name.

    :param query: what the one of a group must be, such as ``kind``
    """
    if _base.is_uuid(ref):
        try:
            return proxy.get_operation(ref)
        except sdk_exceptions.NotFoundException:
            pass
    try:
        owner = group(proxy, ref)
    except errors.NoSuchResource:
        raise errors.NoSuchResource("operation or group", ref) from None
    newest = proxy.operations(
        protection_group_id=owner.id,
        sort_key="created_at",
        sort_dir="desc",
        limit=1,
        **query,
    )
    found = next(iter(newest), None)
    if found is None:
        raise errors.NoSuchResource("operation of the group", ref)
    return proxy.get_operation(found.id)


def server_id(conn: Any, name_or_id: str) -> str:
    """The id of a Nova server; an id is passed on for the service to check.

    :raises errors.AmbiguousName: several have the name
    """
    if is_id(name_or_id):
        return name_or_id
    pattern = f"^{re.escape(name_or_id)}$"
    rows = [
        server
        for server in conn.compute.servers(details=False, name=pattern)
        if server.name == name_or_id
    ]
    return _only("server", name_or_id, rows)


def volume_type_id(conn: Any, site: sites.Site, name_or_id: str) -> str:
    """The id of a volume type at a site.

    Types that Protector does not list are looked up in Cinder, so that the
    service can say why they cannot be used.
    """
    if is_id(name_or_id):
        return name_or_id
    rows = [
        row
        for row in conn.protector.site_volume_types(site)
        if row.name == name_or_id
    ]
    if not rows and site.is_local:
        rows = [
            row for row in conn.block_storage.types() if row.name == name_or_id
        ]
    return _only(f"volume type at {site.name}", name_or_id, rows)


def project_id(conn: Any, name_or_id: str) -> str:
    """The id of a project of a cloud."""
    if is_id(name_or_id):
        return name_or_id
    rows = list(conn.identity.projects(name=name_or_id))
    return _only("project", name_or_id, rows)


def remote_project_id(clouds: Any, name_or_id: str) -> str:
    """The id of a project at the other site.

    :raises failures.UsageError: a name, and no second cloud to look it up
    """
    if is_id(name_or_id):
        return name_or_id
    if not clouds.second_name:
        raise failures.UsageError(
            f"{name_or_id!r} is no project id; to look up the name at the "
            "other site, name its cloud with --secondary-cloud"
        )
    return project_id(clouds.second(), name_or_id)


def _only(kind: str, name: str, rows: list[Any]) -> str:
    if not rows:
        raise errors.NoSuchResource(kind, name)
    if len(rows) > 1:
        raise errors.AmbiguousName(kind, name, [row.id for row in rows])
    return str(rows[0].id)
