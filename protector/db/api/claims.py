# SPDX-License-Identifier: Apache-2.0
"""The acceptance of an unplanned move: the claim and what it ends; and the
claim of a source that takes back what it released.

One transaction, at the site that takes the group, and no word from the
other one.
"""

from collections.abc import Collection
import datetime
from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.db import models, types
from protector.db.api import (
    metadata_sync,
    operations,
    protection_groups,
    source_locks,
)

Op = models.Operation
Step = models.OperationStep
OVERWRITE = "volumes.overwrite"
# steps that replace the content of a member's volumes
WRITING = (OVERWRITE, "volumes.gather")


def accept(
    session: orm.Session,
    now: datetime.datetime,
    group: models.ProtectionGroup,
    verb: str,
    values: dict[str, Any],
) -> Op:
    """Claim the next epoch for the target and give the group's slot to the
    move, whatever held it.  Repeating it with the same ``id`` gives the same
    row.  A source that takes back what it released, or what the other site
    claimed and never told of, comes back as from a lock that ran out.

    :param group: locked.
    :param values: as ``operations.accept`` takes them.
    :raises InvalidStatus: there is no document to build on.
    """
    operation_id = values.get("id") or str(uuid.uuid4())
    existing = session.get(Op, operation_id)
    if existing is not None:
        return existing
    parent = metadata_sync.triple(metadata_sync.find(session, group.id))
    if parent is None:
        raise states.never_received(group.name)
    site_id = values["target_site_id"]
    ended = operations.preempt(
        session,
        now,
        group,
        exception.Superseded(
            f"Operation {operation_id} takes protection group {group.name} "
            "over."
        ),
    )
    data: dict[str, Any] = {"superseded": ended}
    if group.current_primary_site_id == site_id:
        source_locks.run_out(session, group.id, values["source_site_id"])
        data["reclaimed"] = True
    else:
        source_locks.clear(session, group.id)
    group.operation_id = None
    epoch = protection_groups.ask_epoch(group, site_id)
    protection_groups.claim(
        group, epoch, site_id, operation_id, parent.as_dict()
    )
    return operations.accept(
        session,
        now,
        group,
        verb,
        {
            **values,
            "id": operation_id,
            "no_return": True,
            "data": {"epoch": epoch, **data},
        },
    )


def reclaim(session: orm.Session, group_id: str, site_id: str) -> None:
    """The source takes its group back, in an epoch above the one that was
    released or claimed; from here the lock is one that ran out.

    :param site_id: of the source.
    """
    group = protection_groups.lock(session, group_id)
    if not protection_groups.is_taken(group, site_id):
        # another engine was faster, or the other site told more
        return
    (other,) = {group.primary_site_id, group.secondary_site_id} - {site_id}
    lock = source_locks.run_out(session, group_id, other)
    parent = metadata_sync.triple(metadata_sync.find(session, group.id))
    protection_groups.claim(
        group,
        protection_groups.ask_epoch(group, site_id),
        site_id,
        lock.operation_id,
        parent.as_dict() if parent else {},
    )


def still_run(
    session: orm.Session, operation_ids: Collection[str], margin: float
) -> list[str]:
    """Those of the ended operations whose worker has not said that it has
    stopped, and may still have a call under way.

    :param margin: seconds past the end of a lease.
    """
    statement = sa.select(Op.id).where(
        Op.id.in_(operation_ids),
        Op.worker.is_not(None),
        Op.lease_until + margin > types.db_epoch(),
    )
    return list(session.scalars(statement))


def staged(session: orm.Session, group_id: str, site_id: str) -> list[str]:
    """Ids of the moves to a site that may have left staging volumes."""
    statement = sa.select(Op).where(
        Op.protection_group_id == group_id,
        Op.kind.in_(c.PLACEMENT_VERBS),
        Op.target_site_id == site_id,
        Op.status.in_((c.OperationStatus.FAILED, c.OperationStatus.CANCELLED)),
    )
    return [r.id for r in session.scalars(statement) if "staged" in r.data]


def half_overwritten(
    session: orm.Session, group_id: str, site_id: str
) -> str | None:
    """The id of the last move that overwrote what is at a site, unless it
    has overwritten all of it."""
    begun = (
        sa.select(Op)
        .join(Step, Step.operation_id == Op.id)
        .where(
            Op.protection_group_id == group_id,
            Op.kind.in_(c.PLACEMENT_VERBS),
            Op.target_site_id == site_id,
            Step.name.in_(WRITING),
            Step.attempt > 0,
        )
        .order_by(Op.created_at.desc())
        .limit(1)
    )
    operation = session.scalar(begun)
    if operation is None:
        return None
    whole = all(
        step.status == c.StepStatus.DONE
        for step in operation.steps
        if step.name == OVERWRITE or (step.name in WRITING and step.attempt)
    )
    return None if whole else operation.id
