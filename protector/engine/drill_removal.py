# SPDX-License-Identifier: Apache-2.0
"""Removes what a drill made, by recorded id, and looks for what is left.

What bears the drill's mark without being recorded, or cannot be removed, is
listed and never deleted.
"""

from collections.abc import Iterator
from typing import Any

from protector import exception
from protector.engine import build, disks, drill, removal, residue
from protector.engine.context import StepContext

Json = dict[str, Any]
LEFT = "it is still there"


def drop_server(ctx: StepContext) -> None:
    for server_id in drill.made(ctx, drill.SERVERS).values():
        removal.drop_server(ctx, ctx.target, server_id)


def drop_ports(ctx: StepContext) -> None:
    """Those that no other server got meanwhile."""
    network = ctx.tenant(ctx.target).network
    own = set(drill.made(ctx, drill.SERVERS).values())
    for port_id in drill.made(ctx, drill.PORTS).values():
        try:
            port = network.get_port(port_id)
        except exception.CloudNotFound:
            continue
        if port.device_id and port.device_id not in own:
            why = f"server {port.device_id} uses it"
            residue.note(ctx, [residue.entry("port", port_id, why)])
            continue
        removal.drop_ports(ctx, ctx.target, [port_id])


def drop_volumes(ctx: StepContext) -> None:
    ids = set(drill.made(ctx, drill.VOLUMES).values())
    server_id = drill.made(ctx, drill.SERVERS).get("0")
    for volume_id in ids:
        disks.let_go(ctx, ctx.target, volume_id, server_id)
    if ids:
        found = ctx.tenant(ctx.target).volume.list(ids=ids)
        kept = [removal.drop_volume(ctx, ctx.target, v) for v in found]
        residue.note(ctx, [entry for entry in kept if entry])


def drop_security_groups(ctx: StepContext) -> None:
    """Those of all members; one that is in use stays for the last."""
    ids = drill.made_of_all(ctx, drill.SECURITY_GROUPS)
    removal.drop_security_groups(ctx, ctx.target, ids)


# -- the audit


def leftovers(ctx: StepContext) -> list[Json]:
    """What Nova, Cinder, Neutron and the array still have of the drill."""
    known = {e["id"] for e in ctx.data.get("residue", [])}
    found = [
        *_servers(ctx),
        *_keypairs(ctx),
        *_volumes(ctx),
        *_ports(ctx),
        *_security_groups(ctx),
        *_array_volumes(ctx),
    ]
    return [entry for entry in found if entry["id"] not in known]


def _servers(ctx: StepContext) -> Iterator[Json]:
    compute = ctx.tenant(ctx.target).compute
    marks = {drill.MARK: drill.id_of(ctx)}
    marked = compute.list_servers(metadata=marks)
    ids = set(drill.made_of_all(ctx, drill.SERVERS)) - {s.id for s in marked}
    for server in [*marked, *(compute.list_servers(ids=ids) if ids else ())]:
        yield residue.entry("server", server.id, LEFT)


def _keypairs(ctx: StepContext) -> Iterator[Json]:
    names = build.imported_keys(ctx, drill.id_of(ctx))
    for keypair in ctx.tenant(ctx.target).compute.keypairs():
        if keypair.name in names:
            yield residue.entry("keypair", keypair.name, LEFT)


def _volumes(ctx: StepContext) -> Iterator[Json]:
    client = ctx.tenant(ctx.target).volume
    marked = client.made({drill.MARK: drill.id_of(ctx)})
    ids = set(drill.made_of_all(ctx, drill.VOLUMES)) - {v.id for v in marked}
    for volume in [*marked, *(client.list(ids=ids) if ids else ())]:
        yield residue.entry("volume", volume.id, LEFT)


def _ports(ctx: StepContext) -> Iterator[Json]:
    project = ctx.scene.project(ctx.target)
    ids = drill.made_of_all(ctx, drill.PORTS)
    mark = drill.text_mark(drill.id_of(ctx))
    for port in ctx.tenant(ctx.target).network.ports(project_id=project):
        if port.id in ids or port.description.startswith(mark):
            yield residue.entry("port", port.id, LEFT)


def _security_groups(ctx: StepContext) -> Iterator[Json]:
    mark = drill.text_mark(drill.id_of(ctx))
    for group in ctx.tenant(ctx.target).network.security_groups():
        if mark in (group.get("description") or ""):
            yield residue.entry("security_group", group["id"], LEFT)


def _array_volumes(ctx: StepContext) -> Iterator[Json]:
    array = ctx.array(ctx.target)
    for name in drill.made_of_all(ctx, drill.ARRAY_VOLUMES):
        try:
            ctx.driver.get_volume(array, name)
        except exception.ArrayNotFound:
            continue
        yield residue.entry("array_volume", name, LEFT)
