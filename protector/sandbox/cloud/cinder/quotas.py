# SPDX-License-Identifier: Apache-2.0
"""Count what a project uses in Cinder, and refuse what is over its quota.

Source of texts and order: cinder/quota_utils.py, cinder/exception.py.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.cinder import refusals
from protector.sandbox.cloud.cinder import state as states

DEFAULTS = {
    "volumes": 100,
    "per_volume_gigabytes": -1,
    "snapshots": 100,
    "gigabytes": 1000,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}
"""Cinder's own, but for volumes and snapshots (10): an operator whose site
also holds the copies of another site raises these two."""
_PER_TYPE = ("volumes", "gigabytes", "snapshots")
_ABSOLUTE = {
    "maxTotalVolumes": "volumes",
    "maxTotalVolumeGigabytes": "gigabytes",
    "maxTotalSnapshots": "snapshots",
    "maxTotalBackups": "backups",
    "maxTotalBackupGigabytes": "backup_gigabytes",
}
_USED = {
    "totalVolumesUsed": "volumes",
    "totalGigabytesUsed": "gigabytes",
    "totalSnapshotsUsed": "snapshots",
    "totalBackupsUsed": "backups",
    "totalBackupGigabytesUsed": "backup_gigabytes",
}


class Quotas:
    """Limits, use, and ``os-quota-sets`` and ``limits``."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes of quota sets and limits."""
        sets = "/os-quota-sets/<target>"
        show = "volume_extension:quotas:show"
        return [
            ("GET", sets, self.show, "reader", show),
            ("GET", f"{sets}/defaults", self.defaults, "reader", show),
            ("PUT", sets, self.update, "admin", _named("update")),
            ("DELETE", sets, self.delete, "admin", _named("delete")),
            ("GET", "/limits", self.limits_view, "reader"),
        ]

    def limits(self, project_id: str) -> dict[str, int]:
        """Return every limit of a project; -1 means none."""
        state = self._state
        limits: dict[str, int] = dict(DEFAULTS)
        for row in state.types.list():
            limits.update({f"{key}_{row['name']}": -1 for key in _PER_TYPE})
        limits.update(state.cloud.settings.of("quotas", "volume") or {})
        own = state.quotas.get(project_id) or {}
        limits.update({k: v for k, v in own.items() if k != "id"})
        return limits

    def usage(self, project_id: str) -> dict[str, int]:
        """Return what a project uses, the per-type counts included."""
        state = self._state
        used = dict.fromkeys(self.limits(project_id), 0)
        names = {row["id"]: row["name"] for row in state.types.list()}
        for row in state.volumes.list(project_id=project_id):
            kind = names.get(row["volume_type_id"])
            _add(used, "volumes", kind, 1)
            _add(used, "gigabytes", kind, row["size"])
        for row in state.snapshots.list(project_id=project_id):
            kind = names.get(row["volume_type_id"])
            _add(used, "snapshots", kind, 1)
            _add(used, "gigabytes", kind, row["volume_size"])
        used["groups"] = state.groups.count(project_id=project_id)
        return used

    def check(
        self,
        project_id: str,
        type_id: str | None,
        **asked: int,
    ) -> None:
        """Refuse what would be over the quota.

        :param type_id: the volume type, for the quotas of one type.
        :param asked: ``volumes``, ``gigabytes``, ``snapshots``, ``groups``.
        :raises OverLimit: 413 with Cinder's text.
        """
        limits, used = self.limits(project_id), self.usage(project_id)
        row = self._state.types.get(type_id) if type_id else None
        wanted = dict(asked)
        if row is not None:
            wanted.update(
                {
                    f"{key}_{row['name']}": amount
                    for key, amount in asked.items()
                    if key in _PER_TYPE
                }
            )
        for name in sorted(wanted):
            limit = limits.get(name, -1)
            if limit >= 0 and used.get(name, 0) + wanted[name] > limit:
                raise _refusal(name, limit, used.get(name, 0), wanted[name])

    def show(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Show limits, or limits with use (``usage=True``)."""
        if not (request.is_admin or target == request.project_id):
            raise refusals.forbidden(_named("show"))
        limits = self.limits(target)
        if request.query.get("usage", "").lower() not in ("true", "1"):
            return {"quota_set": {**limits, "id": target}}
        used = self.usage(target)
        both = {
            name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
            for name, limit in limits.items()
        }
        return {"quota_set": {**both, "id": target}}

    def defaults(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Show the limits of a project without own ones."""
        return {"quota_set": {**self.limits(""), "id": target}}

    def update(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Set limits of a project."""
        changes = request.body("quota_set")
        limits = self.limits(target)
        own = self._state.quotas.get(target) or {"id": target}
        for name, value in changes.items():
            if name in ("tenant_id", "id", "force", "skip_validation"):
                continue
            if name not in limits:
                raise refusals.invalid_input(
                    f"Bad key(s) in quota set: {name}"
                )
            own[name] = _limit(name, value)
        self._state.quotas.put(own)
        return {"quota_set": self.limits(target)}

    def delete(self, request: wsgi.Request, target: str) -> wsgi.Result:
        """Go back to the default limits."""
        self._state.quotas.delete(target)
        return 200, None

    def limits_view(self, request: wsgi.Request) -> wsgi.Result:
        """Show ``/limits`` with the use of the caller's project."""
        project = request.project_id or ""
        if request.is_admin and request.version >= (3, 39):
            project = request.query.get("project_id", project)
        limits, used = self.limits(project), self.usage(project)
        absolute = {name: limits[key] for name, key in _ABSOLUTE.items()}
        absolute.update({name: used[key] for name, key in _USED.items()})
        return {"limits": {"rate": [], "absolute": absolute}}


def _named(action: str) -> str:
    return f"volume_extension:quotas:{action}"


def _add(used: store.Document, name: str, kind: str | None, n: int) -> None:
    used[name] += n
    if kind is not None:
        used[f"{name}_{kind}"] = used.get(f"{name}_{kind}", 0) + n


def _limit(name: str, value: object) -> int:
    try:
        limit = int(str(value))
    except ValueError:
        limit = -2
    if limit < -1:
        raise refusals.invalid_input(
            f"Invalid input for field/attribute {name}. Value: {value}."
        )
    return limit


def _refusal(name: str, limit: int, used: int, asked: int) -> errors.ApiError:
    if "gigabytes" in name:
        return refusals.over_limit(
            "Requested volume or snapshot exceeds allowed "
            f"{name} quota. Requested {asked}G, quota is {limit}G and "
            f"{used}G has been consumed."
        )
    kind = name.split("_", 1)[0]
    text = f"Maximum number of {kind} allowed ({limit}) exceeded"
    if kind == "volumes":
        text += f" for quota '{name}'."
    return refusals.over_limit(text)
