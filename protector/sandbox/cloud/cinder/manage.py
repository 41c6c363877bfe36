# SPDX-License-Identifier: Apache-2.0
"""``/os-volume-manage`` and ``/manageable_volumes``.

Source: cinder/api/contrib/volume_manage.py 29.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, wsgi
from protector.sandbox.cloud.cinder import (
    driver,
    names,
    quotas,
    refusals,
    views,
    volumes,
)
from protector.sandbox.cloud.cinder import state as states


class Manage:
    """Taking array volumes over."""

    def __init__(
        self,
        state: states.State,
        limits: quotas.Quotas,
        api: volumes.Volumes,
    ) -> None:
        self._state = state
        self._quotas = limits
        self._volumes = api

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes of both forms."""
        rule = "volume_extension:volume_manage"
        see = "volume_extension:list_manageable"
        routes: list[tuple[typing.Any, ...]] = []
        for top, since in (
            ("/os-volume-manage", (None, None)),
            ("/manageable_volumes", ("3.8", None)),
        ):
            routes += [
                ("POST", top, self.manage, "admin", rule, since),
                ("GET", top, self.index, "admin", see, since),
                ("GET", f"{top}/detail", self.detail, "admin", see, since),
            ]
        return routes

    def manage(self, request: wsgi.Request) -> wsgi.Result:
        """Take a volume over into the caller's project (202).

        Whether the reference is any good shows later, in the status.
        """
        body = request.body("volume")
        self._host(body.get("host"))
        reference = body.get("ref")
        if not isinstance(reference, dict):
            raise errors.BadRequest("'ref' is a required property")
        kind = self._kind(body)
        state = self._state
        with state.lock:
            self._quotas.check(
                request.project_id or "", kind["id"], volumes=1, gigabytes=0
            )
            row = self._volumes.creator.new_row(request, body, 0, kind)
            row["status"] = "managing"
            row["host"] = state.pool
            row["bootable"] = views.is_true(body.get("bootable", False))
            state.volumes.put(row)
            state.cloud.tasks.start(
                "volume.manage",
                {"id": row["id"], "reference": reference},
                key=row["id"],
            )
        return 202, {"volume": views.volume(state, request, row)}

    def index(self, request: wsgi.Request) -> wsgi.Result:
        """List array volumes: reference, size, safe_to_manage."""
        rows = self._list(request)
        keys = ("reference", "size", "safe_to_manage")
        short = [{key: row[key] for key in keys} for row in rows]
        return {"manageable-volumes": short}

    def detail(self, request: wsgi.Request) -> wsgi.Result:
        """List array volumes with the reasons."""
        return {"manageable-volumes": self._list(request)}

    def _list(self, request: wsgi.Request) -> list[dict[str, typing.Any]]:
        self._host(request.query.get("host"))
        known = {
            names.volume(row): row["id"] for row in self._state.volumes.list()
        }
        try:
            found = self._state.driver.list_volumes()
            connected = self._state.driver.connected()
            pods = self._state.driver.replicated_pods()
        except driver.DriverError as error:
            raise errors.ServerError(str(error)) from error
        return [
            _manageable(item, known.get(item["name"]), connected, pods)
            for item in found
        ]

    def _kind(self, body: dict[str, typing.Any]) -> dict[str, typing.Any]:
        asked = body.get("volume_type")
        try:
            return self._state.volume_type(asked or "__DEFAULT__")
        except errors.NotFound:
            raise errors.BadRequest(
                f"Invalid volume type: Cannot find requested '{asked}' "
                "volume type"
            ) from None

    def _host(self, host: str | None) -> None:
        if not host:
            raise refusals.invalid_input(
                "One and only one of cluster and host must be set."
            )
        if host not in (self._state.pool, self._state.service_host):
            raise errors.BadRequest(f"Host '{host}' not found")


def _manageable(
    item: dict[str, typing.Any],
    cinder_id: str | None,
    connected: set[str],
    pods: set[str],
) -> dict[str, typing.Any]:
    name = item["name"]
    reasons = []
    if name in connected:
        reasons.append("Volume connected to host")
    if cinder_id:
        reasons.append("Volume already managed")
    if name.rpartition("::")[0] in pods:
        reasons.append("Volume is in a Replicated Pod")
    return {
        "reference": {"name": name},
        "size": -(-item["size"] // driver.GIB),
        "safe_to_manage": not reasons,
        "reason_not_safe": " && ".join(reasons) or None,
        "cinder_id": cinder_id,
        "extra_info": None,
    }
