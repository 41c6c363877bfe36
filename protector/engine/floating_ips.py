# SPDX-License-Identifier: Apache-2.0
"""Floating IPs of a member's ports at a site: new addresses, best effort.

The addresses of the source stay there: they belong to its external network.
What cannot be had becomes a warning of the member, and stops nothing.
"""

from collections.abc import Sequence
from typing import Any

from protector import exception
from protector.db import models
from protector.engine import made, mapping, records
from protector.engine.context import StepContext

Json = dict[str, Any]


def ensure(ctx: StepContext, site_id: str, port_ids: Sequence[str]) -> None:
    """One for each that the recipe's ports have.

    :param port_ids: the ports at the site, in the order of the recipe.
    :raises CloudUnavailable: the outcome is unknown.
    """
    patterns = ctx.member.recipe["ports"]
    for pattern, port_id in zip(patterns, port_ids, strict=True):
        for number, wanted in enumerate(pattern.get("floating_ips", [])):
            try:
                _one(ctx, site_id, port_id, number, wanted)
            except exception.CloudUnavailable:
                raise
            except (exception.CloudError, exception.PreflightFailed) as e:
                _warn(ctx, wanted, e.message)


def _one(
    ctx: StepContext, site_id: str, port_id: str, number: int, wanted: Json
) -> None:
    network = ctx.tenant(site_id).network
    if _original(network, port_id, wanted):
        return
    mark = f"protector:{ctx.member.id}:{number}"
    found = next(
        (
            f
            for f in network.floating_ips(port_id=port_id)
            if f.get("description") == mark
        ),
        None,
    )
    copy = ctx.member.copy(site_id)
    if found is not None and copy is not None:
        if found["id"] in [f["id"] for f in copy.floating_ips]:
            # not this operation's to take back
            return
    if found is None:
        external = mapping.Mapper(ctx.scene, site_id).network(
            wanted,
            [n for n in network.networks() if n.get("router:external")],
        )
        found = network.create_floating_ip(
            {
                "floating_network_id": external["id"],
                "port_id": port_id,
                "project_id": ctx.scene.project(site_id),
                "description": mark,
            }
        )
    _record(ctx, site_id, found, wanted)


def _original(network: Any, port_id: str, wanted: Json) -> bool:
    """Whether the tenant's own address is there, as it is at the home of a
    server that is built anew; then it leads to the port."""
    found = [f for f in network.floating_ips() if f["id"] == wanted.get("id")]
    if not found or found[0].get("port_id") not in (None, port_id):
        return False
    if not found[0].get("port_id"):
        network.update_floating_ip(found[0]["id"], {"port_id": port_id})
    return True


def _record(ctx: StepContext, site_id: str, found: Json, wanted: Json) -> None:
    entry = {
        "id": found["id"],
        "address": found["floating_ip_address"],
        "network_id": found["floating_network_id"],
        "stands_for": wanted["address"],
        "made": True,
    }
    with ctx.write() as session:
        row = records.member_copy(ctx, session, site_id)
        others = [f for f in row.floating_ips if f["id"] != found["id"]]
        row.floating_ips = [*others, entry]
        made.note(ctx, session, made.FLOATING_IPS, found["id"])


def _warn(ctx: StepContext, wanted: Json, why: str) -> None:
    text = f"Floating IP {wanted['address']} has none in its place: {why}"
    with ctx.write() as session:
        row = session.get(models.Member, ctx.member.id)
        if row is not None and text not in row.warnings:
            row.warnings = [*row.warnings, text]
