# SPDX-License-Identifier: Apache-2.0
"""REST 1.x answers as values: pure functions from JSON to ``adapter``.

Raises ``KeyError``, ``TypeError`` or ``ValueError`` on answers of another
shape; the caller knows whose answer it was.
"""

from collections.abc import Iterable, Mapping
import datetime
from typing import Any

from protector.storage import base
from protector.storage.pure import adapter

Json = Mapping[str, Any]


def identity(row: Json, rest: str) -> adapter.Identity:
    return adapter.Identity(row["array_name"], row["version"], rest)


def space(told: Json | list[Json]) -> base.Space:
    """A list of one since later versions."""
    row = told[0] if isinstance(told, list) else told
    return base.Space(capacity=int(row["capacity"]), used=int(row["total"]))


def links(rows: Iterable[Json]) -> dict[str, str]:
    """``status`` since REST 1.17, the boolean ``connected`` before."""
    return {
        row["array_name"]: row.get("status")
        or ("connected" if row["connected"] else "disconnected")
        for row in rows
    }


def destroyed(row: Json) -> bool:
    """``pending`` lists tell for what is destroyed how long it is kept."""
    return row.get("time_remaining") not in (None, "")


def volume(row: Json) -> adapter.Volume:
    return adapter.Volume(
        name=row["name"],
        serial=row["serial"],
        size=int(row["size"]),
        destroyed=destroyed(row),
    )


def group(row: Json) -> adapter.Group:
    return adapter.Group(
        name=row["name"],
        volumes=frozenset(row["volumes"] or ()),
        targets={
            target["name"]: bool(target["allowed"])
            for target in row["targets"] or ()
        },
        destroyed=destroyed(row),
    )


def settings(schedule: Json, retention: Json) -> adapter.Settings:
    """Frequencies are seconds in REST 1.x."""
    return adapter.Settings(
        enabled=bool(schedule["replicate_enabled"]),
        interval=schedule["replicate_frequency"],
        on_source=_retention(retention, ""),
        on_target=_retention(retention, "target_"),
        snapping=bool(schedule["snap_enabled"]),
        snap_interval=schedule["snap_frequency"],
        blackout=_blackout(schedule.get("replicate_blackout")),
    )


def pod(row: Json) -> adapter.Pod:
    return adapter.Pod(
        name=row["name"],
        arrays={a["name"]: a["status"] for a in row["arrays"]},
        mediators={a["name"]: a["mediator_status"] for a in row["arrays"]},
        destroyed=destroyed(row),
    )


def created(row: Json) -> datetime.datetime:
    return _time(row["created"])


def transfer(row: Json) -> adapter.Transfer:
    moved = row.get("data_transferred", row.get("logical_data_transferred"))
    return adapter.Transfer(
        snapshot=row["name"],
        created=created(row),
        completed=_time(row["completed"]) if row["completed"] else None,
        progress=float(row["progress"] or 0),
        bytes=int(moved or 0),
    )


def _retention(row: Json, prefix: str) -> adapter.Retention:
    return adapter.Retention(
        all_for=row[f"{prefix}all_for"],
        per_day=row[f"{prefix}per_day"],
        days=row[f"{prefix}days"],
    )


def _blackout(window: Json | None) -> tuple[int, int] | None:
    return (window["start"], window["end"]) if window else None


def _time(text: str) -> datetime.datetime:
    """``2017-12-16T05:13:04Z``, always UTC."""
    time = datetime.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=datetime.UTC)
