# SPDX-License-Identifier: Apache-2.0
"""Versions, zones, services and the hypervisor."""

import collections.abc
import typing
import uuid

from protector.sandbox.cloud import errors, microversions, wsgi
from protector.sandbox.cloud.nova import state as states

MINIMUM, MAXIMUM = "2.1", "2.96"
HEADER = "X-OpenStack-Nova-API-Version"
_SERVICES = uuid.UUID("0d1f8a5e-9c0b-4f0e-8f2b-4a3b6c7d8e9f")
VCPUS, RAM_MIB, DISK_GIB = 64, 131072, 1000


def node_id(host: str) -> str:
    """Return the node's id, which Placement uses too."""
    return str(uuid.uuid5(_SERVICES, host))


class Admin:
    """What is not about one server."""

    def __init__(self, state: states.State) -> None:
        self._state = state

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes that need a token."""
        zones = "/os-availability-zone"
        nodes = "/os-hypervisors"
        see = "os_compute_api:os-"
        return [
            ("GET", zones, self.zones, "reader"),
            (
                "GET",
                f"{zones}/detail",
                self.zones_detail,
                "admin",
                f"{see}availability-zone:detail",
            ),
            (
                "GET",
                "/os-services",
                self.services,
                "admin",
                f"{see}services:list",
            ),
            ("GET", nodes, self.nodes, "admin", f"{see}hypervisors:list"),
            (
                "GET",
                f"{nodes}/detail",
                self.nodes_detail,
                "admin",
                f"{see}hypervisors:list-detail",
            ),
            (
                "GET",
                f"{nodes}/<node>",
                self.node,
                "admin",
                f"{see}hypervisors:show",
            ),
            ("GET", "/extensions", self.extensions, "reader"),
        ]

    def version_routes(
        self,
    ) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes of version discovery."""
        return [
            ("GET", "/", self.versions, "public"),
            ("GET", "/v2.1", self.version, "public"),
        ]

    def microversions(self) -> microversions.Microversions:
        """Return the range now: the setting ``compute_max_version``."""
        highest = self._state.cloud.settings.get("compute_max_version")
        return microversions.Microversions(
            "compute", MINIMUM, highest or MAXIMUM, HEADER
        )

    def versions(self, request: wsgi.Request) -> wsgi.Result:
        """List the versions."""
        return {"versions": [self._version(request)]}

    def version(self, request: wsgi.Request) -> wsgi.Result:
        """Show v2.1."""
        return {"version": self._version(request)}

    def zones(self, request: wsgi.Request) -> wsgi.Result:
        """List the one zone."""
        return {"availabilityZoneInfo": [_zone(None)]}

    def zones_detail(self, request: wsgi.Request) -> wsgi.Result:
        """List the one zone with its host."""
        service = {"available": True, "active": True}
        service["updated_at"] = self._state.cloud.clock.micro()
        hosts = {self._state.host: {"nova-compute": service}}
        return {"availabilityZoneInfo": [_zone(hosts)]}

    def services(self, request: wsgi.Request) -> wsgi.Result:
        """List conductor, scheduler and compute."""
        site, host = self._state.cloud.site, self._state.host
        down = bool(self._state.cloud.settings.get("compute_down"))
        wanted = request.query.get("binary")
        rows = [
            self._service(binary, site, "internal", False)
            for binary in ("nova-conductor", "nova-scheduler")
        ]
        rows.append(self._service("nova-compute", host, states.ZONE, down))
        return {"services": [r for r in rows if wanted in (None, r["binary"])]}

    def nodes(self, request: wsgi.Request) -> wsgi.Result:
        """List the hypervisor."""
        keys = ("id", "hypervisor_hostname", "state", "status")
        full = self._node(request)
        return {"hypervisors": [{key: full[key] for key in keys}]}

    def nodes_detail(self, request: wsgi.Request) -> wsgi.Result:
        """List the hypervisor with details."""
        return {"hypervisors": [self._node(request)]}

    def node(self, request: wsgi.Request, node: str) -> wsgi.Result:
        """Show the hypervisor."""
        full = self._node(request)
        if node != str(full["id"]):
            raise errors.NotFound(
                f"Hypervisor with ID '{node}' could not be found."
            )
        return {"hypervisor": full}

    def extensions(self, request: wsgi.Request) -> wsgi.Result:
        """List extensions: the clients only look whether it answers."""
        return {"extensions": []}

    def _service(
        self, binary: str, host: str, zone: str, down: bool
    ) -> dict[str, typing.Any]:
        return {
            "id": self._id(f"{binary}@{host}"),
            "binary": binary,
            "host": host,
            "zone": zone,
            "status": "enabled",
            "state": "down" if down else "up",
            "updated_at": self._state.cloud.clock.micro(),
            "disabled_reason": None,
            "forced_down": False,
        }

    def _node(self, request: wsgi.Request) -> dict[str, typing.Any]:
        host = self._state.host
        running = self._state.servers.list(host=host)
        down = bool(self._state.cloud.settings.get("compute_down"))
        node: dict[str, typing.Any] = {
            "id": node_id(host) if request.version >= (2, 53) else 1,
            "hypervisor_hostname": host,
            "hypervisor_type": "QEMU",
            "hypervisor_version": 7002000,
            "host_ip": self._state.cloud.address,
            "state": "down" if down else "up",
            "status": "enabled",
            "service": {
                "id": self._id(f"nova-compute@{host}"),
                "host": host,
                "disabled_reason": None,
            },
        }
        if request.version < (2, 88):
            node["running_vms"] = len(running)
            node["vcpus"] = VCPUS
            node["vcpus_used"] = sum(r["flavor"]["vcpus"] for r in running)
            node["memory_mb"] = RAM_MIB
            node["memory_mb_used"] = sum(r["flavor"]["ram"] for r in running)
            node["local_gb"] = DISK_GIB
            node["local_gb_used"] = 0
        return node

    def _id(self, text: str) -> str:
        return str(uuid.uuid5(_SERVICES, text))

    def _version(self, request: wsgi.Request) -> dict[str, typing.Any]:
        known = self.microversions()
        media = "application/vnd.openstack.compute+json;version=2.1"
        return {
            "id": "v2.1",
            "status": "CURRENT",
            "version": microversions.render(known.maximum),
            "min_version": microversions.render(known.minimum),
            "updated": "2013-07-23T11:33:21Z",
            "links": [{"rel": "self", "href": f"{request.base}/v2.1/"}],
            "media-types": [{"base": "application/json", "type": media}],
        }


def _zone(hosts: dict[str, typing.Any] | None) -> dict[str, typing.Any]:
    return {
        "zoneName": states.ZONE,
        "zoneState": {"available": True},
        "hosts": hosts,
    }
