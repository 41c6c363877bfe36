# SPDX-License-Identifier: Apache-2.0
"""Rows of drills: one for each group, the last one.

The only writer of a drill's state.  Callers hold the row of the group.
"""

from collections.abc import Sequence
import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import states
from protector.db import models

Drill = models.Drill
Op = models.Operation


def find(session: orm.Session, group_id: str) -> Drill | None:
    return session.get(Drill, group_id)


def of_groups(
    session: orm.Session, group_ids: Sequence[str]
) -> dict[str, Drill]:
    """By group, in one query."""
    statement = sa.select(Drill).where(
        Drill.protection_group_id.in_(group_ids)
    )
    return {d.protection_group_id: d for d in session.scalars(statement)}


def going(
    session: orm.Session, group_ids: Sequence[str], peer_id: str
) -> dict[str, str]:
    """Ids of the live drills that the site started itself, by group.

    :param peer_id: of the other site.
    """
    return {
        group_id: drill.operation_id
        for group_id, drill in of_groups(session, group_ids).items()
        if is_live(drill) and drill.site_id != peer_id
    }


def is_live(drill: Drill | None) -> bool:
    """Whether something of the drill may still be there."""
    return drill is not None and drill.status != c.DrillStatus.ENDED


def can_clean(drill: Drill | None) -> bool:
    """Whether a cleanup has something to do: also what an earlier one had
    to leave."""
    return drill is not None and (is_live(drill) or bool(drill.residue))


def live_in(
    session: orm.Session, site_id: str, project_id: str, first: str
) -> list[str]:
    """Groups of a project that have a drill at a site; ``first``, if it has
    one, leads."""
    group = models.ProtectionGroup
    statement = (
        sa.select(Drill.protection_group_id)
        .join(group, group.id == Drill.protection_group_id)
        .where(
            Drill.site_id == site_id,
            Drill.status != c.DrillStatus.ENDED,
            group.project_id == project_id,
        )
        .order_by(Drill.protection_group_id != first, Drill.started_at)
    )
    return list(session.scalars(statement))


def kept() -> sa.Select[tuple[str]]:
    """Ids of the operations that the drills' rows name."""
    return sa.select(Drill.operation_id)


# -- the shared slot


def take(
    session: orm.Session, group: models.ProtectionGroup, operation: Op
) -> None:
    """Give the drill's place in the group to an operation that begins, or
    begins again.

    :raises InvalidStatus: there is a drill already, none, or somebody is at
        work on it; or the group's status forbids it.
    """
    verb = operation.kind
    refused = states.refusal(verb, group.name, group.status, group.error_verb)
    if refused is not None:
        raise refused
    found = find(session, group.id)
    if verb == c.Verb.TEST_FAILOVER:
        if found is not None and is_live(found):
            raise states.drill_runs(group.name, found.operation_id)
        _begin(session, group.id, operation, found)
        return
    if found is None or not can_clean(found):
        raise states.no_drill(group.name)
    other = at_work(session, group.id)
    if other is not None and other != operation.id:
        raise states.drill_busy(group.name, other)
    operation.args = {**operation.args, "drill_id": found.operation_id}


def at_work(session: orm.Session, group_id: str) -> str | None:
    """The unfinished operation that makes or removes the group's drill."""
    statement = sa.select(Op.id).where(
        Op.protection_group_id == group_id,
        Op.kind.in_(c.DRILL_VERBS),
        Op.status.in_(c.UNFINISHED),
    )
    return session.scalars(statement).first()


def _begin(
    session: orm.Session, group_id: str, operation: Op, found: Drill | None
) -> Drill:
    row = found or Drill(protection_group_id=group_id)
    row.operation_id = operation.id
    row.site_id = operation.executor_site_id
    row.status = c.DrillStatus.STARTING
    row.verdict = row.expires_at = row.ended_at = None
    row.members, row.residue = [], []
    row.started_at = operation.created_at
    session.add(row)
    return row


# -- its life


def run(
    drill: Drill,
    verdict: str | None,
    expires_at: datetime.datetime,
) -> None:
    """All that is to be made is there, until the lease runs out."""
    drill.status = c.DrillStatus.RUNNING
    drill.verdict = verdict
    drill.expires_at = expires_at


def end(
    drill: Drill, now: datetime.datetime, residue: Sequence[Any] = ()
) -> None:
    """Nothing of it is there any more, but for what is listed."""
    drill.status = c.DrillStatus.ENDED
    drill.ended_at = now
    drill.residue = list(residue)


def observed(session: orm.Session, told: Op) -> None:
    """What a mirrored operation says of the drill at the other site, in
    whatever order they come."""
    row = find(session, told.protection_group_id)
    if told.kind == c.Verb.TEST_CLEANUP:
        cleaned = told.status == c.OperationStatus.COMPLETED
        if row and cleaned and row.operation_id == told.args.get("drill_id"):
            result = told.result or {}
            end(row, told.finished_at, result.get("residue", []))
        return
    if row is not None and row.operation_id != told.id:
        if row.started_at > told.created_at:
            return
    elif row is not None and not is_live(row) and row.verdict:
        # it was cleaned up
        return
    if row is None or row.operation_id != told.id or not is_live(row):
        row = _begin(session, told.protection_group_id, told, row)
    _told(row, told)


def _told(row: Drill, told: Op) -> None:
    result = told.result or {}
    if told.status == c.OperationStatus.COMPLETED:
        expires = result.get("drill", {}).get("expires_at")
        if expires:
            at = datetime.datetime.fromisoformat(expires)
            run(row, result.get("verdict"), at)
        cleaned = result.get("cleaned_at")
        if cleaned:
            # before anybody heard of it
            at = datetime.datetime.fromisoformat(cleaned)
            end(row, at, result.get("residue", []))
    elif told.status not in c.UNFINISHED:
        end(row, told.finished_at or told.created_at)


def forgotten(
    session: orm.Session,
    told: dict[str, str | None],
    peer_id: str,
    now: datetime.datetime,
    since: datetime.datetime,
) -> None:
    """End what is over at the other site, which told of no end: its
    database, or the one here, went back in time.

    :param told: by group, the drill that goes on there.
    :param since: what began later may not have been told of.
    """
    for group_id, row in of_groups(session, list(told)).items():
        ours = row.site_id != peer_id or row.operation_id == told[group_id]
        if is_live(row) and not ours and row.started_at < since:
            end(row, now)


def expired(
    session: orm.Session, site_id: str, now: datetime.datetime
) -> list[str]:
    """Groups whose drill at this site is over, or was given up while it
    was made, and that nobody works at."""
    busy = (
        sa.select(Op.id)
        .where(
            Op.protection_group_id == Drill.protection_group_id,
            Op.kind.in_(c.DRILL_VERBS),
            Op.status.in_(c.UNFINISHED),
        )
        .exists()
    )
    statement = sa.select(Drill.protection_group_id).where(
        Drill.site_id == site_id,
        sa.or_(
            Drill.status == c.DrillStatus.STARTING,
            sa.and_(
                Drill.status == c.DrillStatus.RUNNING,
                Drill.expires_at <= now,
            ),
        ),
        ~busy,
    )
    return list(session.scalars(statement))
