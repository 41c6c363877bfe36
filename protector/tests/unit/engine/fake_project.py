# SPDX-License-Identifier: Apache-2.0
"""A project of a cloud in memory, behind the methods of ``ProjectClients``.

It answers the values of ``clients.types`` and records each change.
"""

from collections.abc import Sequence
from typing import Any

from protector import exception
from protector.clients import types

Json = dict[str, Any]
# how the name of an action ends that did not come to a good end
FAILED = " failed"


def server(server_id: str = "s1", **values: Any) -> types.Server:
    given: Json = {
        "id": server_id,
        "name": f"name-{server_id}",
        "status": "ACTIVE",
        "task_state": None,
        "locked": False,
        "locked_reason": None,
        "project_id": "p-here",
        "user_id": "u1",
        "key_name": None,
        "metadata": {},
        "volume_ids": (),
        "root_device_name": "/dev/vda",
        "fault": None,
        "raw": {"flavor": dict(FLAVOR)},
    }
    return types.Server(**given | values)


def volume(volume_id: str, **values: Any) -> types.Volume:
    given: Json = {
        "id": volume_id,
        "name": f"name-{volume_id}",
        "status": "in-use",
        "size": 10,
        "volume_type": "gold",
        "bootable": False,
        "encrypted": False,
        "multiattach": False,
        "group_id": None,
        "host": "site-a@pure#pure",
        "provider_id": None,
        "metadata": {},
        "image_metadata": {},
        "server_ids": ("s1",),
        "raw": {"description": f"about {volume_id}"},
    }
    return types.Volume(**given | values)


def attachment(volume_id: str, device: str | None) -> types.Attachment:
    return types.Attachment("s1", volume_id, device, None, False)


def flavor(flavor_id: str, name: str, **values: Any) -> types.Flavor:
    given: Json = {
        "vcpus": 2,
        "ram": 1024,
        "disk": 0,
        "ephemeral": 0,
        "swap": 0,
        "extra_specs": {},
    }
    return types.Flavor(flavor_id, name, **given | values)


def port(port_id: str, **values: Any) -> types.Port:
    given: Json = {
        "id": port_id,
        "name": "",
        "network_id": "n1",
        "mac_address": "fa:16:3e:00:00:01",
        "fixed_ips": ({"subnet_id": "sub1", "ip_address": "10.0.0.7"},),
        "security_group_ids": (),
        "device_id": "s1",
        "status": "ACTIVE",
        "description": "",
        "raw": {},
    }
    return types.Port(**given | values)


# as Nova embeds it from microversion 2.47 on
FLAVOR: Json = {
    "original_name": "m1",
    "vcpus": 2,
    "ram": 1024,
    "disk": 0,
    "ephemeral": 0,
    "swap": 0,
    "extra_specs": {},
}


def actions(names: Sequence[str]) -> list[types.InstanceAction]:
    """Of a server: their requests are numbered from the first, which is the
    last of the names."""
    return [
        types.InstanceAction(
            name.removesuffix(FAILED),
            f"req-{len(names) - n}",
            "t",
            "Error" if name.endswith(FAILED) else None,
        )
        for n, name in enumerate(names)
    ]


def found(rows: dict[str, Any], key: str) -> Any:
    """:raises CloudNotFound: there is no such object."""
    if key not in rows:
        raise exception.CloudNotFound(f"there is no {key}")
    return rows[key]


class Compute:
    def __init__(self, changes: list[tuple[Any, ...]]) -> None:
        self.changes = changes
        self.servers: dict[str, types.Server] = {}
        self.attached: list[types.Attachment] = []
        self.known_flavors: list[types.Flavor] = [flavor("f1", "m1")]
        self.keys: dict[tuple[str, str], types.Keypair] = {}
        # names of the service user's
        self.own_keys: list[str] = []
        self.groups: dict[str, Json] = {}
        self.limits: list[types.Quota] = []
        self.zones: list[str] = []
        self.server_maximum = (2, 100)

    def get_server(self, server_id: str) -> types.Server:
        return found(self.servers, server_id)

    def attachments(self, server_id: str) -> list[types.Attachment]:
        return [a for a in self.attached if a.server_id == server_id]

    def flavors(self) -> list[types.Flavor]:
        return list(self.known_flavors)

    def flavor(self, flavor_id: str) -> types.Flavor:
        return found({f.id: f for f in self.known_flavors}, flavor_id)

    def keypair(self, name: str, user_id: str) -> types.Keypair:
        return found(self.keys, (name, user_id))  # type: ignore[arg-type]

    def keypairs(self) -> list[types.Keypair]:
        return [types.Keypair(n, "ssh", f"key {n}") for n in self.own_keys]

    def server_group(self, group_id: str) -> Json:
        return found(self.groups, group_id)

    def quotas(self) -> list[types.Quota]:
        return list(self.limits)

    def availability_zones(self) -> list[str]:
        return list(self.zones)

    def lock(self, server_id: str, reason: str) -> None:
        self.changes.append(("lock", server_id, reason))

    def unlock(self, server_id: str) -> None:
        self.changes.append(("unlock", server_id))

    def start(self, server_id: str) -> None:
        self.changes.append(("start", server_id))


class Volumes:
    def __init__(self) -> None:
        self.rows: dict[str, types.Volume] = {}
        self.limits: list[types.Quota] = []
        self.server_maximum = (3, 71)

    def get(self, volume_id: str) -> types.Volume:
        return found(self.rows, volume_id)

    def list(self, ids: set[str]) -> Any:
        return [v for k, v in self.rows.items() if k in ids]

    def quotas(self) -> Any:
        return self.limits


class Network:
    def __init__(self) -> None:
        self.known_networks: list[Json] = [{"id": "n1", "name": "net"}]
        self.known_subnets: list[Json] = [
            {
                "id": "sub1",
                "name": "sub",
                "network_id": "n1",
                "cidr": "10.0.0.0/24",
            }
        ]
        self.known_ports: list[types.Port] = []
        self.groups: dict[str, Json] = {}
        self.floating: list[Json] = []
        self.limits: list[types.Quota] = []

    def networks(self) -> list[Json]:
        return list(self.known_networks)

    def subnets(self, **filters: str) -> list[Json]:
        return [s for s in self.known_subnets if filters.items() <= s.items()]

    def ports(self, **filters: Any) -> list[types.Port]:
        return [p for p in self.known_ports if _passes(p, filters)]

    def quotas(self) -> list[types.Quota]:
        return list(self.limits)

    def security_groups(self) -> list[Json]:
        return list(self.groups.values())

    def security_group(self, group_id: str) -> Json:
        return found(self.groups, group_id)

    def floating_ips(self, port_id: str) -> list[Json]:
        return [f for f in self.floating if f["port_id"] == port_id]


def _passes(port: types.Port, filters: Json) -> bool:
    """As Neutron filters: any of the values of a list."""
    for key, wanted in filters.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if key == "fixed_ips":
            has = {f"ip_address={ip['ip_address']}" for ip in port.fixed_ips}
        else:
            has = {getattr(port, key)}
        if not has & set(values):
            return False
    return True


class Identity:
    def __init__(self) -> None:
        self.roles = ["admin", "member"]

    def check(self) -> Json:
        return {"user_id": "u", "project_id": "p", "roles": self.roles}


class Placement:
    """``hosts``: what is free at each; those that fit are candidates."""

    def __init__(self) -> None:
        self.hosts = {"host": {"VCPU": 64, "MEMORY_MB": 65536}}

    def candidates(self, resources: Json) -> dict[str, Json]:
        return {
            name: dict(room)
            for name, room in self.hosts.items()
            if all(room.get(k, 0) >= v for k, v in resources.items())
        }


class Project:
    """``changes`` holds what was changed, in order."""

    def __init__(self, project_id: str = "p-here") -> None:
        self.project_id = project_id
        self.changes: list[tuple[Any, ...]] = []
        self.compute = Compute(self.changes)
        self.volume = Volumes()
        self.network = Network()
        self.identity = Identity()
        self.placement = Placement()
