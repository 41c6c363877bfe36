# SPDX-License-Identifier: Apache-2.0
"""Builds a member's server at the target from its recipe.

The only place that writes a server's create body.  Everything it makes is
marked in a field of the create call itself, so that a repetition finds it.
"""

from collections.abc import Sequence
import dataclasses
import hashlib
from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.engine import (
    losses,
    made,
    mapping,
    membership,
    records,
    residue,
    volume_set,
)
from protector.engine import recipe as recipes
from protector.engine.context import StepContext

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Parts:
    """What a server of a member is put together of.

    :ivar marks: metadata by which it is found again.
    :ivar volumes: (boot index, id) in the order of the recipe.
    """

    name: str
    marks: dict[str, str]
    ports: Sequence[str]
    volumes: Sequence[tuple[int, str]]
    hints: Json


def create_server(ctx: StepContext, member: models.Member) -> str:
    """The member's server at the target, made once; its id."""
    copy = member.copy(ctx.target)
    parts = Parts(
        name=member.recipe["name"],
        marks={membership.MEMBER_MARK: member.id},
        ports=[p["id"] for p in copy.ports],
        volumes=[
            (v.boot_index, str(v.cinder_id))
            for v in volume_set.attached(member, ctx.source, ctx.target)
        ],
        hints=_hints(ctx, member),
    )
    return assemble(ctx, member, parts)


def assemble(ctx: StepContext, member: models.Member, parts: Parts) -> str:
    """The server of these parts, otherwise as the member's recipe says;
    made once; its id."""
    found = marked(ctx, parts.name, parts.marks)
    if found is not None:
        return found.id
    key = _keypair(ctx, member)
    compute = ctx.tenant(ctx.target).compute
    return compute.create_server(_body(ctx, member, parts, key), parts.hints)


def marked(
    ctx: StepContext, name: str, marks: dict[str, str]
) -> types.Server | None:
    """The server that bears the marks, if one was made."""
    found = ctx.tenant(ctx.target).compute.list_servers(
        name=name, metadata=marks
    )
    return residue.oldest(ctx, "server", found, "created")


def _body(
    ctx: StepContext, member: models.Member, parts: Parts, key: str | None
) -> Json:
    recipe = member.recipe
    mapper = mapping.Mapper(ctx.scene, ctx.target)
    compute = ctx.tenant(ctx.target).compute
    body: Json = {
        "name": parts.name,
        "flavorRef": mapper.flavor(recipe, compute.flavors()).id,
        "imageRef": "",
        "networks": [{"port": p} for p in parts.ports] or "none",
        "block_device_mapping_v2": _disks(parts),
        "metadata": recipe["metadata"] | parts.marks,
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


def _disks(parts: Parts) -> list[Json]:
    return [
        {
            "boot_index": boot_index,
            "uuid": volume_id,
            "source_type": "volume",
            "destination_type": "volume",
            "delete_on_termination": False,
        }
        for boot_index, volume_id in parts.volumes
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


def own_hints(member: models.Member) -> Json:
    """Those of the recipe that mean something at any site."""
    return {
        k: v
        for k, v in (member.recipe.get("hints") or {}).items()
        if k not in SOURCE_HINTS
    }


def _hints(ctx: StepContext, member: models.Member) -> Json:
    hints = own_hints(member)
    wanted = member.recipe.get("server_group")
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


def forget_keys(ctx: StepContext, operation_id: str | None = None) -> None:
    """Drop the imported keys, once every server of the move has booted.

    :param operation_id: the one that imported them; by default this one.
    """
    names = imported_keys(ctx, operation_id or ctx.operation.id)
    compute = ctx.tenant(ctx.target).compute
    for name in sorted(names):
        try:
            compute.delete_keypair(name)
        except exception.CloudNotFound:
            continue


def imported_keys(ctx: StepContext, operation_id: str) -> set[str]:
    """Names that an operation's keys have, if it imported them."""
    return {
        key_name(operation_id, member.recipe["keypair"])
        for member in ctx.scene.members
        if member.recipe.get("keypair")
    }
