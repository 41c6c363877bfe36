# SPDX-License-Identifier: Apache-2.0
"""Remembers what was made for a member at a site by its id, as soon as that
is known.

A mark finds what was made before a crash, or by a request whose answer got
lost; once recorded it is ours to use and to delete.
"""

from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector.clients import types
from protector.db import models
from protector.engine import made, membership, residue
from protector.engine.context import StepContext

Json = dict[str, Any]


def member_copy(
    ctx: StepContext, session: orm.Session, site_id: str
) -> models.MemberCopy:
    """The row of the member at a site; made when there is none."""
    key = (ctx.member.id, site_id)
    row = session.get(models.MemberCopy, key)
    if row is None:
        row = models.MemberCopy(
            member_id=ctx.member.id,
            site_id=site_id,
            role=c.CopyRole.GONE,
            content_unique=False,
            ports=[],
            floating_ips=[],
            made={},
        )
        session.add(row)
        session.flush()
    return row


def adopt(ctx: StepContext, site_id: str) -> None:
    """Record what bears the member's marks at a site and is not known."""
    adopt_volumes(ctx, site_id)
    adopt_ports(ctx, site_id)


# -- volumes


def volume(
    ctx: StepContext, site_id: str, ordinal: int
) -> models.VolumeCopy | None:
    """The recorded volume of a place, if it has an id."""
    for row in ctx.member.volumes_at(site_id):
        if row.ordinal == ordinal and row.cinder_id:
            return row
    return None


def marked_volume(
    ctx: StepContext, site_id: str, ordinal: int
) -> types.Volume | None:
    """The volume that bears the mark of a place, if one was made."""
    marks = membership.volume_marks(ctx.member, ordinal)
    found = ctx.tenant(site_id).volume.made(marks)
    return residue.oldest(ctx, "volume", found, "created_at")


def adopt_volumes(ctx: StepContext, site_id: str) -> None:
    for pattern in ctx.member.volumes_at(ctx.scene.other(site_id)):
        if volume(ctx, site_id, pattern.ordinal) is None:
            found = marked_volume(ctx, site_id, pattern.ordinal)
            if found is not None:
                record_volume(ctx, site_id, pattern, found)
    ctx.refresh()


def record_volume(
    ctx: StepContext,
    site_id: str,
    pattern: models.VolumeCopy,
    found: types.Volume,
) -> None:
    """:param pattern: the row of the same place at the other site."""
    key = (pattern.member_id, pattern.ordinal, site_id)
    with ctx.write() as session:
        member_copy(ctx, session, site_id)
        row = session.get(models.VolumeCopy, key)
        if row is None:
            row = models.VolumeCopy(
                member_id=pattern.member_id,
                ordinal=pattern.ordinal,
                site_id=site_id,
            )
            session.add(row)
        row.cinder_id = found.id
        row.name = found.name
        row.size_gb = found.size
        row.device = pattern.device
        row.boot_index = pattern.boot_index
        row.array_name = row.array_volume = row.serial = None
        row.made = True
        made.note(ctx, session, made.VOLUMES, found.id)


def volume_row(
    ctx: StepContext,
    site_id: str,
    ordinal: int,
    found: types.Volume,
    attachment: types.Attachment,
) -> models.VolumeCopy:
    """A row for a volume of the tenant's that the member's server has at a
    site."""
    array = ctx.array(site_id)
    name = found.provider_id or ctx.driver.array_volume_name(found.id)
    return models.VolumeCopy(
        ordinal=ordinal,
        site_id=site_id,
        cinder_id=found.id,
        name=found.name,
        size_gb=found.size,
        device=attachment.device,
        boot_index=0 if ordinal == 0 else -1,
        array_name=array.name,
        array_volume=name,
        serial=ctx.driver.get_volume(array, name).serial,
        made=False,
    )


def locate_volume(
    ctx: StepContext, site_id: str, ordinal: int, found: types.Volume
) -> None:
    """Add what the array calls a recorded volume."""
    array = ctx.array(site_id)
    name = found.provider_id or ctx.driver.array_volume_name(found.id)
    serial = ctx.driver.get_volume(array, name).serial
    with ctx.write() as session:
        key = (ctx.member.id, ordinal, site_id)
        row = session.get(models.VolumeCopy, key)
        row.size_gb = found.size
        row.array_name = array.name
        row.array_volume = name
        row.serial = serial


# -- ports


def port_mark(member_id: str, number: int) -> str:
    """Neutron ignores tags when a port is created: the description finds
    it again."""
    return f"protector:{member_id}:{number}"


def marked_port(
    ctx: StepContext, site_id: str, number: int
) -> types.Port | None:
    """The port that bears the mark of a NIC, if one was made."""
    found = ctx.tenant(site_id).network.ports(
        description=port_mark(ctx.member.id, number),
        project_id=ctx.scene.project(site_id),
    )
    return residue.oldest(ctx, "port", found, "created_at")


def adopt_ports(ctx: StepContext, site_id: str) -> None:
    copy = ctx.member.copy(site_id)
    known = [p["id"] for p in copy.ports] if copy is not None else []
    for number in range(len(ctx.member.recipe.get("ports", []))):
        if number < len(known):
            continue
        found = marked_port(ctx, site_id, number)
        if found is None:
            # they are made in their order
            break
        record_port(ctx, site_id, number, found)
    ctx.refresh()


def record_port(
    ctx: StepContext, site_id: str, number: int, found: types.Port
) -> None:
    """Remember a port that Protector made as the member's NIC ``number``."""
    entry = {
        "id": found.id,
        "network_id": found.network_id,
        "mac_address": found.mac_address,
        "fixed_ips": list(found.fixed_ips),
        "made": True,
    }
    with ctx.write() as session:
        row = member_copy(ctx, session, site_id)
        row.ports = [*row.ports[:number], entry, *row.ports[number + 1 :]]
        made.note(ctx, session, made.PORTS, found.id)
