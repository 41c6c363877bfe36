# SPDX-License-Identifier: Apache-2.0
"""Two clouds in memory whose objects change as they are asked to.

At the methods of ``clients``; every change is done at once and remembered.
``fail`` lets the next call of a name end in an error, before or after it was
done: the answer that got lost.
"""

import dataclasses
import itertools
from typing import Any
import uuid

from protector import exception
from protector.clients import types
from protector.tests.unit.engine import fake_project as fake
from protector.tests.unit.engine import fakes

Json = dict[str, Any]
# the user of who makes what Protector does not
TENANT = "u-tenant"


class Service:
    """:param site: the cloud; it holds what all services share."""

    def __init__(self, site: "Site") -> None:
        self._site = site

    def _asked(self, *call: Any) -> None:
        self._site.changes.append(call)

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_") or not callable(found):
            return found
        plan = self._site.failures.get(name)
        if not plan:
            return found
        done, error = plan.pop(0)

        def failing(*args: Any, **kwargs: Any) -> Any:
            if done:
                found(*args, **kwargs)
            raise error

        return failing


class Compute(Service):
    def __init__(self, site: "Site") -> None:
        super().__init__(site)
        self.server_maximum = (2, 100)
        self.rows: dict[str, types.Server] = {}
        self.disks: dict[str, list[types.Attachment]] = {}
        self.actions: dict[str, list[str]] = {}
        self.keys: dict[str, str] = {}
        self.groups: dict[str, Json] = {}
        # statuses that a new server gets, then ACTIVE
        self.births: list[str] = []
        # how many starts fail at the host
        self.broken_starts = 0
        self.bodies: list[Json] = []
        self.hints: list[Json | None] = []

    def _set(self, server_id: str, action: str, **values: Any) -> None:
        server = self.get_server(server_id)
        self.rows[server_id] = dataclasses.replace(server, **values)
        if action:
            self._asked(action, server_id)
            self.actions.setdefault(server_id, []).insert(0, action)

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

    def _change(
        self, server_id: str, action: str, allowed: Any, to: str
    ) -> None:
        server = self.get_server(server_id)
        if server.status not in allowed or server.task_state:
            raise exception.CloudConflict(
                f"Cannot '{action}' while it is in vm_state {server.status}"
            )
        self._set(server_id, action, status=to)

    def start(self, server_id: str) -> None:
        if self.broken_starts:
            self.broken_starts -= 1
            self._change(server_id, "start", ("SHUTOFF",), "SHUTOFF")
            self.actions[server_id][0] += fake.FAILED
            return
        self._change(server_id, "start", ("SHUTOFF",), "ACTIVE")

    def stop(self, server_id: str) -> None:
        self._change(server_id, "stop", ("ACTIVE", "ERROR"), "SHUTOFF")

    def shelve(self, server_id: str) -> None:
        allowed = ("ACTIVE", "SHUTOFF")
        self._change(server_id, "shelve", allowed, "SHELVED_OFFLOADED")
        self._hang(server_id, "reserved")

    def unshelve(self, server_id: str) -> None:
        parked = ("SHELVED_OFFLOADED",)
        self._change(server_id, "unshelve", parked, "ACTIVE")
        self._hang(server_id, "in-use")

    def _hang(self, server_id: str, status: str) -> None:
        for disk in self.disks.get(server_id, []):
            self._site.volume.change(disk.volume_id, status=status)

    def lock(self, server_id: str, reason: str) -> None:
        self._set(server_id, "lock", locked=True, locked_reason=reason)

    def unlock(self, server_id: str) -> None:
        self._set(server_id, "unlock", locked=False, locked_reason=None)

    def delete_server(self, server_id: str) -> None:
        self.get_server(server_id)
        self._asked("delete_server", server_id)
        for disk in self.disks.pop(server_id, []):
            self._site.volume.change(
                disk.volume_id, status="available", server_ids=()
            )
        del self.rows[server_id]

    def attach(self, server_id: str, *volume_ids: str) -> None:
        """For a test: the volumes hang on the server."""
        for volume_id in volume_ids:
            self.disks.setdefault(server_id, []).append(
                types.Attachment(server_id, volume_id, None, None, False)
            )
            self._site.volume.change(
                volume_id, status="in-use", server_ids=(server_id,)
            )

    def attach_volume(self, server_id: str, volume_id: str) -> None:
        if self._site.volume.get(volume_id).status != "available":
            raise exception.CloudError("not available")
        self.attach(server_id, volume_id)
        if self.get_server(server_id).status == "SHELVED_OFFLOADED":
            self._site.volume.change(volume_id, status="reserved")
        self._set(server_id, "attach_volume")

    def detach_volume(self, server_id: str, volume_id: str) -> None:
        disks = self.attachments(server_id)
        fake.found({d.volume_id: d for d in disks}, volume_id)
        self.disks[server_id] = [d for d in disks if d.volume_id != volume_id]
        self._site.volume.change(volume_id, status="available", server_ids=())
        self._set(server_id, "detach_volume")

    def attachments(self, server_id: str) -> list[types.Attachment]:
        self.get_server(server_id)
        return list(self.disks.get(server_id, []))

    def instance_actions(self, server_id: str) -> list[types.InstanceAction]:
        return fake.actions(self.actions.get(server_id, []))

    def create_server(self, body: Json, hints: Json | None = None) -> str:
        server_id = str(uuid.uuid4())
        status = self.births.pop(0) if self.births else "ACTIVE"
        launched = "2026-11-24T08:00:00" if status == "ACTIVE" else None
        self.rows[server_id] = fake.server(
            server_id,
            name=body["name"],
            status=status,
            metadata=body["metadata"],
            fault="No valid host was found." if status == "ERROR" else None,
            raw={
                "OS-SRV-USG:launched_at": launched,
                "created": self._site.stamp(),
            },
        )
        ids = [d["uuid"] for d in body["block_device_mapping_v2"]]
        self.attach(server_id, *ids)
        self.bodies.append(body)
        self.hints.append(hints)
        self._asked("create_server", server_id)
        return server_id

    def flavors(self) -> list[types.Flavor]:
        return [fake.flavor("f1", "m1")]

    def availability_zones(self) -> list[str]:
        return []

    def quotas(self) -> list[types.Quota]:
        return []

    def import_keypair(self, name: str, key: str, type: str) -> None:
        if name in self.keys:
            raise exception.CloudConflict(f"key {name} exists")
        self.keys[name] = key

    def keypair(self, name: str) -> types.Keypair:
        return types.Keypair(name, "ssh", fake.found(self.keys, name))

    def delete_keypair(self, name: str) -> None:
        fake.found(self.keys, name)
        del self.keys[name]

    def server_groups(self) -> list[Json]:
        return list(self.groups.values())

    def server_group(self, group_id: str) -> Json:
        return fake.found(self.groups, group_id)

    def create_server_group(self, name: str, policy: str) -> Json:
        group_id = str(uuid.uuid4())
        made = {"id": group_id, "name": name, "policy": policy, "members": []}
        self.groups[group_id] = made
        return made

    def delete_server_group(self, group_id: str) -> None:
        fake.found(self.groups, group_id)
        del self.groups[group_id]


class Volumes(Service):
    def __init__(self, site: "Site") -> None:
        super().__init__(site)
        self.rows: dict[str, types.Volume] = {}
        self.group = types.Group("cg", "cg", "available", "", (), (), "")

    def change(self, volume_id: str, **values: Any) -> None:
        """For a test and for Nova."""
        self.rows[volume_id] = dataclasses.replace(
            self.get(volume_id), **values
        )

    def add(self, volume_id: str, **values: Any) -> None:
        """For a test: an available volume in the group."""
        given = {"status": "available", "server_ids": (), "size": 1}
        self.rows[volume_id] = fake.volume(
            volume_id, **given | {"group_id": "cg"} | values
        )

    def get(self, volume_id: str) -> types.Volume:
        return fake.found(self.rows, volume_id)

    def list(self, ids: Any = None, metadata: Any = None) -> Any:
        return [
            v
            for v in self.rows.values()
            if (ids is None or v.id in ids)
            and (metadata or {}).items() <= v.metadata.items()
        ]

    def made(self, metadata: Json) -> Any:
        """All but what a test says that a tenant made."""
        return [
            v
            for v in self.list(metadata=metadata)
            if v.raw.get("user_id") != TENANT
        ]

    def create(self, **values: Any) -> types.Volume:
        volume_id = str(uuid.uuid4())
        self.add(
            volume_id,
            name=values["name"],
            size=values["size"],
            metadata=values["metadata"],
            group_id=None,
            raw={"created_at": self._site.stamp()},
        )
        self._asked("create_volume", volume_id)
        return self.rows[volume_id]

    def delete(self, volume_id: str) -> None:
        volume = self.get(volume_id)
        if volume.status not in ("available", "error") or volume.group_id:
            raise exception.CloudError(f"{volume_id} is {volume.status}")
        self._asked("delete_volume", volume_id)
        del self.rows[volume_id]

    def extend(self, volume_id: str, size: int) -> None:
        if self.get(volume_id).status != "available":
            raise exception.CloudError("not available")
        self._asked("extend", volume_id, size)
        self.change(volume_id, size=size)

    def set_metadata(self, volume_id: str, metadata: Json) -> None:
        known = self.get(volume_id).metadata
        self.change(volume_id, metadata={**known, **metadata})

    def set_bootable(self, volume_id: str, flag: bool) -> None:
        self._asked("set_bootable", volume_id)
        self.change(volume_id, bootable=flag)

    def set_image_metadata(self, volume_id: str, metadata: Json) -> None:
        self._asked("set_image_metadata", volume_id)
        known = self.get(volume_id).image_metadata
        self.change(volume_id, image_metadata={**known, **metadata})

    def get_group(self, group_id: str) -> types.Group:
        inside = [v.id for v in self.rows.values() if v.group_id == group_id]
        return dataclasses.replace(self.group, volume_ids=tuple(inside))

    def groups(self, ids: Any = None) -> Any:
        return [self.get_group(self.group.id)]

    def update_group(
        self, group_id: str, add: Any = (), remove: Any = ()
    ) -> None:
        self._site.during_update()
        for volume_id in remove:
            if self.get(volume_id).status in ("reserved", "detaching"):
                raise exception.CloudError("cannot be removed")
            self.change(volume_id, group_id=None)
        for volume_id in add:
            self.change(volume_id, group_id=group_id)

    def quotas(self) -> Any:
        return []


class Network(Service):
    def __init__(self, site: "Site") -> None:
        super().__init__(site)
        self.nets: list[Json] = [{"id": "n1", "name": "net"}]
        self.rows: dict[str, types.Port] = {}
        self.groups: dict[str, Json] = {}
        self.floating: dict[str, Json] = {}

    def networks(self) -> list[Json]:
        return self.nets

    def subnets(self, network_id: str) -> list[Json]:
        return [{"id": "sub", "network_id": "n1", "cidr": "10.0.0.0/24"}]

    def ports(self, **filters: Any) -> list[types.Port]:
        filters.pop("project_id", None)
        return [
            p
            for p in self.rows.values()
            if all(getattr(p, k) == v for k, v in filters.items())
        ]

    def get_port(self, port_id: str) -> types.Port:
        return fake.found(self.rows, port_id)

    def create_port(self, body: Json) -> types.Port:
        port_id = str(uuid.uuid4())
        self.rows[port_id] = fake.port(
            port_id,
            description=body["description"],
            mac_address=body["mac_address"],
            security_group_ids=tuple(body["security_groups"]),
            device_id="",
            raw={"created_at": self._site.stamp()},
        )
        self._asked("create_port", port_id)
        return self.rows[port_id]

    def delete_port(self, port_id: str) -> None:
        fake.found(self.rows, port_id)
        self._asked("delete_port", port_id)
        del self.rows[port_id]

    def security_groups(self) -> list[Json]:
        return list(self.groups.values())

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
            "project_id": self._site.project_id,
            "security_group_rules": rules,
        }
        return self.groups[group_id]

    def create_security_group_rule(self, body: Json) -> None:
        rules = self.groups[body["security_group_id"]]["security_group_rules"]
        body = {k: v for k, v in body.items() if k != "security_group_id"}
        for rule in rules:
            if {**rule, "id": None} == {**body, "id": None}:
                raise exception.CloudConflict("there is such a rule")
        rules.append({**body, "id": str(uuid.uuid4())})

    def delete_security_group_rule(self, rule_id: str) -> None:
        for group in self.groups.values():
            rules = group["security_group_rules"]
            group["security_group_rules"] = [
                r for r in rules if r["id"] != rule_id
            ]

    def delete_security_group(self, group_id: str) -> None:
        fake.found(self.groups, group_id)
        if any(group_id in p.security_group_ids for p in self.rows.values()):
            raise exception.CloudConflict("in use")
        del self.groups[group_id]

    def floating_ips(self, port_id: str | None = None) -> list[Json]:
        found = self.floating.values()
        return [f for f in found if port_id in (None, f["port_id"])]

    def update_floating_ip(self, floating_ip_id: str, body: Json) -> None:
        fake.found(self.floating, floating_ip_id).update(body)

    def create_floating_ip(self, body: Json) -> Json:
        made = {
            "id": str(uuid.uuid4()),
            "floating_ip_address": f"198.51.100.{len(self.floating) + 1}",
            **body,
        }
        self.floating[made["id"]] = made
        return made

    def delete_floating_ip(self, floating_ip_id: str) -> None:
        fake.found(self.floating, floating_ip_id)
        del self.floating[floating_ip_id]


class Site:
    """A site with one project; its clients are those of the service too."""

    def __init__(self, project_id: str) -> None:
        self.project_id = project_id
        self.changes: list[tuple[Any, ...]] = []
        self.failures: dict[str, list[tuple[bool, Exception]]] = {}
        self.during_update: Any = lambda: None
        self._clock = itertools.count()
        self.compute = Compute(self)
        self.volume = Volumes(self)
        self.network = Network(self)
        self.service = self
        self.peer = fakes.Peer()

    def stamp(self) -> str:
        return f"2026-11-24T08:00:{next(self._clock):02d}"

    def fail(self, name: str, error: Exception, done: bool = False) -> None:
        self.failures.setdefault(name, []).append((done, error))

    def project(self, project_id: str) -> "Site":
        return self

    def count(self, name: str) -> int:
        return sum(1 for change in self.changes if change[0] == name)


class Clouds:
    def __init__(self, here: str, there: str) -> None:
        self.here, self.there = Site("p-here"), Site("p-there")
        self._sites = {here: self.here, there: self.there}

    def site(self, access: Any, **kwargs: Any) -> Site:
        return self._sites[access.site_id]
