# SPDX-License-Identifier: Apache-2.0
"""A server's ports: asked for, made, bound, let go.

Source: nova/network/neutron.py 34.0.0.
"""

import collections.abc
import typing

from protector.sandbox.cloud import errors, store, wsgi
from protector.sandbox.cloud.nova import refusals
from protector.sandbox.cloud.nova import state as states

OWNER = f"compute:{states.ZONE}"
Nic = dict[str, typing.Any]


class Networking:
    """What Nova does in Neutron for its servers.

    A NIC of a server's document: ``port_id`` (None until it is made),
    ``network_id``, ``fixed_ip``, ``tag``, ``created`` (by Nova, so that it
    goes when the server goes) and ``security_groups`` (names).
    """

    def __init__(self, state: states.State) -> None:
        self._state = state

    def requested(
        self, request: wsgi.Request, body: dict[str, typing.Any]
    ) -> list[Nic]:
        """Return the NICs that a creation asks for.

        :raises ApiError: Nova's refusals.
        """
        networks = body.get("networks")
        if networks is None and request.version >= (2, 37):
            raise refusals.invalid_field(
                "server", body, "'networks' is a required property"
            )
        if networks == "none":
            return []
        groups = [g["name"] for g in body.get("security_groups") or ()]
        if networks is None or networks == "auto" or networks == []:
            nics = self._automatic(request, networks == "auto")
        else:
            nics = [self._nic(request, item) for item in networks]
        for nic in nics:
            nic["security_groups"] = groups
        return nics

    def _automatic(self, request: wsgi.Request, auto: bool) -> list[Nic]:
        rows = self._state.neutron.networks_of(request.project_id or "")
        if len(rows) > 1:
            raise errors.Conflict(
                "More than one possible network found. Specify network ID(s) "
                "to select which one(s) to connect to."
            )
        if not rows and auto:
            raise errors.BadRequest(
                "Unable to automatically allocate a network for project "
                f"{request.project_id}"
            )
        return [_new_nic(network_id=row["id"]) for row in rows]

    def _nic(self, request: wsgi.Request, item: Nic) -> Nic:
        if item.get("port"):
            row = self.usable_port(request, item["port"])
            return _new_nic(
                port_id=row["id"],
                network_id=row["network_id"],
                tag=item.get("tag"),
            )
        key = str(item.get("uuid"))
        self.check_network(request, key)
        return _new_nic(
            network_id=key, fixed_ip=item.get("fixed_ip"), tag=item.get("tag")
        )

    def usable_port(self, request: wsgi.Request, key: str) -> store.Document:
        """Return a free port of the caller.

        :raises BadRequest: none, or without an address.
        :raises Conflict: it is in use.
        """
        row = self._state.cloud.store.table("ports").get(key)
        if row is None or not (
            request.is_admin or row["project_id"] == request.project_id
        ):
            raise errors.BadRequest(f"Port id {key} could not be found.")
        if row["device_id"]:
            raise errors.Conflict(f"Port {key} is still in use.")
        if not row["fixed_ips"]:
            raise errors.BadRequest(
                f"Port {key} requires a FixedIP in order to be used."
            )
        return row

    def check_network(self, request: wsgi.Request, key: str) -> None:
        """Refuse a network that the caller cannot use.

        :raises BadRequest: none, or without a subnet.
        :raises Forbidden: external.
        """
        row = self._state.cloud.store.table("networks").get(key)
        if row is None or not (
            request.is_admin
            or row["shared"]
            or row["router:external"]
            or row["project_id"] == request.project_id
        ):
            raise errors.BadRequest(f"Network {key} could not be found.")
        if row["router:external"] and not request.is_admin:
            raise errors.Forbidden(
                "It is not allowed to create an interface on external network "
                f"{key}"
            )

    def check_groups(
        self, request: wsgi.Request, names: collections.abc.Iterable[str]
    ) -> None:
        """Refuse unknown security groups.

        :raises BadRequest: Nova's text.
        """
        for name in names:
            if name == "default":
                continue
            if self._group(request.project_id or "", name) is None:
                raise errors.BadRequest(
                    f"Security group {name} not found for project "
                    f"{request.project_id}."
                )

    def allocate(self, row: store.Document) -> None:
        """Make and bind the ports of a server being built.

        Writes each port into the server's document as soon as it exists.

        :raises ApiError: Neutron refused.
        """
        for nic in row["ports"]:
            with self._state.lock:
                if nic["port_id"] is None:
                    port = self._create(row, nic)
                    nic["port_id"], nic["created"] = port["id"], True
                    self._state.touch(row["id"], ports=row["ports"])
            self.bind(row, nic)

    def _create(self, row: store.Document, nic: Nic) -> store.Document:
        body: dict[str, typing.Any] = {
            "network_id": nic["network_id"],
            "device_id": row["id"],
            "device_owner": OWNER,
        }
        if nic["fixed_ip"]:
            body["fixed_ips"] = [{"ip_address": nic["fixed_ip"]}]
        if nic["security_groups"]:
            body["security_groups"] = self._group_ids(row, nic)
        return self._state.neutron.create_port(row["project_id"], body)

    def bind(self, row: store.Document, nic: Nic) -> None:
        """Bind one port to the server's host: ACTIVE.

        :raises NotFound: the port is gone.
        """
        self._state.neutron.bind_port(
            nic["port_id"], row["id"], OWNER, self._state.host
        )

    def bind_all(self, row: store.Document) -> None:
        """Bind all ports; a port that is gone is left out."""
        for nic in row["ports"]:
            try:
                self.bind(row, nic)
            except errors.NotFound:
                continue

    def unplug_all(self, row: store.Document) -> None:
        """Take the ports from the host: DOWN, but still the server's."""
        for nic in row["ports"]:
            try:
                self._state.neutron.unbind_port(
                    nic["port_id"], keep_device=True
                )
            except errors.NotFound:
                continue

    def release(self, nic: Nic) -> None:
        """Delete a port that Nova made; free one that was given."""
        if nic["port_id"] is None:
            return
        if nic["created"]:
            self._state.neutron.delete_port(nic["port_id"])
            return
        try:
            self._state.neutron.unbind_port(nic["port_id"])
        except errors.NotFound:
            return

    def attach(
        self, request: wsgi.Request, row: store.Document, body: Nic
    ) -> Nic:
        """Add a NIC to a running or stopped server; return it.

        :raises ApiError: Nova's or Neutron's refusals.
        """
        if body.get("port_id"):
            nic = self._nic(request, {"port": body["port_id"]})
        else:
            fixed = body.get("fixed_ips") or [{}]
            key = body.get("net_id") or self._only_network(request)
            nic = self._nic(
                request,
                {"uuid": key, "fixed_ip": fixed[0].get("ip_address")},
            )
        nic["tag"] = body.get("tag")
        if nic["port_id"] is None:
            port = self._create(row, nic)
            nic["port_id"], nic["created"] = port["id"], True
        self.bind(row, nic)
        return nic

    def _only_network(self, request: wsgi.Request) -> str:
        nics = self._automatic(request, auto=False)
        if not nics:
            raise errors.BadRequest(
                "No specific network was requested and none are available "
                f"for project '{request.project_id}'."
            )
        return nics[0]["network_id"]

    def _group_ids(self, row: store.Document, nic: Nic) -> list[str]:
        project, neutron = row["project_id"], self._state.neutron
        ids = []
        for name in nic["security_groups"]:
            found = self._group(project, name)
            if found is None and name == "default":
                found = neutron.security_groups.default(project)
            if found is not None:
                ids.append(found["id"])
        return ids

    def _group(self, project_id: str, key: str) -> store.Document | None:
        table = self._state.cloud.store.table("security_groups")
        return table.first(
            lambda row: (
                row["project_id"] == project_id
                and key in (row["name"], row["id"])
            )
        )


def _new_nic(
    network_id: str,
    port_id: str | None = None,
    fixed_ip: str | None = None,
    tag: str | None = None,
) -> Nic:
    return {
        "port_id": port_id,
        "network_id": network_id,
        "fixed_ip": fixed_ip,
        "tag": tag,
        "created": False,
        "security_groups": [],
    }
