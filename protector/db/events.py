# SPDX-License-Identifier: Apache-2.0
"""What a transaction did that others are told of, once it is committed.

The writer of a state notes the event beside its change; who is told, and how,
is not known here.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import orm

from protector import constants as c
from protector import notifications, times
from protector.db import models

Json = dict[str, Any]
_KEY = "protector_events"


Event = notifications.Event
Listener = Callable[[Event], None]


def noted(session: orm.Session) -> list[Event]:
    """The events of a session's transaction, in order."""
    found: list[Event] = session.info.get(_KEY, [])
    return found


def operation(session: orm.Session, row: models.Operation) -> None:
    """Note that an operation was begun or has ended, as its status says."""
    failed = row.status == c.OperationStatus.FAILED
    phase = "start" if row.status == c.OperationStatus.RUNNING else "end"
    _note(
        session,
        Event(
            f"protection_group.{row.kind}.{'error' if failed else phase}",
            {
                **{name: getattr(row, name) for name in _OPERATION},
                "operation_id": row.id,
                "started_at": times.iso(row.started_at),
                "finished_at": times.iso(row.finished_at),
            },
            alarming=failed,
        ),
    )


_OPERATION = (
    "protection_group_id",
    "project_id",
    "kind",
    "type",
    "status",
    "outcome",
    "error",
    "source_site_id",
    "target_site_id",
    "recovery_point_id",
    "user_id",
    "request_id",
)


_UNKNOWN: Json = {
    "status": None,
    "reason": None,
    "message": "What was observed before counts no more.",
}


def condition(
    group: models.ProtectionGroup, kind: str, old: Json | None
) -> None:
    """Note that the status or the reason of a condition changed, or that
    what was observed of it counts no more: then it has neither.

    :param old: the condition before, if there was one.
    """
    session = orm.object_session(group)
    if session is None:
        return
    new = group.conditions.get(kind, _UNKNOWN)
    _note(
        session,
        Event(
            "protection_group.condition.change",
            {
                "protection_group_id": group.id,
                "name": group.name,
                "project_id": group.project_id,
                "epoch": group.epoch,
                "current_primary_site_id": group.current_primary_site_id,
                "type": kind,
                "status": new["status"],
                "reason": new["reason"],
                "message": new["message"],
                "old_status": old["status"] if old else None,
                "old_reason": old["reason"] if old else None,
            },
            # of some conditions it is the absence that is good
            alarming=new["status"] is (kind in c.ADVERSE),
            critical=new["reason"] == c.CRITICAL_LATE,
        ),
    )


def _note(session: orm.Session, event: Event) -> None:
    session.info.setdefault(_KEY, []).append(event)
