# SPDX-License-Identifier: Apache-2.0
"""Builds a member's server at the target from its recipe.

The only place that writes a server's create body.  Everything it makes is
marked in a field of the create call itself, so that a repetition finds it.
"""

import hashlib
from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import losses, made, mapping, records, residue
from protector.engine import recipe as recipes
from protector.engine.context import StepContext

Json = dict[str, Any]
MEMBER_MARK = "protector_member"


def create_server(ctx: StepContext, member: models.Member) -> str:
    """The member's server at the target, made once; its id."""
    compute = ctx.tenant(ctx.target).compute
    found = _marked(ctx, member)
    if found is not None:
        return found.id
    key = _keypair(ctx, member)
    return compute.create_server(_body(ctx, member, key), _hints(ctx, member))


def _marked(ctx: StepContext, member: models.Member) -> types.Server | None:
    """The server that bears the member's mark, if one was made."""
    found = ctx.tenant(ctx.target).compute.list_servers(
        name=member.recipe["name"], metadata={MEMBER_MARK: member.id}
    )
    return residue.oldest(ctx, "server", found, "created")


def _body(ctx: StepContext, member: models.Member, key: str | None) -> Json:
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
        "key_name": key,
        "user_data": recipes.user_data_text(recipe),
        "description": recipe["description"],
        "hostname": recipe["hostname"],
        "tags": recipe["tags"],
        "availability_zone": mapper.availability_zone(
            recipe["availability_zone"]
        ),
    }
    body |= {k: v for k, v in optional.items() if v}
    return losses.without(body, compute.server_maximum)


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


# -- hints: what names objects of the source means nothing here

SOURCE_HINTS = frozenset(
    {
        "group",
        "same_host",
        "different_host",
        "build_near_host_ip",
        "cidr",
        "query",
        "target_cell",
    }
)


def _hints(ctx: StepContext, member: models.Member) -> Json:
    recipe = member.recipe
    hints = {
        k: v
        for k, v in (recipe.get("hints") or {}).items()
        if k not in SOURCE_HINTS
    }
    wanted = recipe.get("server_group")
    if wanted:
        with ctx.work.turn:
            # members share server groups
            hints["group"] = _server_group(ctx, member, wanted)
    return hints


def _server_group(
    ctx: StepContext, member: models.Member, wanted: Json
) -> str:
    """The project's group of the same name and policy, made if missing."""
    compute = ctx.tenant(ctx.target).compute
    for group in compute.server_groups():
        policy = group.get("policy") or (group.get("policies") or [None])[0]
        if (group["name"], policy) == (wanted["name"], wanted["policy"]):
            return str(group["id"])
    made_id = str(
        compute.create_server_group(wanted["name"], wanted["policy"])["id"]
    )
    with ctx.write() as session:
        row = records.member_copy(ctx, session, ctx.target)
        known = row.made.get(made.SERVER_GROUPS, [])
        row.made = {**row.made, made.SERVER_GROUPS: [*known, made_id]}
    return made_id


# -- keypair: belongs to a user, so the service user imports the public key
#    for the boot and drops it afterwards; the guest keeps it


def key_name(operation_id: str, keypair: Json) -> str:
    """Name under which an operation imports a key: nobody else's, the same
    for all members with that key, and telling whose it is."""
    text = f"{operation_id} {keypair['public_key']}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{keypair['name'][:200]}-{digest}"


def _keypair(ctx: StepContext, member: models.Member) -> str | None:
    """The keypair to boot with: the mapped one, if the service user has it
    there, else the member's own, imported."""
    keypair = member.recipe.get("keypair")
    if not keypair:
        return None
    mapped = mapping.Mapper(ctx.scene, ctx.target).keypair(keypair["name"])
    if mapped is None:
        return _imported(ctx, keypair)
    try:
        return ctx.tenant(ctx.target).compute.keypair(mapped).name
    except exception.CloudNotFound:
        # told by preflight; the guest has its own key on its disk
        return _imported(ctx, keypair)


def _imported(ctx: StepContext, keypair: Json) -> str:
    name = key_name(ctx.operation.id, keypair)
    try:
        ctx.tenant(ctx.target).compute.import_keypair(
            name, keypair["public_key"], keypair["type"]
        )
    except exception.CloudConflict:
        # another member's, or of an earlier attempt
        pass
    return name


def forget_keys(ctx: StepContext) -> None:
    """Drop the imported keys, once every server of the move has booted."""
    names = {
        key_name(ctx.operation.id, member.recipe["keypair"])
        for member in ctx.scene.members
        if member.recipe.get("keypair")
    }
    compute = ctx.tenant(ctx.target).compute
    for name in sorted(names):
        try:
            compute.delete_keypair(name)
        except exception.CloudNotFound:
            continue
