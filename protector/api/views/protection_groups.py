# SPDX-License-Identifier: Apache-2.0
"""What a protection group looks like; its conditions and what it allows."""

import dataclasses
import datetime
from typing import Any

from protector import constants as c
from protector import times
from protector.api import errors, legality, microversion
from protector.db import models

Json = dict[str, Any]
Group = models.ProtectionGroup
DETAILED = microversion.Version(1, 2)
# the verbs under .../action, and those with a path of their own
SHOWN_VERBS = tuple(v for v in c.Verb if v != c.Verb.CREATE)
# the moves without the source, which ask for less
UNPLANNED = {
    f"unplanned_{v}": v for v in SHOWN_VERBS if v in c.PLACEMENT_VERBS
}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the view needs beside the group's own row.

    :ivar newest: the newest complete point of its direction and epoch.
    """

    consistency_group_id: str | None
    local_site_id: str
    local_site_name: str
    site_names: dict[str, str]
    rpo_minutes: int
    now: datetime.datetime
    situation: legality.Situation
    newest: models.RecoveryPoint | None = None


def summary(group: Group, facts: Facts, version: Any) -> Json:
    """A row of the list."""
    shown = {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "status": group.status,
        "replication_type": group.replication_type,
        "primary_site_id": group.primary_site_id,
        "secondary_site_id": group.secondary_site_id,
        "current_primary_site_id": group.current_primary_site_id,
        "consistency_group_id": facts.consistency_group_id,
        "failover_count": group.failover_count,
        "created_at": times.iso(group.created_at),
        "project_id": group.project_id,
        "volume_type_id": group.volume_type_id,
        "last_failover_at": times.iso(group.last_failover_at),
        "updated_at": times.iso(group.updated_at),
        "member_count": facts.situation.settled,
        "replication": replication(group, facts),
        # a change is followed by it, whatever the version
        "last_operation_id": group.last_operation_id,
    }
    if version >= DETAILED:
        shown |= _details(group, facts)
    return shown


def show(
    group: Group, facts: Facts, version: Any, consistency_group: Json | None
) -> Json:
    shown = summary(group, facts, version)
    return {**shown, "consistency_group": consistency_group}


def _details(group: Group, facts: Facts) -> Json:
    refused = refusals(group, facts)
    return {
        "allowed_actions": [
            str(name)
            for name in (*SHOWN_VERBS, *UNPLANNED)
            if name not in refused
        ],
        "refused_actions": refused,
        "conditions": conditions(group),
        "epoch": group.epoch,
        "metadata_version": group.metadata_version,
        "drill": drill(facts.situation.drill),
    }


def drill(row: models.Drill | None) -> Json | None:
    """The last one, if there was any."""
    if row is None:
        return None
    return {
        "operation_id": row.operation_id,
        "site_id": row.site_id,
        "status": row.status,
        "verdict": row.verdict,
        "residue": row.residue,
        "started_at": times.iso(row.started_at),
        "expires_at": times.iso(row.expires_at),
        "ended_at": times.iso(row.ended_at),
    }


def replication(group: Group, facts: Facts) -> Json:
    """State, last transfer and lag, from what was last observed.

    The lag is the age of what has arrived, not of its arrival.
    """
    lag = None
    if facts.newest is not None:
        age = facts.now - facts.newest.created_at
        lag = max(0, round(age.total_seconds()))
    return {
        "state": _state(group),
        "last_replication_at": times.iso(group.last_replication_at),
        "lag_seconds": lag,
        "rpo_compliant": (
            None if lag is None else lag <= facts.rpo_minutes * 60
        ),
    }


def _state(group: Group) -> str:
    configured = _status(group, c.Condition.REPLICATION_CONFIGURED)
    healthy = _status(group, c.Condition.REPLICATION_HEALTHY)
    if configured is None:
        return "unknown"
    if not configured:
        return "not_configured"
    return {True: "replicating", False: "error", None: "unknown"}[healthy]


def _status(group: Group, kind: str) -> bool | None:
    found = group.conditions.get(kind)
    return found["status"] if found else None


def conditions(group: Group) -> list[Json]:
    """All that were observed, in the order of their declaration."""
    return [
        {"type": str(kind), **_condition(group.conditions[kind])}
        for kind in c.Condition
        if kind in group.conditions
    ]


def _condition(stored: Json) -> Json:
    at = datetime.datetime.fromisoformat(stored["at"])
    return {
        "status": stored["status"],
        "reason": stored["reason"],
        "message": stored["message"],
        "at": times.iso(at),
        "version": stored["version"],
    }


def refusals(group: Group, facts: Facts) -> dict[str, Json]:
    """Each verb that would be refused now, and why; a move without its
    source under a name of its own."""
    found = {
        str(verb): legality.refusal(verb, group, facts.situation)
        for verb in SHOWN_VERBS
    } | {
        name: legality.refusal_unplanned(verb, group, facts.situation)
        for name, verb in UNPLANNED.items()
    }
    return {
        name: errors.refusal(error)
        for name, error in found.items()
        if error is not None
    }
