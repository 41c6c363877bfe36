# SPDX-License-Identifier: Apache-2.0
"""What the clients answer: frozen values, free of any SDK."""

import dataclasses
from typing import Any

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class SiteAccess:
    """How to reach a site as its service user.

    ``endpoint`` is the root of its protector-api, or None: then the one in
    the catalogue (service type ``protector``) is used.
    """

    site_id: str
    name: str
    auth_url: str
    region_name: str | None
    interface: str
    username: str
    password: str = dataclasses.field(repr=False)
    user_domain_name: str
    project_name: str
    project_domain_name: str
    # path of a CA bundle, or True/False as requests has it
    verify: str | bool
    endpoint: str | None


@dataclasses.dataclass(frozen=True)
class Server:
    """A Nova server; ``raw`` is the whole JSON at the best microversion."""

    id: str
    name: str
    status: str
    task_state: str | None
    locked: bool
    locked_reason: str | None
    project_id: str
    user_id: str
    key_name: str | None
    metadata: Json
    # in the order Nova lists them
    volume_ids: tuple[str, ...]
    root_device_name: str | None
    fault: str | None
    raw: Json = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Attachment:
    """A volume's place in a server."""

    server_id: str
    volume_id: str
    device: str | None
    tag: str | None
    delete_on_termination: bool | None


@dataclasses.dataclass(frozen=True)
class InstanceAction:
    action: str
    request_id: str
    start_time: str  # ISO 8601 UTC as Nova gives it
    message: str | None


@dataclasses.dataclass(frozen=True)
class Flavor:
    id: str
    name: str
    vcpus: int
    ram: int  # MiB
    disk: int  # GiB
    ephemeral: int  # GiB
    swap: int  # MiB
    extra_specs: Json


@dataclasses.dataclass(frozen=True)
class Keypair:
    name: str
    type: str
    public_key: str


@dataclasses.dataclass(frozen=True)
class Volume:
    """A Cinder volume; ``raw`` is the whole JSON."""

    id: str
    name: str
    status: str
    size: int  # GiB
    volume_type: str  # its name
    bootable: bool
    encrypted: bool
    multiattach: bool
    group_id: str | None
    host: str | None  # host@backend#pool, admins only
    provider_id: str | None  # admins only
    metadata: Json
    image_metadata: Json
    server_ids: tuple[str, ...]
    raw: Json = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class VolumeType:
    id: str
    name: str
    extra_specs: Json

    @property
    def replicated(self) -> bool:
        spec = str(self.extra_specs.get("replication_enabled", ""))
        return spec.strip().lower() == "<is> true"

    @property
    def replication_type(self) -> str | None:
        """``async`` or ``sync``; None when not replicated.

        Cinder's Pure driver takes a missing spec for async.
        """
        if not self.replicated:
            return None
        spec = str(self.extra_specs.get("replication_type", "<in> async"))
        return spec.removeprefix("<in>").strip()


@dataclasses.dataclass(frozen=True)
class GroupType:
    id: str
    name: str
    group_specs: Json


@dataclasses.dataclass(frozen=True)
class Group:
    """A generic volume group."""

    id: str
    name: str
    status: str
    group_type: str  # its id
    volume_types: tuple[str, ...]  # ids
    volume_ids: tuple[str, ...]
    description: str


@dataclasses.dataclass(frozen=True)
class Port:
    """A Neutron port; ``raw`` is the whole JSON."""

    id: str
    name: str
    network_id: str
    mac_address: str
    fixed_ips: tuple[Json, ...]  # {"subnet_id", "ip_address"}
    security_group_ids: tuple[str, ...]
    device_id: str
    status: str
    description: str
    raw: Json = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Quota:
    """One limit of a project; ``limit`` -1 is unlimited."""

    resource: str
    limit: int
    in_use: int
    reserved: int

    @property
    def free(self) -> float:
        if self.limit < 0:
            return float("inf")
        return self.limit - self.in_use - self.reserved
