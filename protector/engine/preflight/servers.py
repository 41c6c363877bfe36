# SPDX-License-Identifier: Apache-2.0
"""Whether the members can leave, and whether their copies can be used."""

from collections.abc import Callable
from typing import Any

from protector import exception
from protector.clients import types
from protector.db import models
from protector.db.api import histories, protection_groups
from protector.engine import drift, fencing, finding, losses, power, recipe
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look


def members(look: Look) -> list[Finding]:
    if not look.members:
        return [
            finding.error(
                Code.NO_MEMBERS,
                "The group has no members.",
                "Add a server to it.",
            )
        ]
    settled = look.scene.settled_members
    return [
        finding.warning(
            Code.MEMBER_NOT_SETTLED,
            f"Member {m.instance_name} is {m.status} and does not move.",
            "Wait for its change, or remove the member.",
            m.id,
        )
        for m in look.scene.members
        if m not in settled
    ] + [
        # one that an unplanned move left behind
        finding.warning(
            Code.SERVER_MISSING,
            f"Member {m.instance_name} has no server at the source and does "
            "not move.",
            "Remove the member.",
            m.id,
        )
        for m in settled
        if m not in look.members
    ]


def servers(look: Look) -> list[Finding]:
    compute = look.tenant(look.source).compute

    def examine(member: models.Member) -> list[Finding]:
        server_id = str(member.copy(look.source).server_id)
        try:
            server = compute.get_server(server_id)
        except exception.CloudNotFound:
            return [
                finding.error(
                    Code.SERVER_MISSING,
                    f"Server {member.instance_name} ({server_id}) is gone "
                    "at the source.",
                    "Remove the member.",
                )
            ]
        if server.status in fencing.MOVABLE:
            return _held(look, member, server)
        return [
            finding.error(
                Code.SERVER_NOT_MOVABLE,
                f"Server {server.name} ({server.id}) is {server.status}.",
                f"Bring it to {' or '.join(fencing.MOVABLE)}.",
            )
        ]

    return finding.each(look.members, examine)


def _held(
    look: Look, member: models.Member, server: types.Server
) -> list[Finding]:
    """The server stands under a lock of ours though nothing moves the group:
    a move stopped it that the database was restored to before."""
    group = look.scene.group
    if (
        server.status != power.STOPPED
        or not fencing.is_ours(server)
        or group.operation_id is not None
        or group.status != protection_groups.resting_status(group)
        or histories.is_split(group)
    ):
        return []
    fix = "have an administrator unlock the server, and start it."
    copy = look.copy(member)
    if copy is not None and copy.server_id:
        there = look.name(look.target)
        fix = (
            f"If the copy at {there} is in use, "
            f"{drift.taking(look.scene, look.target, there)} If it is not, "
            f"see that it is down, and {fix}"
        )
    return [
        finding.warning(
            Code.LIVE_SERVER_HELD,
            f"Server {server.name} ({server.id}) at site "
            f"{look.name(look.source)} is {server.status} under a lock of "
            f"Protector ({server.locked_reason}); by the records it is live, "
            "and nothing moves it.",
            fix[0].upper() + fix[1:],
            member.id,
        )
    ]


def changed(look: Look) -> list[Finding]:
    """Volumes that came to the servers, or went."""
    return _drifted(look, drift.at_source)


def unprotectable(look: Look) -> list[Finding]:
    """Volumes that came to the servers, and that no move takes along."""
    return _drifted(look, drift.unprotectable)


def _drifted(
    look: Look, told: Callable[[Any, Any, Any], list[Finding]]
) -> list[Finding]:
    rules = recipe.rules(look.scene)

    def examine(member: models.Member) -> list[Finding]:
        try:
            return told(look.change(member), member, rules)
        except exception.CloudNotFound:
            # told with the servers
            return []

    return finding.each(look.members, examine)


def parked(look: Look) -> list[Finding]:
    """The members' servers at the target.

    Apart from their volumes, and the first that is asked of the target's
    Nova: so that a finding of this check tells when it was not answered.
    """
    there = look.tenant(look.target)
    return finding.each(
        look.members,
        lambda member: drift.parked_server(
            there, look.scene, member, look.target
        ),
    )


def copies(look: Look) -> list[Finding]:
    """The volumes that stand for the members' at the target."""
    here, there = look.tenant(look.source), look.tenant(look.target)
    return finding.each(
        look.members,
        lambda member: drift.at_target(
            there, here, member, look.source, look.target
        ),
    )


def lost(look: Look) -> list[Finding]:
    """What the target's Nova is too old to be told of new servers."""
    building = look.without_server()
    if not building:
        return []
    maximum = look.tenant(look.target).compute.server_maximum
    return [
        finding.warning(
            Code.PROPERTY_LOST,
            f"Nova at site {look.name(look.target)} serves microversions up "
            f"to {maximum[0]}.{maximum[1]}: {member.instance_name} loses "
            f"its {' and '.join(fields)} there.",
            "Upgrade Nova there, or do without.",
            member.id,
        )
        for member in building
        for fields in [losses.of(member.recipe, maximum)]
        if fields
    ]
