# SPDX-License-Identifier: Apache-2.0
"""Whether the target's hosts have room for all the members at once.

By Placement's candidates, packed first-fit: aggregates, traits and affinity
are the scheduler's, so this can say that there is too little room, never
that there is enough.
"""

from protector import exception
from protector.db import models
from protector.engine import finding
from protector.engine.finding import Code, Finding
from protector.engine.preflight.look import Look

Room = dict[str, int]


def capacity(look: Look) -> list[Finding]:
    wanted = _wanted(look)
    if not wanted:
        return []
    placement = look.service(look.target).placement
    hosts: dict[str, Room] = {}
    try:
        for need in {tuple(sorted(n.items())) for _, n in wanted}:
            hosts |= placement.candidates(dict(need))
    except exception.CloudError as e:
        return [
            finding.warning(
                Code.CAPACITY_UNKNOWN,
                "Whether the hosts at the target have room could not be "
                f"checked: {e.message}",
                "Let the service user read Placement (role admin or service) "
                "and see that it answers, or look yourself.",
            )
        ]
    return [
        finding.error(
            Code.CAPACITY_SHORT,
            f"No host at the target has room for {member.instance_name} "
            "beside the others: "
            + ", ".join(f"{k} {v}" for k, v in need.items()),
            "Free or add hosts at the target site, or map the flavor to a "
            "smaller one.",
            member.id,
        )
        for member, need in _left_over(wanted, hosts)
    ]


def _wanted(look: Look) -> list[tuple[models.Member, Room]]:
    """What each member takes of a host: its disks are volumes."""
    found = []
    for member in look.members:
        try:
            flavor = look.mapper.flavor(member.recipe, look.flavors)
        except exception.PreflightFailed:
            continue
        room = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.ram}
        room = {k: v for k, v in room.items() if v}
        if room:
            found.append((member, room))
    return found


def _left_over(
    wanted: list[tuple[models.Member, Room]], hosts: dict[str, Room]
) -> list[tuple[models.Member, Room]]:
    """Those that find no place, the largest placed first."""
    free = {host: dict(room) for host, room in hosts.items()}
    left = []
    for member, need in sorted(
        wanted, key=lambda w: w[1].get("MEMORY_MB", 0), reverse=True
    ):
        host = next(
            (
                room
                for room in free.values()
                if all(room.get(k, 0) >= v for k, v in need.items())
            ),
            None,
        )
        if host is None:
            left.append((member, need))
            continue
        for key, number in need.items():
            host[key] -= number
    return left
