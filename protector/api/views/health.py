# SPDX-License-Identifier: Apache-2.0
"""The health of a group, from what was last observed."""

from typing import Any

from protector import constants as c
from protector.api.views import protection_groups
from protector.api.views import protection_groups_points as points
from protector.db import models

Json = dict[str, Any]

# what a False of a condition means for the user, and what helps
FIXES = {
    c.Condition.PEER_REACHABLE: "Check the peer site and the connection.",
    c.Condition.METADATA_IN_SYNC: "Run sync-force.",
    c.Condition.REPLICATION_CONFIGURED: "Set a replication policy; check "
    "that the arrays of both sites are configured.",
    c.Condition.REPLICATION_HEALTHY: "Check the link between the arrays.",
    c.Condition.WITHIN_RPO: "Replicate now, or check the load of the link.",
}
# without these a failover cannot be planned on
NEEDED = (
    c.Condition.PEER_REACHABLE,
    c.Condition.METADATA_IN_SYNC,
    c.Condition.REPLICATION_CONFIGURED,
    c.Condition.REPLICATION_HEALTHY,
    c.Condition.WITHIN_RPO,
)


def show(
    group: models.ProtectionGroup,
    facts: protection_groups.Facts,
    recent: list[models.RecoveryPoint],
) -> Json:
    """:param recent: the newest points of the group, newest first."""
    replication = protection_groups.replication(group, facts)
    findings = _findings(group)
    offered = [p for p in recent if points.ineligible(p, group) is None]
    if facts.member_count and not offered:
        findings.append(
            _finding(
                "NoRecoveryPoint",
                "There is no complete recovery point of the current "
                "direction.",
                "Replicate now.",
            )
        )
    return {
        "failover_ready": bool(offered) and _observed_well(group),
        "link": _link(group),
        "lag_seconds": replication["lag_seconds"],
        "last_replication_at": replication["last_replication_at"],
        "rpo_compliant": replication["rpo_compliant"],
        "rpo_minutes": facts.rpo_minutes,
        "rpo_history": [
            points.show(p, group, facts.site_names) for p in recent
        ],
        "conditions": protection_groups.conditions(group),
        "findings": findings,
    }


def _observed_well(group: models.ProtectionGroup) -> bool:
    """What was never observed is not taken for good."""
    stored = (group.conditions.get(kind) for kind in NEEDED)
    return all(s is not None and s["status"] is True for s in stored)


def _link(group: models.ProtectionGroup) -> str:
    found = group.conditions.get(c.Condition.REPLICATION_HEALTHY)
    if found is None or found["status"] is None:
        return "unknown"
    return "connected" if found["status"] else "disconnected"


def _findings(group: models.ProtectionGroup) -> list[Json]:
    found = []
    for kind in NEEDED:
        stored = group.conditions.get(kind)
        if stored is not None and stored["status"] is False:
            found.append(
                _finding(stored["reason"], stored["message"], FIXES[kind])
            )
    return found


def _finding(reason: str, message: str, fix: str) -> Json:
    return {
        "severity": "error",
        "reason": reason,
        "message": message,
        "fix": fix,
    }
