# SPDX-License-Identifier: Apache-2.0
"""What a test sees of the tenant's servers at one site."""

import dataclasses

from openstack import connection


@dataclasses.dataclass(frozen=True)
class Seen:
    """A server as Nova, Neutron and Cinder show it.

    :ivar volumes: Cinder id by name.
    :ivar ports: by id: MAC and fixed addresses.
    """

    id: str
    name: str
    status: str
    locked: bool
    volumes: dict[str, str]
    ports: dict[str, tuple[str, ...]]

    @property
    def addresses(self) -> list[tuple[str, ...]]:
        """MAC and fixed addresses of each port, whichever port has them."""
        return sorted(self.ports.values())


def look(tenant: connection.Connection, server_id: str) -> Seen:
    """The server of that id."""
    server = tenant.compute.get_server(server_id)
    names = {
        row["id"]: tenant.block_storage.get_volume(row["id"]).name
        for row in server.attached_volumes
    }
    ports = tenant.network.ports(device_id=server_id)
    return Seen(
        id=server.id,
        name=server.name,
        status=server.status,
        locked=bool(server.is_locked),
        volumes={name: key for key, name in names.items()},
        ports={
            port.id: (
                port.mac_address,
                *sorted(ip["ip_address"] for ip in port.fixed_ips),
            )
            for port in ports
        },
    )


def named(tenant: connection.Connection, name: str) -> list[str]:
    """Ids of the servers of exactly that name."""
    return [row.id for row in tenant.compute.servers(name=f"^{name}$")]
