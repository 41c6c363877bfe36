# SPDX-License-Identifier: Apache-2.0
"""Keystone's resources: their fields, checks, and what goes with them."""

import typing

from protector.sandbox.cloud import context, errors, store, wsgi
from protector.sandbox.cloud.keystone import (
    assignments,
    catalog,
    passwords,
    resources,
)


def _must_exist(cloud: context.Cloud, table: str, key: typing.Any) -> None:
    if key is None or cloud.store.table(table).get(key) is None:
        one = table.rstrip("s")
        raise errors.NotFound(f"Could not find {one}: {key}.")


class Kinds:
    """Makes the ``Resource`` of every kind, by table name."""

    def __init__(
        self,
        cloud: context.Cloud,
        roles: assignments.Assignments,
        endpoints: catalog.Catalog,
    ) -> None:
        self._cloud = cloud
        self._catalog = endpoints
        self._assignments = roles
        self.by_table = {
            kind.table: resources.Resource(cloud, kind)
            for kind in (*self._principals(), *self._catalog_kinds())
        }

    def _principals(self) -> tuple[resources.Kind, ...]:
        common = {"description": "", "enabled": True}
        return (
            resources.Kind(
                "domains",
                "domain",
                {"name": "", **common, "tags": [], "options": {}},
                removed=self._domain_removed,
            ),
            resources.Kind(
                "projects",
                "project",
                {"name": "", "domain_id": None, "parent_id": None}
                | {**common, "is_domain": False, "tags": [], "options": {}},
                unique=("name", "domain_id"),
                prepare=self._project,
                removed=self._project_removed,
            ),
            resources.Kind(
                "users",
                "user",
                {"name": "", "domain_id": None, "enabled": True}
                | {"default_project_id": None, "email": None, "options": {}}
                | {"password_expires_at": None},
                unique=("name", "domain_id"),
                secret=("password_hash",),
                prepare=self._user,
                removed=self._user_removed,
            ),
            resources.Kind(
                "roles",
                "role",
                {"name": "", "domain_id": None, "description": None}
                | {"options": {}},
                unique=("name", "domain_id"),
                removed=self._role_removed,
            ),
        )

    def _catalog_kinds(self) -> tuple[resources.Kind, ...]:
        return (
            resources.Kind(
                "services",
                "service",
                {"name": "", "type": "", "description": "", "enabled": True},
                required=("type",),
                unique=(),
                removed=self._service_removed,
            ),
            resources.Kind(
                "endpoints",
                "endpoint",
                {"service_id": None, "interface": "public", "url": ""}
                | {"region_id": None, "region": None, "enabled": True},
                required=("service_id", "interface", "url"),
                unique=(),
                prepare=self._endpoint,
                show=self._show_endpoint,
            ),
            resources.Kind(
                "regions",
                "region",
                {"description": "", "parent_region_id": None},
                required=(),
                unique=("id",),
            ),
        )

    def _project(self, request: wsgi.Request, row: store.Document) -> None:
        row["domain_id"] = row["domain_id"] or _domain_of(request)
        _must_exist(self._cloud, "domains", row["domain_id"])
        row["parent_id"] = row["parent_id"] or row["domain_id"]
        if row["parent_id"] != row["domain_id"]:
            _must_exist(self._cloud, "projects", row["parent_id"])

    def _user(self, request: wsgi.Request, row: store.Document) -> None:
        row["domain_id"] = row["domain_id"] or _domain_of(request)
        _must_exist(self._cloud, "domains", row["domain_id"])
        password = row.pop("password", None)
        if password:
            row["password_hash"] = passwords.hashed(password)

    def _endpoint(self, request: wsgi.Request, row: store.Document) -> None:
        _must_exist(self._cloud, "services", row["service_id"])
        row["region_id"] = row["region_id"] or row["region"]
        row["region"] = row["region_id"]
        if row["interface"] not in ("public", "internal", "admin"):
            raise errors.BadRequest("Invalid input for field 'interface'")

    def _show_endpoint(self, shown: store.Document) -> None:
        shown["url"] = self._catalog.fill(shown["url"])

    def _domain_removed(
        self, request: wsgi.Request, row: store.Document
    ) -> None:
        if row["enabled"]:
            raise errors.Forbidden(
                "Cannot delete a domain that is enabled, please disable it "
                "first."
            )
        self._assignments.forget("target_id", row["id"])

    def _project_removed(
        self, request: wsgi.Request, row: store.Document
    ) -> None:
        self._assignments.forget("target_id", row["id"])
        self._forget("application_credentials", project_id=row["id"])

    def _user_removed(
        self, request: wsgi.Request, row: store.Document
    ) -> None:
        self._assignments.forget("user_id", row["id"])
        self._forget("application_credentials", user_id=row["id"])

    def _role_removed(
        self, request: wsgi.Request, row: store.Document
    ) -> None:
        self._assignments.forget("role_id", row["id"])
        self._forget("implied_roles", prior_id=row["id"])
        self._forget("implied_roles", implied_id=row["id"])

    def _service_removed(
        self, request: wsgi.Request, row: store.Document
    ) -> None:
        self._forget("endpoints", service_id=row["id"])

    def _forget(self, table: str, **equal: str) -> None:
        rows = self._cloud.store.table(table)
        for row in rows.list(**equal):
            rows.delete(row["id"])


def _domain_of(request: wsgi.Request) -> str:
    caller = request.caller
    domain = caller.domain_id or caller.project_domain_id
    return domain or caller.user_domain_id
