# SPDX-License-Identifier: Apache-2.0
"""Neutron's quotas: limits per project, their use, and who may set them."""

import collections.abc
import typing

from protector.sandbox.cloud import context, errors, store, wsgi

DEFAULTS = {
    "network": 100,
    "subnet": 100,
    "subnetpool": -1,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
    "rbac_policy": 10,
}
TABLES = {name: f"{name}s" for name in DEFAULTS} | {
    "rbac_policy": "rbac_policies"
}


class Quotas:
    """The handlers of quotas, and the check before a creation."""

    def __init__(self, cloud: context.Cloud) -> None:
        self._cloud = cloud
        self._store = cloud.store
        self._table = cloud.store.table("network_quotas")

    def routes(self) -> collections.abc.Iterator[tuple[typing.Any, ...]]:
        """Yield the routes."""
        rule = "/v2.0/quotas/<project_id>"
        yield "GET", "/v2.0/quotas", self.index, "admin"
        yield "GET", rule, self.show, "reader"
        yield "PUT", rule, self.change, "any"
        yield "DELETE", rule, self.reset, "any"
        yield "GET", f"{rule}/default", self.defaults, "reader"
        yield "GET", f"{rule}/details", self.details, "reader"
        yield "GET", f"{rule}/details.json", self.details, "reader"

    def check(
        self, project_id: str, name: str, table: store.Table, more: int = 1
    ) -> None:
        """Refuse what would exceed a limit.

        :raises Conflict: OverQuota.
        """
        limit = self.limits(project_id).get(name, -1)
        used = table.count(project_id=project_id)
        if 0 <= limit < used + more:
            raise errors.Conflict(
                f"Quota exceeded for resources: ['{name}'].",
                kind="OverQuota",
            )

    def limits(self, project_id: str) -> dict[str, int]:
        """Return a project's limits; -1 is none."""
        configured = self._cloud.settings.of("quotas", "network") or {}
        row = self._table.get(project_id) or {}
        row.pop("id", None)
        return {**DEFAULTS, **configured, **row}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """The projects with limits of their own."""
        rows = [
            {**self.limits(row["id"]), "project_id": row["id"]}
            | {"tenant_id": row["id"]}
            for row in self._table.list()
        ]
        return {"quotas": rows}

    def show(self, request: wsgi.Request, project_id: str) -> wsgi.Result:
        """A project's limits: one's own, or to an admin."""
        _check_own(request, project_id)
        return {"quota": self.limits(project_id)}

    def defaults(self, request: wsgi.Request, project_id: str) -> wsgi.Result:
        """The limits of a project without limits of its own."""
        _check_own(request, project_id)
        return {"quota": self.limits("")}

    def details(self, request: wsgi.Request, project_id: str) -> wsgi.Result:
        """Limits with what is used of them."""
        _check_own(request, project_id)
        limits = self.limits(project_id)
        return {
            "quota": {
                name: {
                    "limit": limit,
                    "used": self._store.table(TABLES[name]).count(
                        project_id=project_id
                    ),
                    "reserved": 0,
                }
                for name, limit in limits.items()
                if name in TABLES
            }
        }

    def change(self, request: wsgi.Request, project_id: str) -> wsgi.Result:
        """Set limits; an admin's."""
        _check_admin(request)
        given = dict(request.body("quota"))
        for name in ("tenant_id", "project_id"):
            given.pop(name, None)
        for name, value in given.items():
            if name not in DEFAULTS or not isinstance(value, int):
                raise errors.BadRequest(
                    f"Invalid input for {name}. Reason: '{value}' is not "
                    "an integer limit of a known resource.",
                    kind="HTTPBadRequest",
                )
        row = self._table.get(project_id) or {"id": project_id}
        self._table.put({**row, **given})
        return {"quota": self.limits(project_id)}

    def reset(self, request: wsgi.Request, project_id: str) -> wsgi.Result:
        """Go back to the defaults; an admin's."""
        _check_admin(request)
        self._table.delete(project_id)


def _check_own(request: wsgi.Request, project_id: str) -> None:
    if project_id != request.project_id:
        _check_admin(request)


def _check_admin(request: wsgi.Request) -> None:
    if not request.is_admin:
        raise errors.Forbidden(
            "User does not have admin privileges: Only admin can view or "
            "configure quota.",
            kind="AdminRequired",
        )
