# SPDX-License-Identifier: Apache-2.0
"""``/servers/<id>/os-interface``.

Source: nova/api/openstack/compute/attach_interfaces.py 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import (
    instance_actions,
    networking,
    states,
    views,
)
from protector.sandbox.cloud.nova import state as state_module

_ALLOWED = (states.ACTIVE, states.PAUSED, states.STOPPED)


class Interfaces:
    """The NICs of a server, one by one."""

    def __init__(
        self,
        state: state_module.State,
        actions: instance_actions.InstanceActions,
        networks: networking.Networking,
    ) -> None:
        self._state = state
        self._actions = actions
        self._networks = networks

    def routes(self) -> collections.abc.Iterable[tuple[typing.Any, ...]]:
        """Return the routes."""
        top = "/servers/<server_id>/os-interface"
        return [
            ("GET", top, self.index, "reader"),
            ("POST", top, self.attach, "member"),
            ("GET", f"{top}/<port_id>", self.show, "reader"),
            ("DELETE", f"{top}/<port_id>", self.detach, "member"),
        ]

    def index(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """List the NICs."""
        row = self._state.server(request, server_id)
        ports = views.ports_of(self._state, row)
        return {
            "interfaceAttachments": [_view(request, row, p) for p in ports]
        }

    def show(
        self, request: wsgi.Request, server_id: str, port_id: str
    ) -> wsgi.Result:
        """Show one NIC."""
        row = self._state.server(request, server_id)
        port = self._port(row, port_id)
        return {"interfaceAttachment": _view(request, row, port)}

    def attach(self, request: wsgi.Request, server_id: str) -> wsgi.Result:
        """Add a NIC."""
        body = request.json().get("interfaceAttachment") or {}
        if body.get("net_id") and body.get("port_id"):
            raise errors.BadRequest(
                "Must not input both network_id and port_id"
            )
        if body.get("fixed_ips") and not body.get("net_id"):
            raise errors.BadRequest(
                "Must input network_id when request IP address"
            )
        with self._state.lock:
            row = self._state.server(request, server_id)
            state_module.check_lock(request, row)
            state_module.check_state("attach_interface", row, _ALLOWED)
            nic = self._networks.attach(request, row, body)
            row["ports"].append(nic)
            row = self._state.touch(row["id"], ports=row["ports"])
            action = self._actions.start(
                request, row["id"], "attach_interface"
            )
            self._actions.event(row["id"], action, "compute_attach_interface")
        port = self._port(row, nic["port_id"])
        return {"interfaceAttachment": _view(request, row, port)}

    def detach(
        self, request: wsgi.Request, server_id: str, port_id: str
    ) -> wsgi.Result:
        """Remove a NIC; its port is deleted (202)."""
        with self._state.lock:
            row = self._state.server(request, server_id)
            self._port(row, port_id)
            state_module.check_lock(request, row)
            state_module.check_state("detach_interface", row, _ALLOWED)
            for nic in row["ports"]:
                if nic["port_id"] == port_id:
                    self._networks.release(nic)
            left = [n for n in row["ports"] if n["port_id"] != port_id]
            self._state.touch(row["id"], ports=left)
            action = self._actions.start(
                request, row["id"], "detach_interface"
            )
            self._actions.event(row["id"], action, "compute_detach_interface")
        return 202, None

    def _port(self, row: store.Document, port_id: str) -> store.Document:
        for port in views.ports_of(self._state, row):
            if port["id"] == port_id:
                return port
        raise errors.NotFound(
            f"Instance {row['id']} does not have a port with id {port_id}"
        )


def _view(
    request: wsgi.Request, row: store.Document, port: store.Document
) -> dict[str, typing.Any]:
    view = {
        "net_id": port["network_id"],
        "port_id": port["id"],
        "mac_addr": port["mac_address"],
        "port_state": port["status"],
        "fixed_ips": port["fixed_ips"],
    }
    if request.version >= (2, 70):
        tags = {n["port_id"]: n["tag"] for n in row["ports"]}
        view["tag"] = tags.get(port["id"])
    return view
