# SPDX-License-Identifier: Apache-2.0
"""Builds a member's server at the target from its recipe.

The only place that writes a server's create body.  Everything it makes is
marked in a field of the create call itself, so that a repetition finds it.
"""

from typing import Any

from protector import exception
from protector.clients import compute as compute_client
from protector.clients import types
from protector.db import models
from protector.engine import mapping
from protector.engine import recipe as recipes
from protector.engine.context import StepContext

Json = dict[str, Any]
MEMBER_MARK = "protector_member"


def create_server(ctx: StepContext, member: models.Member) -> str:
    """The member's server at the target, made once; its id."""
    compute = ctx.tenant(ctx.target).compute
    found = find_server(compute, member)
    if found is not None:
        return found.id
    key_name = _import_keypair(ctx, member)
    return compute.create_server(_body(ctx, member, key_name))


def find_server(
    compute: compute_client.ComputeClient, member: models.Member
) -> types.Server | None:
    """The server that bears the member's mark, if one was made."""
    for server in compute.list_servers(name=member.recipe["name"]):
        if server.metadata.get(MEMBER_MARK) == member.id:
            return server
    return None


def _body(
    ctx: StepContext, member: models.Member, key_name: str | None
) -> Json:
    recipe = member.recipe
    mapper = mapping.Mapper(ctx.scene, ctx.target)
    compute = ctx.tenant(ctx.target).compute
    copy = member.copy(ctx.target)
    body: Json = {
        "name": recipe["name"],
        "flavorRef": mapper.flavor(recipe, compute.flavors()).id,
        "imageRef": "",
        "networks": [{"port": p["id"]} for p in copy.ports] or "none",
        "block_device_mapping_v2": _disks(ctx, member),
        "metadata": recipe["metadata"] | {MEMBER_MARK: member.id},
        "config_drive": recipe["config_drive"],
    }
    optional = {
        "key_name": key_name,
        "user_data": recipes.user_data_text(recipe),
        "description": recipe["description"],
        "hostname": recipe["hostname"],
        "tags": recipe["tags"],
        "availability_zone": mapper.availability_zone(
            recipe["availability_zone"]
        ),
    }
    return body | {k: v for k, v in optional.items() if v}


def _disks(ctx: StepContext, member: models.Member) -> list[Json]:
    return [
        {
            "boot_index": volume.boot_index,
            "uuid": volume.cinder_id,
            "source_type": "volume",
            "destination_type": "volume",
            "delete_on_termination": False,
        }
        for volume in member.volumes_at(ctx.target)
    ]


# -- keypair: belongs to a user, so the service user imports the public key
#    for the boot and drops it afterwards; the guest keeps it


def _temporary_key(ctx: StepContext, member: models.Member) -> str:
    """The key's own name where that is free, so the server shows it."""
    return f"{member.recipe['keypair']['name']}"


def _import_keypair(ctx: StepContext, member: models.Member) -> str | None:
    keypair = member.recipe.get("keypair")
    if not keypair:
        return None
    compute = ctx.tenant(ctx.target).compute
    name = _temporary_key(ctx, member)
    try:
        compute.import_keypair(name, keypair["public_key"], keypair["type"])
    except exception.CloudConflict:
        # another member's, of the same name: equal keys share it
        known = compute.keypair(name)
        if known.public_key.split()[:2] != keypair["public_key"].split()[:2]:
            name = f"{name}-{member.id[:8]}"
            _import_again(compute, name, keypair)
    return name


def _import_again(
    compute: compute_client.ComputeClient, name: str, keypair: Json
) -> None:
    try:
        compute.import_keypair(name, keypair["public_key"], keypair["type"])
    except exception.CloudConflict:
        return


def forget_keys(ctx: StepContext) -> None:
    """Drop the imported keys, once every server of the move has booted."""
    names = {
        name
        for member in ctx.scene.settled_members
        if member.recipe.get("keypair")
        for key in [_temporary_key(ctx, member)]
        for name in (key, f"{key}-{member.id[:8]}")
    }
    compute = ctx.tenant(ctx.target).compute
    for name in sorted(names):
        try:
            compute.delete_keypair(name)
        except exception.CloudNotFound:
            continue
