# SPDX-License-Identifier: Apache-2.0
"""The recipe: all that is needed to build a server without its source.

Reads the source cloud, decides what can be protected, changes nothing.
"""

import base64
import dataclasses
from typing import Any

from protector import exception
from protector.clients import clouds, types
from protector.clients import network as network_client

Json = dict[str, Any]

PORT_FIELDS = (
    "allowed_address_pairs",
    "port_security_enabled",
    "dns_name",
    "binding:vnic_type",
    "qos_policy_id",
)
RULE_FIELDS = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "description",
)
# facts of the hypervisor's guest that Nova keeps out of Cinder
UNPROTECTABLE_SPECS = ("hw:tpm_version", "hw:tpm_model")


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the group demands of a member's volumes.

    ``backend`` is host@backend#pool, or None while unknown.
    """

    volume_type: str
    volume_type_id: str
    backend: str | None
    cinder_group_id: str | None


@dataclasses.dataclass(frozen=True)
class Captured:
    """``volumes`` in boot order, the boot volume first."""

    server: types.Server
    recipe: Json
    volumes: list[tuple[types.Volume, types.Attachment]]
    warnings: list[str]


def capture(
    project: clouds.ProjectClients,
    instance_id: str,
    volume_ids: list[str] | None,
    rules: Rules,
) -> Captured:
    """Read a server and its volumes.

    :param volume_ids: the subset to protect, or None for all.
    :raises InvalidReference: there is no such server or volume of it.
    :raises MemberNotProtectable: it cannot be moved, and why.
    :raises VolumeTypeMismatch: a volume is of another type or backend.
    :raises VolumeInAnotherGroup: a volume is in another Cinder group.
    """
    server = find_server(project, instance_id)
    warnings: list[str] = []
    _check_server(server, warnings)
    volumes = _volumes(project, server, volume_ids)
    for volume, _ in volumes:
        check_volume(volume, rules)
    recipe = {
        "name": server.name,
        "status": server.status,
        "flavor": _flavor(project, server),
        "ports": _ports(project, server),
        "security_groups": _security_groups(project, server),
        "keypair": _keypair(project, server, warnings),
        "user_data": server.raw.get("OS-EXT-SRV-ATTR:user_data"),
        "config_drive": bool(server.raw.get("config_drive")),
        "metadata": server.metadata,
        "tags": server.raw.get("tags") or [],
        "description": server.raw.get("description"),
        "hostname": server.raw.get("OS-EXT-SRV-ATTR:hostname"),
        "availability_zone": server.raw.get("pinned_availability_zone")
        or server.raw.get("OS-EXT-AZ:availability_zone"),
        "server_group": _server_group(project, server),
        "hints": server.raw.get("scheduler_hints") or {},
        "volumes": [_volume(v, a, n) for n, (v, a) in enumerate(volumes)],
    }
    return Captured(server, recipe, volumes, warnings)


def find_server(
    project: clouds.ProjectClients, instance_id: str
) -> types.Server:
    """The server, if it is the project's own.

    :raises InvalidReference: it is not, or there is none.
    """
    try:
        server = project.compute.get_server(instance_id)
    except exception.CloudNotFound:
        server = None
    if server is None or server.project_id != project.project_id:
        raise exception.InvalidReference(
            f"There is no instance {instance_id} in the project.",
            field="instance_id",
            value=instance_id,
        )
    return server


def _check_server(server: types.Server, warnings: list[str]) -> None:
    if server.status not in ("ACTIVE", "SHUTOFF"):
        raise exception.MemberNotProtectable(
            f"Instance {server.name} is {server.status}; it must be ACTIVE "
            "or SHUTOFF.",
            status=server.status,
        )
    flavor = server.raw.get("flavor") or {}
    if int(flavor.get("ephemeral") or 0):
        raise exception.MemberNotProtectable(
            f"Instance {server.name} has an ephemeral disk, which is not on "
            "replicated storage.",
            remedy="Resize it to a flavor without an ephemeral disk.",
        )
    specs = flavor.get("extra_specs") or {}
    if any(specs.get(name) for name in UNPROTECTABLE_SPECS):
        raise exception.MemberNotProtectable(
            f"Instance {server.name} has a virtual TPM, whose content stays "
            "on its host.",
            remedy="Use a flavor without hw:tpm_version.",
        )
    if int(flavor.get("swap") or 0):
        warnings.append("The swap disk is made anew, its content is not kept.")


# -- volumes


def _volumes(
    project: clouds.ProjectClients,
    server: types.Server,
    volume_ids: list[str] | None,
) -> list[tuple[types.Volume, types.Attachment]]:
    attachments = project.compute.attachments(server.id)
    attached = {a.volume_id: a for a in attachments}
    root = next(
        (a for a in attachments if a.device == server.root_device_name), None
    )
    if root is None:
        raise exception.MemberNotProtectable(
            f"Instance {server.name} does not boot from a volume.",
            remedy="Only servers that boot from a volume can be protected.",
        )
    chosen = set(volume_ids) if volume_ids is not None else set(attached)
    _check_subset(server, chosen, attached, root)
    order = sorted(
        (a for v, a in attached.items() if v in chosen),
        key=lambda a: (a is not root, len(a.device or ""), a.device or ""),
    )
    found = {v.id: v for v in project.volume.list(ids=chosen)}
    return [(found[a.volume_id], a) for a in order]


def _check_subset(
    server: types.Server,
    chosen: set[str],
    attached: dict[str, types.Attachment],
    root: types.Attachment,
) -> None:
    strange = chosen - set(attached)
    if strange:
        raise exception.InvalidReference(
            f"Volumes {', '.join(sorted(strange))} are not attached to "
            f"instance {server.name}.",
            field="volume_ids",
        )
    if root.volume_id not in chosen:
        raise exception.MemberNotProtectable(
            f"The boot volume {root.volume_id} of instance {server.name} is "
            "not among volume_ids.",
            remedy="Name the boot volume too.",
        )


def check_volume(volume: types.Volume, rules: Rules) -> None:
    """Whether a volume may join the group; raises as ``capture``."""
    label = f"Volume {volume.name or volume.id} ({volume.id})"
    if volume.volume_type not in (rules.volume_type, rules.volume_type_id):
        raise exception.VolumeTypeMismatch(
            f"volume type mismatch: {label} is of type {volume.volume_type}, "
            f"the group wants {rules.volume_type}.",
            volume_id=volume.id,
            volume_type=volume.volume_type,
            wanted=rules.volume_type,
        )
    if volume.encrypted or volume.multiattach:
        what = "encrypted" if volume.encrypted else "multiattach"
        raise exception.MemberNotProtectable(
            f"{label} is {what}, which cannot be replicated to the other "
            "site.",
            volume_id=volume.id,
        )
    if volume.group_id and volume.group_id != rules.cinder_group_id:
        raise exception.VolumeInAnotherGroup(
            f"{label} is in the volume group {volume.group_id}.",
            volume_id=volume.id,
            group_id=volume.group_id,
        )
    if rules.backend and volume.host and volume.host != rules.backend:
        raise exception.VolumeTypeMismatch(
            f"volume type mismatch: {label} is on backend {volume.host}, the "
            f"group on {rules.backend}.",
            remedy="Migrate the volume to the backend of the group.",
            volume_id=volume.id,
        )


def _volume(
    volume: types.Volume, attachment: types.Attachment, ordinal: int
) -> Json:
    return {
        "name": volume.name,
        "description": volume.raw.get("description") or "",
        "size_gb": volume.size,
        "device": attachment.device,
        "tag": attachment.tag,
        "boot_index": 0 if ordinal == 0 else -1,
        "bootable": volume.bootable,
        "image_metadata": volume.image_metadata,
        "metadata": {
            k: v
            for k, v in volume.metadata.items()
            if not k.startswith(("array_", "protector"))
        },
    }


# -- the rest of the server


def _flavor(project: clouds.ProjectClients, server: types.Server) -> Json:
    flavor = dict(server.raw.get("flavor") or {})
    if "original_name" in flavor:
        return flavor
    # below 2.47 Nova gives an id only
    known = project.compute.flavor(flavor["id"])
    return {
        "original_name": known.name,
        "vcpus": known.vcpus,
        "ram": known.ram,
        "disk": known.disk,
        "ephemeral": known.ephemeral,
        "swap": known.swap,
        "extra_specs": known.extra_specs,
    }


def _ports(project: clouds.ProjectClients, server: types.Server) -> list[Json]:
    network = project.network
    names = {n["id"]: n["name"] for n in network.networks()}
    subnets = {s["id"]: s for s in network.subnets()}
    ports = sorted(
        network.ports(device_id=server.id),
        key=lambda p: p.raw.get("created_at") or "",
    )
    return [
        {
            "id": port.id,
            "name": port.name,
            "network_id": port.network_id,
            "network_name": names.get(port.network_id),
            "mac_address": port.mac_address,
            "fixed_ips": [
                {
                    "ip_address": ip["ip_address"],
                    "subnet_id": ip["subnet_id"],
                    "cidr": subnets.get(ip["subnet_id"], {}).get("cidr"),
                }
                for ip in port.fixed_ips
            ],
            "security_groups": list(port.security_group_ids),
            "floating_ips": _floating_ips(network, names, port.id),
            **{k: port.raw[k] for k in PORT_FIELDS if port.raw.get(k)},
        }
        for port in ports
    ]


def _floating_ips(
    network: network_client.NetworkClient, names: dict[str, str], port_id: str
) -> list[Json]:
    return [
        {
            "id": f["id"],
            "address": f["floating_ip_address"],
            "network_id": f["floating_network_id"],
            "network_name": names.get(f["floating_network_id"]),
        }
        for f in network.floating_ips(port_id=port_id)
    ]


def _security_groups(
    project: clouds.ProjectClients, server: types.Server
) -> list[Json]:
    wanted = {
        group_id
        for port in project.network.ports(device_id=server.id)
        for group_id in port.security_group_ids
    }
    found = []
    for group_id in sorted(wanted):
        group = project.network.security_group(group_id)
        found.append(
            {
                "id": group["id"],
                "name": group["name"],
                "description": group.get("description") or "",
                "rules": [
                    {k: r.get(k) for k in RULE_FIELDS}
                    for r in group["security_group_rules"]
                ],
            }
        )
    return found


def _keypair(
    project: clouds.ProjectClients,
    server: types.Server,
    warnings: list[str],
) -> Json | None:
    if not server.key_name:
        return None
    try:
        key = project.compute.keypair(server.key_name, server.user_id)
    except exception.CloudNotFound:
        warnings.append(
            f"Keypair {server.key_name} is gone; the guest keeps the key."
        )
        return None
    return dataclasses.asdict(key)


def _server_group(
    project: clouds.ProjectClients, server: types.Server
) -> Json | None:
    ids = server.raw.get("server_groups") or []
    if not ids:
        return None
    group = project.compute.server_group(ids[0])
    policy = group.get("policy") or (group.get("policies") or [None])[0]
    return {"name": group["name"], "policy": policy}


def user_data_text(recipe: Json) -> str | None:
    """The user data as Nova's create takes it: base64 as it was read."""
    data = recipe.get("user_data")
    if not data:
        return None
    base64.b64decode(data, validate=True)
    return str(data)
