# SPDX-License-Identifier: Apache-2.0
"""What there is on the clouds and arrays, in a form that can be compared.

Servers are read through the tenant's SDK; what remains is read from the
emulators' own inventories, which show what no API would.
"""

import dataclasses
import json
from typing import Any

from openstack import connection
import requests

from protector.sandbox import connect, guests
from protector.sandbox import layout as layouts

Json = dict[str, Any]
Inventory = dict[str, dict[str, Json]]

TABLES = (
    "compute.servers",
    "compute.keypairs",
    "compute.server_groups",
    "volume.volumes",
    "volume.snapshots",
    "volume.groups",
    "volume.group_snapshots",
    "ports",
    "floatingips",
    "networks",
    "subnets",
    "security_groups",
    "security_group_rules",
    "images",
)
"""What a tenant can have."""
MARK = "protector"
SHARED_GROUP = "cinder-group"
"""Cinder's Pure driver makes it on each array it starts on."""


@dataclasses.dataclass(frozen=True)
class Server:
    """A server as its tenant sees it.

    :ivar volumes: (device, volume id, volume name) by device.
    :ivar ports: (port id, MAC, fixed addresses) by port id.
    """

    id: str
    name: str
    status: str
    flavor: str
    key_name: str | None
    description: str
    metadata: tuple[tuple[str, str], ...]
    volumes: tuple[tuple[str, str, str], ...]
    ports: tuple[tuple[str, str, tuple[str, ...]], ...]
    floating_ips: tuple[str, ...]
    locked: bool

    @property
    def disks(self) -> list[guests.Disk]:
        """Its volumes, known by their names, which move with them."""
        return [
            guests.Disk(name, self.id, volume_id)
            for _device, volume_id, name in self.volumes
        ]


def server(cloud: connection.Connection, server_id: str) -> Server:
    """Read one server.

    :raises openstack.exceptions.NotFoundException: there is none.
    """
    row = cloud.compute.get_server(server_id)
    ports = list(cloud.network.ports(device_id=server_id))
    return Server(
        id=row.id,
        name=row.name,
        status=row.status,
        flavor=row.flavor.original_name or row.flavor.name,
        key_name=row.key_name,
        description=row.description or "",
        metadata=tuple(sorted(row.metadata.items())),
        volumes=_volumes(cloud, server_id),
        ports=tuple(
            sorted((p.id, p.mac_address, _addresses(p)) for p in ports)
        ),
        floating_ips=tuple(
            sorted(
                ip.floating_ip_address
                for port in ports
                for ip in cloud.network.ips(port_id=port.id)
            )
        ),
        locked=bool(row.is_locked),
    )


def _volumes(
    cloud: connection.Connection, server_id: str
) -> tuple[tuple[str, str, str], ...]:
    rows = cloud.compute.volume_attachments(server_id)
    return tuple(
        sorted(
            (
                # none, of one attached to a parked server
                row.device or "",
                row.volume_id,
                cloud.block_storage.get_volume(row.volume_id).name,
            )
            for row in rows
        )
    )


def _addresses(port: Any) -> tuple[str, ...]:
    return tuple(sorted(ip["ip_address"] for ip in port.fixed_ips))


def cloud_inventory(site: layouts.Site) -> Inventory:
    """What tenants have on a cloud: documents by table and id.

    Default security groups are left out: Neutron makes one for a project
    that is looked at, and keeps it.
    """
    answer = requests.get(
        f"{site.cloud_url}/control/inventory", timeout=connect.TIMEOUT
    )
    answer.raise_for_status()
    content = answer.json()
    defaults = {
        row["id"] for row in content["security_groups"] if row["is_default"]
    }
    found: Inventory = {}
    for table in TABLES:
        found[table] = {
            row["id"]: row
            for row in content.get(table, [])
            if row["id"] not in defaults
            and row.get("security_group_id") not in defaults
        }
    return found


def array_inventory(site: layouts.Site) -> tuple[Inventory, int]:
    """What is on an array, by kind and name, and how many destroyed objects
    only wait for their eradication."""
    content = connect.control(site, "GET", "inventory")
    destroyed = 0
    found: Inventory = {}
    for kind in ("volumes", "snapshots", "pgroups", "pgroup_snapshots"):
        live = [row for row in content[kind] if not row["destroyed"]]
        destroyed += len(content[kind]) - len(live)
        # only the names: what a volume was copied from stays in its row
        found[kind] = {
            row["name"]: {} for row in live if row["name"] != SHARED_GROUP
        }
    return found, destroyed


def remainder(before: Inventory, after: Inventory) -> list[str]:
    """What came, what went, and what carries a mark: ``kind name (id)``."""
    found = []
    for table, rows in after.items():
        old = before[table]
        for key, row in rows.items():
            if key not in old:
                found.append(f"new in {table}: {_named(key, row)}")
            elif MARK in json.dumps(row) and MARK not in json.dumps(old[key]):
                found.append(f"marked in {table}: {_named(key, row)}")
        for key in old.keys() - rows.keys():
            found.append(f"gone from {table}: {_named(key, old[key])}")
    return found


def _named(key: str, row: Json) -> str:
    name = row.get("name")
    return f"{name} ({key})" if name and name != key else key
