# SPDX-License-Identifier: Apache-2.0
"""A cloud in memory: Nova, Cinder and Neutron of one project, whose volumes
lie on the site's array.  Every change is done when its call returns."""

import dataclasses
import itertools
from typing import Any
import uuid

from protector import exception
from protector.clients import types
from protector.tests.model import arrays, sim
from protector.tests.unit.engine import fake_project as fake

Json = dict[str, Any]
# ``list`` and ``types`` are methods below
Group = types.Group
GroupType = types.GroupType
Volume = types.Volume
VolumeType = types.VolumeType
TYPE = "replicated-ssd"
PLAIN = "ssd"
HOST = ("host",)
NETWORKS = ("net1", "test-net1")


class Service:
    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud


class Compute(Service):
    server_maximum = (2, 100)

    def __init__(self, cloud: "Cloud") -> None:
        super().__init__(cloud)
        self.rows: dict[str, types.Server] = {}
        self.disks: dict[str, list[types.Attachment]] = {}
        self.actions: dict[str, list[str]] = {}
        self.keys: dict[str, types.Keypair] = {}

    # -- looks

    def get_server(self, server_id: str) -> types.Server:
        return fake.found(self.rows, server_id)

    def list_servers(
        self, ids: Any = None, name: Any = None, metadata: Any = None
    ) -> list[types.Server]:
        return [
            s
            for s in self.rows.values()
            if (ids is None or s.id in ids)
            and (name is None or s.name == name)
            and (metadata or {}).items() <= s.metadata.items()
        ]

    def attachments(self, server_id: str) -> list[types.Attachment]:
        self.get_server(server_id)
        return list(self.disks[server_id])

    def instance_actions(self, server_id: str) -> list[types.InstanceAction]:
        self.get_server(server_id)
        found = self.actions.get(server_id, [])
        return fake.actions(found)

    def flavors(self) -> list[types.Flavor]:
        return [fake.flavor(f"f1-{self._cloud.letter}", "m1")]

    def availability_zones(self) -> list[str]:
        return ["nova"]

    def quotas(self) -> list[types.Quota]:
        return []

    def keypairs(self) -> list[types.Keypair]:
        return list(self.keys.values())

    def server_groups(self) -> list[Json]:
        return []

    def console_output(self, server_id: str, lines: int) -> str:
        return "login:"

    # -- changes

    def _change(
        self, server_id: str, action: str, allowed: Any, to: str
    ) -> None:
        server = self.get_server(server_id)
        if server.status not in allowed:
            raise exception.CloudConflict(
                f"Cannot '{action}' while it is in vm_state {server.status}"
            )
        self._set(server_id, action, status=to)

    def _set(self, server_id: str, action: str, **values: Any) -> None:
        server = self.get_server(server_id)
        self.rows[server_id] = dataclasses.replace(server, **values)
        self.actions.setdefault(server_id, []).insert(0, action)

    def start(self, server_id: str) -> None:
        self._change(server_id, "start", ("SHUTOFF",), "ACTIVE")

    def stop(self, server_id: str) -> None:
        self._change(server_id, "stop", ("ACTIVE", "ERROR"), "SHUTOFF")

    def shelve(self, server_id: str) -> None:
        allowed = ("ACTIVE", "SHUTOFF")
        self._change(server_id, "shelve", allowed, "SHELVED_OFFLOADED")
        self._connect(server_id, "reserved", ())

    def unshelve(self, server_id: str) -> None:
        self._change(server_id, "unshelve", ("SHELVED_OFFLOADED",), "ACTIVE")
        self._connect(server_id, "in-use", HOST)

    def _connect(
        self, server_id: str, status: str, hosts: tuple[str, ...]
    ) -> None:
        for disk in self.disks[server_id]:
            volumes = self._cloud.volume
            volumes.set(disk.volume_id, status=status)
            volumes.on_array(disk.volume_id).hosts = hosts

    def lock(self, server_id: str, reason: str) -> None:
        self._set(server_id, "lock", locked=True, locked_reason=reason)

    def unlock(self, server_id: str) -> None:
        self._set(server_id, "unlock", locked=False, locked_reason=None)

    def create_server(self, body: Json, hints: Json | None = None) -> str:
        server_id = str(uuid.uuid4())
        volume_ids = [d["uuid"] for d in body["block_device_mapping_v2"]]
        for volume_id in volume_ids:
            if self._cloud.volume.get(volume_id).status != "available":
                raise exception.CloudConflict(f"{volume_id} is in use")
        ports = [network["port"] for network in body["networks"]]
        for port_id in ports:
            if self._cloud.network.get_port(port_id).device_id:
                raise exception.CloudConflict(f"port {port_id} is in use")
        self.rows[server_id] = fake.server(
            server_id,
            name=body["name"],
            project_id=self._cloud.project_id,
            metadata=body["metadata"],
            raw={
                "flavor": dict(fake.FLAVOR),
                "OS-SRV-USG:launched_at": self._cloud.stamp(),
                "created": self._cloud.stamp(),
            },
        )
        self.disks[server_id] = [
            types.Attachment(
                server_id, volume_id, f"/dev/vd{'abc'[n]}", None, False
            )
            for n, volume_id in enumerate(volume_ids)
        ]
        for volume_id in volume_ids:
            self._cloud.volume.set(volume_id, server_ids=(server_id,))
        self._connect(server_id, "in-use", HOST)
        for port_id in ports:
            self._cloud.network.set(
                port_id, device_id=server_id, status="ACTIVE"
            )
        self.actions[server_id] = ["create"]
        return server_id

    def delete_server(self, server_id: str) -> None:
        self.get_server(server_id)
        self._connect(server_id, "available", ())
        for disk in self.disks.pop(server_id):
            self._cloud.volume.set(disk.volume_id, server_ids=())
        for port in self._cloud.network.ports(device_id=server_id):
            self._cloud.network.set(port.id, device_id="", status="DOWN")
        del self.rows[server_id]

    def import_keypair(self, name: str, key: str, kind: str) -> None:
        if name in self.keys:
            raise exception.CloudConflict(f"key {name} exists")
        self.keys[name] = types.Keypair(name, kind, key)

    def keypair(self, name: str, user_id: str | None = None) -> types.Keypair:
        if user_id is not None:
            return types.Keypair(name, "ssh", f"key of {user_id}")
        return fake.found(self.keys, name)

    def delete_keypair(self, name: str) -> None:
        fake.found(self.keys, name)
        del self.keys[name]


class Volumes(Service):
    server_maximum = (3, 71)

    def __init__(self, cloud: "Cloud") -> None:
        super().__init__(cloud)
        self.rows: dict[str, Volume] = {}
        self.groups_: dict[str, Group] = {}
        self.kinds: Any = []

    # -- for Nova

    def set(self, volume_id: str, **values: Any) -> None:
        self.rows[volume_id] = dataclasses.replace(
            self.get(volume_id), **values
        )

    def on_array(self, volume_id: str) -> arrays.Volume:
        return self._cloud.array.volumes[f"volume-{volume_id}-cinder"]

    # -- looks

    def get(self, volume_id: str) -> Volume:
        return fake.found(self.rows, volume_id)

    def list(self, ids: Any = None, metadata: Any = None) -> Any:
        return [
            v
            for v in self.rows.values()
            if (ids is None or v.id in ids)
            and (metadata or {}).items() <= v.metadata.items()
        ]

    def made(self, metadata: Json) -> Any:
        """Nobody makes a volume from a backup here."""
        return self.list(metadata=metadata)

    def types(self) -> Any:
        back = {"volume_backend_name": "pure"}
        replicated = {
            "replication_enabled": "<is> True",
            "replication_type": "<in> async",
        }
        letter = self._cloud.letter
        return [
            VolumeType(f"t1-{letter}", TYPE, back | replicated),
            VolumeType(f"t2-{letter}", PLAIN, back),
        ]

    def pools(self) -> Any:
        return [{"name": self._cloud.backend, "volume_backend_name": "pure"}]

    def quotas(self) -> Any:
        return []

    # -- volumes

    def create(self, **values: Any) -> Volume:
        volume_id = str(uuid.uuid4())
        found = next(
            t.name
            for t in self.types()
            if values["volume_type"] in (t.id, t.name)
        )
        self.rows[volume_id] = fake.volume(
            volume_id,
            name=values["name"],
            status="available",
            size=values["size"],
            volume_type=found,
            host=self._cloud.backend,
            metadata=values["metadata"],
            server_ids=(),
            raw={"description": "", "created_at": self._cloud.stamp()},
        )
        self._cloud.array.make(f"volume-{volume_id}-cinder", values["size"])
        return self.rows[volume_id]

    def delete(self, volume_id: str) -> None:
        volume = self.get(volume_id)
        if volume.status not in ("available", "error") or volume.group_id:
            raise exception.CloudError(f"{volume_id} is {volume.status}")
        self.on_array(volume_id).destroyed = True
        del self.rows[volume_id]

    def extend(self, volume_id: str, size: int) -> None:
        if self.get(volume_id).status != "available":
            raise exception.CloudError("not available")
        self.set(volume_id, size=size)
        self.on_array(volume_id).size = size

    def set_bootable(self, volume_id: str, flag: bool) -> None:
        self.set(volume_id, bootable=flag)

    def set_image_metadata(self, volume_id: str, metadata: Json) -> None:
        known = self.get(volume_id).image_metadata
        self.set(volume_id, image_metadata={**known, **metadata})

    # -- groups, which the driver has on the array too, with their schedule on

    def group_types(self) -> Any:
        return self.kinds

    def create_group_type(self, name: str, specs: Json) -> GroupType:
        self.kinds.append(GroupType(str(uuid.uuid4()), name, specs))
        return self.kinds[-1]

    def _on_array(self, group_id: str) -> str:
        return f"consisgroup-{group_id}-cinder"

    def create_group(self, **values: Any) -> Group:
        group_id = str(uuid.uuid4())
        self.groups_[group_id] = Group(
            group_id,
            values["name"],
            "available",
            values["group_type_id"],
            tuple(values["volume_type_ids"]),
            (),
            values["description"],
        )
        made = arrays.Group(target=True, allowed=True, enabled=True)
        self._cloud.array.groups[self._on_array(group_id)] = made
        return self.groups_[group_id]

    def find_groups(self, name: str) -> Any:
        return [
            self.get_group(g)
            for g, r in self.groups_.items()
            if r.name == name
        ]

    def get_group(self, group_id: str) -> Group:
        found = fake.found(self.groups_, group_id)
        inside = [v.id for v in self.rows.values() if v.group_id == group_id]
        return dataclasses.replace(found, volume_ids=tuple(inside))

    def groups(self, ids: Any = None) -> Any:
        return [self.get_group(g) for g in self.groups_ if g in ids]

    def update_group(
        self, group_id: str, add: Any = (), remove: Any = ()
    ) -> None:
        self.get_group(group_id)
        for volume_id in remove:
            if self.get(volume_id).status in ("reserved", "detaching"):
                raise exception.CloudError("cannot be removed")
        group = self._cloud.array.groups[self._on_array(group_id)]
        for volume_id in remove:
            self.set(volume_id, group_id=None)
            group.volumes.discard(f"volume-{volume_id}-cinder")
        for volume_id in add:
            if self.get(volume_id).group_id not in (None, group_id):
                raise exception.CloudError("is in another group")
            self.set(volume_id, group_id=group_id)
            group.volumes.add(f"volume-{volume_id}-cinder")

    def delete_group(self, group_id: str) -> None:
        if self.get_group(group_id).volume_ids:
            raise exception.CloudConflict("the group is not empty")
        del self.groups_[group_id]
        del self._cloud.array.groups[self._on_array(group_id)]


class Network(Service):
    def __init__(self, cloud: "Cloud") -> None:
        super().__init__(cloud)
        self.rows: dict[str, types.Port] = {}
        self.groups: dict[str, Json] = {}

    def set(self, port_id: str, **values: Any) -> None:
        """For Nova."""
        self.rows[port_id] = dataclasses.replace(
            self.get_port(port_id), **values
        )

    def networks(self) -> list[Json]:
        letter = self._cloud.letter
        return [{"id": f"{n}-{letter}", "name": n} for n in NETWORKS]

    def subnets(self, network_id: str | None = None) -> list[Json]:
        return [
            {
                "id": f"sub-{n['id']}",
                "name": f"sub-{n['name']}",
                "network_id": n["id"],
                "cidr": "10.0.0.0/24",
            }
            for n in self.networks()
            if network_id in (None, n["id"])
        ]

    def ports(self, **filters: Any) -> list[types.Port]:
        filters.pop("project_id", None)
        return [p for p in self.rows.values() if _passes(p, filters)]

    def get_port(self, port_id: str) -> types.Port:
        return fake.found(self.rows, port_id)

    def create_port(self, body: Json) -> types.Port:
        port_id = str(uuid.uuid4())
        made = fake.port(
            port_id,
            name=body["name"],
            network_id=body["network_id"],
            mac_address=body["mac_address"],
            fixed_ips=tuple(body.get("fixed_ips", ())),
            description=body["description"],
            security_group_ids=tuple(body.get("security_groups", ())),
            device_id="",
            status="DOWN",
            raw={"created_at": self._cloud.stamp()},
        )
        for held in self.ports(network_id=made.network_id):
            if held.mac_address == made.mac_address:
                raise exception.CloudConflict("the MAC is taken")
        self.rows[port_id] = made
        return made

    def delete_port(self, port_id: str) -> None:
        fake.found(self.rows, port_id)
        del self.rows[port_id]

    def security_groups(self) -> list[Json]:
        return list(self.groups.values())

    def security_group(self, group_id: str) -> Json:
        return fake.found(self.groups, group_id)

    def create_security_group(self, name: str, description: str) -> Json:
        group_id = str(uuid.uuid4())
        rules = [
            {"id": f"{kind}-{group_id}", "direction": "egress"}
            | {"ethertype": kind}
            for kind in ("IPv4", "IPv6")
        ]
        self.groups[group_id] = {
            "id": group_id,
            "name": name,
            "description": description,
            "project_id": self._cloud.project_id,
            "security_group_rules": rules,
        }
        return self.groups[group_id]

    def create_security_group_rule(self, body: Json) -> None:
        rules = self.groups[body["security_group_id"]]["security_group_rules"]
        body = {k: v for k, v in body.items() if k != "security_group_id"}
        if any({**r, "id": None} == {**body, "id": None} for r in rules):
            raise exception.CloudConflict("there is such a rule")
        rules.append({**body, "id": str(uuid.uuid4())})

    def delete_security_group_rule(self, rule_id: str) -> None:
        for group in self.groups.values():
            group["security_group_rules"] = [
                r for r in group["security_group_rules"] if r["id"] != rule_id
            ]

    def delete_security_group(self, group_id: str) -> None:
        fake.found(self.groups, group_id)
        if any(group_id in p.security_group_ids for p in self.rows.values()):
            raise exception.CloudConflict("in use")
        del self.groups[group_id]

    def floating_ips(self, port_id: str | None = None) -> list[Json]:
        return []

    def quotas(self) -> list[types.Quota]:
        return []


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


class Cloud:
    """:ivar letter: a or b, of the site."""

    def __init__(self, letter: str, array: arrays.Array) -> None:
        self.letter = letter
        self.array = array
        self.project_id = f"p-{letter}"
        self.backend = f"host-{letter}@pure#pure"
        self._count = itertools.count()
        self.compute = Compute(self)
        self.volume = Volumes(self)
        self.network = Network(self)
        self.identity = fake.Identity()
        self.placement = fake.Placement()

    def stamp(self) -> str:
        """Times in the order in which things are made."""
        return f"{sim.START.isoformat()}.{next(self._count):06d}"

    def boot(self, name: str, number: int, disks: int) -> str:
        """A server of the tenant's own; its id."""
        group = next(
            (g for g in self.network.security_groups()), None
        ) or self.network.create_security_group("web", "")
        port = self.network.create_port(
            {
                "name": "",
                "network_id": f"net1-{self.letter}",
                "mac_address": f"fa:16:3e:00:00:{number:02x}",
                "fixed_ips": [
                    {
                        "subnet_id": f"sub-net1-{self.letter}",
                        "ip_address": f"10.0.0.{number}",
                    }
                ],
                "description": "",
                "security_groups": [group["id"]],
            }
        )
        volumes = [
            self.volume.create(
                name=f"{name}-{n}", size=1, volume_type=TYPE, metadata={}
            ).id
            for n in range(disks)
        ]
        self.volume.set_bootable(volumes[0], True)
        return self.compute.create_server(
            {
                "name": name,
                "metadata": {},
                "networks": [{"port": port.id}],
                "block_device_mapping_v2": [{"uuid": v} for v in volumes],
            }
        )
