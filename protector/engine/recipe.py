# SPDX-License-Identifier: Apache-2.0
"""The recipe: all that is needed to build a server without its source.

Reads the source cloud, decides what can be protected, changes nothing.
"""

import base64
import dataclasses
from typing import Any

from protector import exception
from protector.clients import clouds, types
from protector.engine import recipe_networks
from protector.engine import scene as scenes

Json = dict[str, Any]

# facts of the hypervisor's guest that Nova keeps out of Cinder
UNPROTECTABLE_SPECS = ("hw:tpm_version", "hw:tpm_model")
UNPROTECTABLE_PROPERTIES = ("hw_tpm_version", "hw_tpm_model")


@dataclasses.dataclass(frozen=True)
class Rules:
    """What the group demands of a member's volumes.

    ``backend`` is host@backend#pool, or None while unknown.
    """

    volume_type: str
    volume_type_id: str
    backend: str | None
    cinder_group_id: str | None


def rules(scene: scenes.Scene) -> Rules:
    """What a group demands of volumes at its current primary."""
    side = scene.side(scene.group.current_primary_site_id)
    return Rules(
        volume_type=side.volume_type_name,
        volume_type_id=side.volume_type_id,
        backend=side.backend_name,
        cinder_group_id=side.cinder_group_id,
    )


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
    volumes, left_out = _volumes(project, server, volume_ids)
    _check_tpm(server, volumes[0][0].image_metadata, UNPROTECTABLE_PROPERTIES)
    for volume, _ in volumes:
        check_volume(volume, rules)
    recipe = {
        "name": server.name,
        "status": server.status,
        "flavor": _flavor(project, server),
        "ports": recipe_networks.ports(project, server),
        "security_groups": recipe_networks.security_groups(
            project, server, warnings
        ),
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
        "volumes": [volume_entry(v, a, n) for n, (v, a) in enumerate(volumes)],
        # by the user's choice: no drift
        "left_out": left_out,
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
    _check_tpm(server, flavor.get("extra_specs") or {}, UNPROTECTABLE_SPECS)
    if int(flavor.get("swap") or 0):
        warnings.append("The swap disk is made anew, its content is not kept.")


def _check_tpm(
    server: types.Server, facts: Json, names: tuple[str, ...]
) -> None:
    if any(facts.get(name) for name in names):
        raise exception.MemberNotProtectable(
            f"Instance {server.name} has a virtual TPM, whose content stays "
            "on its host.",
            remedy=f"Use a flavor and an image without {names[0]}.",
        )


# -- volumes


def _volumes(
    project: clouds.ProjectClients,
    server: types.Server,
    volume_ids: list[str] | None,
) -> tuple[list[tuple[types.Volume, types.Attachment]], list[str]]:
    """The chosen volumes, the boot volume first; ids of the others."""
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
    hidden = chosen - set(found)
    if hidden:
        raise exception.MemberNotProtectable(
            f"Volumes {', '.join(sorted(hidden))} of instance {server.name} "
            "are not in its project.",
            remedy="Leave them out with volume_ids, or transfer them.",
        )
    left_out = sorted(set(attached) - chosen)
    return [(found[a.volume_id], a) for a in order], left_out


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


def volume_entry(
    found: types.Volume, attachment: types.Attachment, ordinal: int
) -> Json:
    """What a recipe tells of a volume; its place there is the ordinal."""
    return {
        "name": found.name,
        "description": found.raw.get("description") or "",
        "size_gb": found.size,
        "device": attachment.device,
        "tag": attachment.tag,
        "boot_index": 0 if ordinal == 0 else -1,
        "bootable": found.bootable,
        "image_metadata": found.image_metadata,
        "metadata": {
            k: v
            for k, v in found.metadata.items()
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
