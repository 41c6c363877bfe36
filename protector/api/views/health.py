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
    c.Condition.PEER_REACHABLE: (
        c.Finding.PEER_UNREACHABLE,
        "Check the peer site and the connection.",
    ),
    c.Condition.METADATA_IN_SYNC: (
        c.Finding.METADATA_OUT_OF_SYNC,
        "Run sync-force.",
    ),
    c.Condition.REPLICATION_CONFIGURED: (
        c.Finding.REPLICATION_NOT_CONFIGURED,
        "Set a replication policy; check that the arrays of both sites are "
        "configured.",
    ),
    c.Condition.REPLICATION_HEALTHY: (
        c.Finding.LINK_DOWN,
        "Check the link between the arrays.",
    ),
    c.Condition.WITHIN_RPO: (
        c.Finding.RECOVERY_POINT_OLD,
        "Replicate now, or check the load of the link.",
    ),
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
    if facts.situation.settled and not offered:
        findings.append(
            _finding(
                c.Finding.NO_RECOVERY_POINT,
                "points",
                "There is no complete recovery point of the current "
                "direction.",
                "Replicate now.",
            )
        )
    return {
        "failover_ready": _holds(group, c.Condition.FAILOVER_READY),
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


def _holds(group: models.ProtectionGroup, kind: str) -> bool:
    """What was never observed is not taken for good."""
    stored = group.conditions.get(kind)
    return stored is not None and stored["status"] is True


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
            code, fix = FIXES[kind]
            found.append(_finding(code, kind, stored["message"], fix))
    return found


def _finding(code: str, check: str, message: str, fix: str) -> Json:
    return {
        "code": str(code),
        "check": str(check),
        "severity": str(c.Severity.ERROR),
        "member": None,
        "message": message,
        "fix": fix,
    }
