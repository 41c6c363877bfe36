# SPDX-License-Identifier: Apache-2.0
"""The health of a group: what was last observed as conditions, what the
last preflight found as findings; neither is made into the other."""

import datetime
from typing import Any

from protector import constants as c
from protector import times
from protector.api.views import protection_groups
from protector.api.views import protection_groups_points as points
from protector.db import models

Json = dict[str, Any]


def show(
    group: models.ProtectionGroup,
    facts: protection_groups.Facts,
    recent: list[models.RecoveryPoint],
    days: list[models.RpoDay],
) -> Json:
    """:param recent: the newest points of the group, newest first.
    :param days: the newest first.
    """
    replication = protection_groups.replication(group, facts)
    return {
        "failover_ready": _holds(group, c.Condition.FAILOVER_READY),
        "link": _link(group),
        "lag_seconds": replication["lag_seconds"],
        "last_replication_at": replication["last_replication_at"],
        "rpo_compliant": replication["rpo_compliant"],
        "rpo_minutes": facts.rpo_minutes,
        "rpo_history": [
            points.show(p, group, facts.site_names, facts.rpo_minutes)
            for p in recent
        ],
        "rpo_days": _days(days, facts.now.date()),
        "conditions": protection_groups.conditions(group),
        **_findings(group, facts.now),
    }


def _days(rows: list[models.RpoDay], today: datetime.date) -> list[Json]:
    """From today back to the oldest, days without an arrival too."""
    if not rows:
        return []
    known = {row.day: row for row in rows}
    back = range((today - rows[-1].day).days + 1)
    days = (today - datetime.timedelta(days=past) for past in back)
    return [_day(day, known.get(day)) for day in days]


def _day(day: datetime.date, row: models.RpoDay | None) -> Json:
    return {
        "day": day.isoformat(),
        "transfers": row.transfers if row else 0,
        "bytes": row.bytes if row else 0,
        "worst_seconds": row.worst_seconds if row else None,
        "slowest_seconds": row.slowest_seconds if row else None,
        "breaches": row.breaches if row else 0,
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


def _findings(group: models.ProtectionGroup, now: datetime.datetime) -> Json:
    """Those of the last preflight, and how old they are."""
    if group.findings is None:
        return {
            "findings": [],
            "findings_at": None,
            "findings_age_seconds": None,
        }
    at = datetime.datetime.fromisoformat(group.findings["at"])
    return {
        "findings": group.findings["findings"],
        "findings_at": times.iso(at),
        "findings_age_seconds": max(0, round((now - at).total_seconds())),
    }
