# SPDX-License-Identifier: Apache-2.0
"""REST 2.x answers as values: pure functions from the SDK's models.

Times are milliseconds since the epoch, schedules milliseconds; the models
raise ``AttributeError`` for what an answer does not have.  That, ``TypeError``
or ``ValueError`` mean an answer of another shape; the caller knows whose.
"""

from collections.abc import Iterable
import datetime
from typing import Any

from protector.storage import base
from protector.storage.pure import adapter


def identity(rows: Iterable[Any], rest: str) -> adapter.Identity:
    row = one(rows)
    return adapter.Identity(_text(row.name), _text(row.version), rest)


def space(rows: Iterable[Any]) -> base.Space:
    row = one(rows)
    return base.Space(
        capacity=int(row.capacity), used=int(row.space.total_physical)
    )


def one(rows: Iterable[Any]) -> Any:
    """The only row. Raises ``ValueError``."""
    (row,) = rows
    return row


def links(rows: Iterable[Any]) -> dict[str, str]:
    return {_text(row.name): _text(row.status) for row in rows}


def by_group(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Members or targets of groups, by the group."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(_text(row.group.name), []).append(row)
    return found


def holder(row: Any) -> str:
    """The host, or else the host group, of a connection."""
    return _text((getattr(row, "host", None) or row.host_group).name)


def volume(row: Any) -> adapter.Volume:
    return adapter.Volume(
        name=_text(row.name),
        serial=_text(row.serial),
        size=int(row.provisioned),
        destroyed=bool(row.destroyed),
    )


def group(
    row: Any, volumes: Iterable[Any], targets: Iterable[Any]
) -> adapter.Group:
    return adapter.Group(
        name=_text(row.name),
        volumes=frozenset(_text(r.member.name) for r in volumes),
        targets={_text(r.member.name): bool(r.allowed) for r in targets},
        destroyed=bool(row.destroyed),
    )


def settings(row: Any) -> adapter.Settings:
    schedule = row.replication_schedule
    local = row.snapshot_schedule
    return adapter.Settings(
        enabled=bool(schedule.enabled),
        interval=_seconds(schedule),
        on_source=_retention(row.source_retention),
        on_target=_retention(row.target_retention),
        snapping=bool(local.enabled),
        snap_interval=_seconds(local),
        blackout=_blackout(getattr(schedule, "blackout", None)),
    )


def pod(row: Any) -> adapter.Pod:
    arrays = list(row.arrays)
    return adapter.Pod(
        name=_text(row.name),
        arrays={_text(a.name): _text(a.status) for a in arrays},
        mediators={_text(a.name): _text(a.mediator_status) for a in arrays},
        destroyed=bool(row.destroyed),
    )


def created(row: Any) -> datetime.datetime:
    return time(row.created)


def transfer(row: Any, made: datetime.datetime) -> adapter.Transfer:
    """:param made: when the snapshot was taken, which a transfer does not
    tell."""
    completed = getattr(row, "completed", None)
    return adapter.Transfer(
        snapshot=_text(row.name),
        created=made,
        completed=time(completed) if completed else None,
        progress=float(getattr(row, "progress", 0)),
        bytes=int(getattr(row, "data_transferred", 0)),
    )


def time(milliseconds: Any) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _seconds(schedule: Any) -> int | None:
    frequency = getattr(schedule, "frequency", None)
    return None if frequency is None else int(frequency) // 1000


def _retention(row: Any) -> adapter.Retention:
    return adapter.Retention(
        all_for=int(row.all_for_sec),
        per_day=int(row.per_day),
        days=int(row.days),
    )


def _blackout(window: Any) -> tuple[int, int] | None:
    """An empty one means that there is none."""
    start, end = (getattr(window, key, None) for key in ("start", "end"))
    if start is None or end is None:
        return None
    return int(start) // 1000, int(end) // 1000


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of a text")
    return value
