# SPDX-License-Identifier: Apache-2.0
"""A member's security groups at a site: found, or made with their rules."""

from collections.abc import Callable
import dataclasses
from typing import Any

from protector import exception
from protector.clients import network as network_client
from protector.engine import made, mapping, records
from protector.engine.context import StepContext

Json = dict[str, Any]
# fields that narrow a rule; Neutron's own egress rules have none of them
NARROWING = (
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
)


@dataclasses.dataclass(frozen=True)
class Own:
    """How those are called that have to be made.

    :ivar mark: the end of their description.
    :ivar suffix: of their name.
    :ivar record: called with the id of each, as soon as it is known.
    """

    mark: str
    suffix: str
    record: Callable[[str], None]


def ensure(ctx: StepContext, site_id: str) -> dict[str, Json]:
    """The target's group, with ``id`` and ``made``, for each of the
    recipe's, by the source's id.

    Members share groups: callers take turns.

    :raises PreflightFailed: a mapped one is not there.
    """
    mark = f"(protector:{ctx.scene.group.id})"
    own = Own(mark, "", lambda group_id: _record(ctx, site_id, group_id))
    return ensure_own(ctx, site_id, own)


def ensure_own(ctx: StepContext, site_id: str, own: Own) -> dict[str, Json]:
    """The same; what is not there is made as ``own`` says."""
    found = {
        group["id"]: _group(ctx, site_id, group, own)
        for group in ctx.member.recipe["security_groups"]
    }
    network = ctx.tenant(site_id).network
    for group in ctx.member.recipe["security_groups"]:
        if found[group["id"]]["made"]:
            _rules(network, found, group)
    return found


def _group(ctx: StepContext, site_id: str, group: Json, own: Own) -> Json:
    network = ctx.tenant(site_id).network
    known = network.security_groups()
    mapper = mapping.Mapper(ctx.scene, site_id)
    match = mapper.security_group(group, known) or next(
        (g for g in known if _is_own(g, group, own)), None
    )
    if match is None:
        match = network.create_security_group(
            group["name"] + own.suffix,
            f"{group['description']} {own.mark}".strip(),
        )
    ours = own.mark in (match.get("description") or "")
    if ours:
        own.record(match["id"])
    return {
        "id": match["id"],
        "made": ours,
        "rules": match.get("security_group_rules") or [],
    }


def _is_own(found: Json, group: Json, own: Own) -> bool:
    named = found["name"] == group["name"] + own.suffix
    return named and own.mark in (found.get("description") or "")


def _record(ctx: StepContext, site_id: str, group_id: str) -> None:
    copies = [m.copy(site_id) for m in ctx.scene.members]
    is_known = any(
        group_id in x.made.get(made.SECURITY_GROUPS, []) for x in copies if x
    )
    with ctx.write() as session:
        row = records.member_copy(ctx, session, site_id)
        known = row.made.get(made.SECURITY_GROUPS, [])
        if group_id not in known:
            value = {made.SECURITY_GROUPS: [*known, group_id]}
            row.made = {**row.made, **value}
        if not is_known:
            made.note(ctx, session, made.SECURITY_GROUPS, group_id)


def _rules(
    network: network_client.NetworkClient, groups: dict[str, Json], group: Json
) -> None:
    for rule in group["rules"]:
        body = {k: v for k, v in rule.items() if v is not None}
        remote = body.get("remote_group_id")
        if remote:
            if remote not in groups:
                continue
            body["remote_group_id"] = groups[remote]["id"]
        body["security_group_id"] = groups[group["id"]]["id"]
        try:
            network.create_security_group_rule(body)
        except exception.CloudConflict:
            # it is there
            continue
    _drop_defaults(network, groups[group["id"]]["rules"], group["rules"])


def _drop_defaults(
    network: network_client.NetworkClient,
    present: list[Json],
    wanted: list[Json],
) -> None:
    """Take Neutron's own rules, which let everything out, from a group of
    ours whose pattern does not have them."""
    kept = {r["ethertype"] for r in wanted if lets_all_out(r)}
    for rule in present:
        if lets_all_out(rule) and rule["ethertype"] not in kept:
            try:
                network.delete_security_group_rule(rule["id"])
            except exception.CloudNotFound:
                continue


def lets_all_out(rule: Json) -> bool:
    """Whether it is one that Neutron gives to every group."""
    return rule["direction"] == "egress" and not any(
        rule.get(field) for field in NARROWING
    )
