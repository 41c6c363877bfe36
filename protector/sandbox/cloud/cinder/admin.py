# SPDX-License-Identifier: Apache-2.0
"""Versions, pools, services and availability zones."""

import collections.abc
import typing

from protector.sandbox.cloud import microversions, wsgi
from protector.sandbox.cloud.cinder import scheduler, views
from protector.sandbox.cloud.cinder import state as states

MINIMUM, MAXIMUM = "3.0", "3.71"


class Admin:
    """What is not about one volume."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes that need a project."""
        pools = "scheduler_extension:scheduler_stats:get_pools"
        services = "volume_extension:services:index"
        return [
            ("GET", "/scheduler-stats/get_pools", self.pools, "admin", pools),
            ("GET", "/os-services", self.services, "admin", services),
            ("GET", "/os-availability-zone", self.zones, "reader"),
            ("GET", "/extensions", self.extensions, "reader"),
        ]

    def version_routes(
        self,
    ) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes of version discovery."""
        return [
            ("GET", "/", self.versions, "public"),
            ("GET", "/v3", self.version, "public"),
        ]

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """List the versions (300, as the real one)."""
        return 300, {"versions": [self._version(request)]}

    def version(self, request: wsgi.Request) -> wsgi.Result:
        """Show v3."""
        return {"versions": [self._version(request)]}

    def pools(self, request: wsgi.Request) -> wsgi.Result:
        """List the one pool."""
        pool: dict[str, typing.Any] = {"name": self._state.pool}
        if views.is_true(request.query.get("detail", "")):
            pool["capabilities"] = scheduler.capabilities(self._state)
        return {"pools": [pool]}

    def services(self, request: wsgi.Request) -> wsgi.Result:
        """List scheduler and volume service."""
        wanted = request.query.get("binary")
        rows = [
            self._service("cinder-scheduler", self._state.cloud.site),
            {
                **self._service("cinder-volume", self._state.service_host),
                "replication_status": "enabled"
                if self._state.driver.replicates
                else "disabled",
                "active_backend_id": None,
                "frozen": False,
            },
        ]
        if request.version >= (3, 49):
            rows[1]["backend_state"] = "up"
        rows = [row for row in rows if wanted in (None, row["binary"])]
        return {"services": rows}

    def zones(self, request: wsgi.Request) -> wsgi.Result:
        """List the one availability zone."""
        zone = {"zoneName": states.ZONE, "zoneState": {"available": True}}
        return {"availabilityZoneInfo": [zone]}

    def extensions(self, request: wsgi.Request) -> wsgi.Result:
        """List extensions: the clients only look whether it answers."""
        return {"extensions": []}

    def _service(self, binary: str, host: str) -> dict[str, typing.Any]:
        return {
            "binary": binary,
            "host": host,
            "zone": states.ZONE,
            "status": "enabled",
            "state": "up",
            "updated_at": self._state.now(),
            "disabled_reason": None,
        }

    def _version(self, request: wsgi.Request) -> dict[str, typing.Any]:
        media = "application/vnd.openstack.volume+json;version=3"
        return {
            "id": "v3.0",
            "status": "CURRENT",
            "version": MAXIMUM,
            "min_version": MINIMUM,
            "updated": "2025-11-13T00:00:00Z",
            "links": [
                {
                    "rel": "describedby",
                    "type": "text/html",
                    "href": "https://docs.openstack.org/",
                },
                {"rel": "self", "href": f"{request.base}/v3/"},
            ],
            "media-types": [{"base": "application/json", "type": media}],
        }


def range_of_versions() -> microversions.Microversions:
    """Return the microversions that Cinder speaks."""
    return microversions.Microversions("volume", MINIMUM, MAXIMUM)
