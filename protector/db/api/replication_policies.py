# SPDX-License-Identifier: Apache-2.0
"""Rows of replication policies.

The shared fields are settled by the engine; the array fields belong to this
site alone and are never pushed.
"""

import datetime
from typing import Any
import uuid

import sqlalchemy as sa
from sqlalchemy import orm

from protector.db import models

Policy = models.ReplicationPolicy


def find(session: orm.Session, group_id: str) -> Policy | None:
    return session.scalars(
        sa.select(Policy).where(Policy.protection_group_id == group_id)
    ).one_or_none()


def defaults(options: Any) -> dict[str, Any]:
    """The shared fields that hold without a policy.

    :param options: ``conf.replication``.
    """
    return {
        "pure_pg_name": None,
        "replication_interval_minutes": options.interval_minutes,
        "rpo_minutes": options.rpo_minutes,
        "retention": {
            "all_for_hours": options.retention_all_for_hours,
            "per_day": options.retention_per_day,
            "days": options.retention_days,
        },
        "prestage": True,
        "undo_retention_days": options.undo_retention_days,
    }


def completed(policy: Policy, values: dict[str, Any]) -> dict[str, Any]:
    """The shared fields that are given; of the retention, too, what is not
    given stays as it is."""
    if "retention" not in values:
        return values
    return {**values, "retention": policy.retention | values["retention"]}


def set_shared(
    session: orm.Session,
    now: datetime.datetime,
    group_id: str,
    shared: dict[str, Any],
    values: dict[str, Any],
) -> None:
    """Write the shared fields that are given.

    :param shared: those of a policy that is made for it.
    """
    policy = _policy(session, now, group_id, shared)
    _write(session, now, policy, completed(policy, values))


def set_arrays(
    session: orm.Session,
    now: datetime.datetime,
    group_id: str,
    shared: dict[str, Any],
    arrays: dict[str, str | None],
) -> None:
    """Write this site's array overrides.

    :param shared: the shared fields of a policy that is made for it.
    :param arrays: columns of the overrides, tokens sealed.
    """
    _write(session, now, _policy(session, now, group_id, shared), arrays)


def _policy(
    session: orm.Session,
    now: datetime.datetime,
    group_id: str,
    shared: dict[str, Any],
) -> Policy:
    policy = find(session, group_id)
    if policy is None:
        policy = Policy(
            id=str(uuid.uuid4()),
            protection_group_id=group_id,
            created_at=now,
            **shared,
        )
        session.add(policy)
    return policy


def _write(
    session: orm.Session,
    now: datetime.datetime,
    policy: Policy,
    values: dict[str, Any],
) -> None:
    for name, value in values.items():
        setattr(policy, name, value)
    policy.updated_at = now
    session.flush()
