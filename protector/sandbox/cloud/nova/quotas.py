# SPDX-License-Identifier: Apache-2.0
"""Count what a project uses in Nova, and refuse what is over its quota.

Source: nova/compute/utils.py (``check_num_instances_quota``),
nova/api/openstack/compute/quota_sets.py 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import refusals
from protector.sandbox.cloud.nova import state as states

DEFAULTS = {
    "instances": 10,
    "cores": 20,
    "ram": 51200,
    "metadata_items": 128,
    "key_pairs": 100,
    "server_groups": 10,
    "server_group_members": 10,
}
_LIMITS = {
    "maxTotalInstances": "instances",
    "maxTotalCores": "cores",
    "maxTotalRAMSize": "ram",
    "maxServerMeta": "metadata_items",
    "maxTotalKeypairs": "key_pairs",
    "maxServerGroups": "server_groups",
    "maxServerGroupMembers": "server_group_members",
}


class Quotas:
    """Limits, use, ``os-quota-sets`` and ``limits``."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        one = "/os-quota-sets/<target>"
        change = "os_compute_api:os-quota-sets:"
        return [
            ("GET", one, self.show, "reader"),
            ("GET", f"{one}/detail", self.detail, "reader"),
            ("GET", f"{one}/defaults", self.defaults, "reader"),
            ("PUT", one, self.update, "admin", f"{change}update"),
            ("DELETE", one, self.delete, "admin", f"{change}delete"),
            ("GET", "/limits", self.limits_view, "reader"),
        ]

    def limits(self, project_id: str) -> dict[str, int]:
        """Return every limit of a project; -1 means none."""
        limits: dict[str, int] = dict(DEFAULTS)
        limits.update(self._state.cloud.settings.of("quotas", "compute") or {})
        own = self._state.quotas.get(project_id) or {}
        limits.update({k: v for k, v in own.items() if k != "id"})
        return limits

    def usage(self, project_id: str) -> dict[str, int]:
        """Return what a project uses; shelved servers count."""
        rows = self._state.servers.list(project_id=project_id)
        groups = self._state.server_groups.count(project_id=project_id)
        used = dict.fromkeys(DEFAULTS, 0)
        used["instances"] = len(rows)
        used["cores"] = sum(row["flavor"]["vcpus"] for row in rows)
        used["ram"] = sum(row["flavor"]["ram"] for row in rows)
        used["server_groups"] = groups
        return used

    def check_servers(
        self, project_id: str, flavor: store.Document, count: int = 1
    ) -> None:
        """Refuse servers over the quota.

        :raises Forbidden: Nova's text.
        """
        limits, used = self.limits(project_id), self.usage(project_id)
        asked = {
            "cores": flavor["vcpus"] * count,
            "instances": count,
            "ram": flavor["ram"] * count,
        }
        over = [
            name
            for name, amount in asked.items()
            if limits[name] >= 0 and used[name] + amount > limits[name]
        ]
        if over:
            names = ", ".join(over)
            raise errors.Forbidden(
                f"Quota exceeded for {names}: Requested "
                f"{_joined(asked, over)}, but already used "
                f"{_joined(used, over)} of {_joined(limits, over)} {names}"
            )

    def check_keypairs(self, user_id: str, project_id: str) -> None:
        """Refuse a key pair over the quota of its user.

        :raises Forbidden: Nova's text.
        """
        limit = self.limits(project_id)["key_pairs"]
        if self._state.keypairs.count(user_id=user_id) >= limit >= 0:
            raise errors.Forbidden("Quota exceeded, too many key pairs.")

    def check_groups(self, project_id: str) -> None:
        """Refuse a server group over the quota.

        :raises Forbidden: Nova's text.
        """
        limit = self.limits(project_id)["server_groups"]
        if self.usage(project_id)["server_groups"] >= limit >= 0:
            raise errors.Forbidden("Quota exceeded, too many server groups.")

    def show(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Show limits."""
        self._own(request, target)
        return {"quota_set": {**self.limits(target), "id": target}}

    def detail(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Show limits with use."""
        self._own(request, target)
        used = self.usage(target)
        both = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in self.limits(target).items()
        }
        return {"quota_set": {**both, "id": target}}

    def defaults(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Show the limits of a project without own ones."""
        return {"quota_set": {**self.limits(""), "id": target}}

    def update(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Set limits of a project."""
        own = self._state.quotas.get(target) or {"id": target}
        for name, value in request.body("quota_set").items():
            if name in ("force", "tenant_id", "id"):
                continue
            if name not in DEFAULTS:
                raise refusals.invalid_field(
                    "quota_set",
                    request.body("quota_set"),
                    "Additional properties are not allowed "
                    f"('{name}' was unexpected)",
                )
            own[name] = int(value)
        self._state.quotas.put(own)
        return {"quota_set": self.limits(target)}

    def delete(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Go back to the default limits (202)."""
        self._state.quotas.delete(target)
        return 202, None

    def limits_view(self, request: wsgi.Request) -> wsgi.Result:
        """Show ``/limits`` with use."""
        project = request.project_id or ""
        if request.is_admin:
            project = request.query.get("tenant_id", project)
        limits, used = self.limits(project), self.usage(project)
        absolute = {name: limits[key] for name, key in _LIMITS.items()}
        absolute["totalInstancesUsed"] = used["instances"]
        absolute["totalCoresUsed"] = used["cores"]
        absolute["totalRAMUsed"] = used["ram"]
        absolute["totalServerGroupsUsed"] = used["server_groups"]
        return {"limits": {"rate": [], "absolute": absolute}}

    def _own(self, request: wsgi.Request, target: str) -> None:
        if not (request.is_admin or target == request.project_id):
            raise refusals.forbidden("os-quota-sets:show")


def _joined(
    values: dict[str, int], names: collections.abc.Iterable[str]
) -> str:
    return ", ".join(str(values[name]) for name in names)
