# SPDX-License-Identifier: Apache-2.0
"""A protection group's two plans: when it is snapped, how long it is kept.

Pure functions on plain values: what a plan may contain, whether it is due and
which snapshots it lets go. The defaults are those of a new group on an array.
"""

from collections.abc import Iterable
import json
from sqlite3 import Row
from typing import Any

from protector.sandbox.array import errors

_DAY = 86400

SCHEDULE: dict[str, Any] = {
    "replicate_at": None,
    "replicate_blackout": None,
    "replicate_enabled": False,
    "replicate_frequency": 14400,
    "snap_at": None,
    "snap_enabled": False,
    "snap_frequency": 3600,
}
RETENTION: dict[str, Any] = {
    "all_for": 86400,
    "days": 7,
    "per_day": 4,
    "target_all_for": 86400,
    "target_days": 7,
    "target_per_day": 4,
}
# a schedule that is switched on takes its first snapshot at once
STARTS = {
    "replicate_enabled": "UPDATE pgroups SET replicated_at = NULL"
    " WHERE id = ?",
    "snap_enabled": "UPDATE pgroups SET snapped_at = NULL WHERE id = ?",
}


def changed(
    row: Row, values: dict[str, Any], name: str, least: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (schedule, retention) of ``row`` with ``values`` set.

    ``least``: the shortest frequency in seconds. Raises ``ArrayError`` for a
    value that a plan cannot have, or for both plans at once.
    """
    schedule = json.loads(row["schedule"])
    retention = json.loads(row["retention"])
    if any(k in schedule for k in values) and any(
        k in retention for k in values
    ):
        raise errors.ArrayError(
            "Schedule and retention cannot be set together.", name
        )
    for key, value in values.items():
        _check(key, value, name, least)
    for key, value in values.items():
        (schedule if key in schedule else retention)[key] = value
    for kind in ("replicate", "snap"):
        daily = schedule[f"{kind}_frequency"] % _DAY == 0
        if schedule[f"{kind}_at"] is not None and not daily:
            raise errors.ArrayError(
                f"{kind}_at needs a frequency of whole days.", name
            )
    return schedule, retention


def _check(key: str, value: Any, name: str, least: float) -> None:
    if key.endswith("_enabled"):
        valid = isinstance(value, bool)
    elif key == "replicate_blackout":
        valid = value is None or _is_window(value)
    elif key.endswith("_at"):
        valid = value is None or _is_count(value, _DAY - 1)
    else:
        valid = _is_count(value)
    if not valid:
        raise errors.ArrayError(f"Invalid value for {key}.", name)
    if key.endswith("_frequency") and value < least:
        raise errors.ArrayError(
            f"Invalid value for {key}: the minimum is {least:g} seconds.", name
        )


def _is_count(value: Any, most: int = 10**9) -> bool:
    return (
        isinstance(value, int)
        and not isinstance(value, bool)
        and 0 <= value <= most
    )


def _is_window(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"start", "end"}
        and all(_is_count(v, _DAY) for v in value.values())
    )


def due(
    schedule: dict[str, Any], kind: str, last: float | None, now: float
) -> bool:
    """Tell whether "replicate" or "snap" is to happen at ``now``.

    ``last``: when it last happened, in seconds, or None if never.
    """
    if not schedule[f"{kind}_enabled"]:
        return False
    blackout = schedule["replicate_blackout"]
    if kind == "replicate" and blackout and _within(now, blackout):
        return False
    if last is None:
        return True
    at = schedule[f"{kind}_at"]
    next_time = last + schedule[f"{kind}_frequency"]
    if at is not None:
        next_time += (at - next_time) % _DAY - _DAY
        next_time = next_time if next_time > last else next_time + _DAY
    return now >= next_time


def _within(now: float, window: dict[str, int]) -> bool:
    second = now % _DAY
    start, end = window["start"], window["end"]
    if start <= end:
        return start <= second < end
    return second >= start or second < end


def expired(
    taken: Iterable[tuple[int, float]],
    now: float,
    keep: tuple[int, int, int],
) -> set[int]:
    """Return the ids that a retention plan lets go.

    ``taken``: (id, time taken in seconds) of the snapshots. ``keep``:
    (all_for, per_day, days). All are kept for ``all_for`` seconds, then
    ``per_day`` of each day for ``days`` days: the newest of each slot, the
    calendar day (UTC) being cut into ``per_day`` slots.
    """
    all_for, per_day, days = keep
    gone: set[int] = set()
    slots: set[int] = set()
    for number, when in sorted(taken, key=lambda pair: -pair[1]):
        age = now - when
        if age <= all_for:
            continue
        slot = int(when * per_day / _DAY)
        if per_day == 0 or age > all_for + days * _DAY or slot in slots:
            gone.add(number)
        slots.add(slot)
    return gone
