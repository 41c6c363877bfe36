# SPDX-License-Identifier: Apache-2.0
"""How long a plan would take, by what its steps took before.

Reads the operations that this site knows, its own and those that the peer
told of.  A guess for people; nothing is decided by it.
"""

import collections
from collections.abc import Iterator, Sequence
import datetime
import statistics
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models

Json = dict[str, Any]
# newest operations that are looked at
OPERATIONS = 20
# name of a step -> seconds of its runs
Past = dict[str, list[float]]
# name, status, begin and end of a step
Run = tuple[str, str, datetime.datetime | None, datetime.datetime | None]


def seconds(session: orm.Session, rows: Sequence[Json]) -> float | None:
    """The seconds of a plan's longest path; None without any past.

    A step takes the median of its past runs.  One that never ran takes as
    long for its weight as the others do; one that only waits, its delay.

    :param rows: as ``workflows.rows_for`` makes them.
    """
    past = _past(session)
    taken = {
        row["name"]: past.get(row["name"])
        for row in rows
        if not row["delay_seconds"]
    }
    known = {n: statistics.median(t) for n, t in taken.items() if t}
    if not known:
        return None
    seen = [row for row in rows if row["name"] in known]
    rate = sum(known[r["name"]] for r in seen) / sum(r["weight"] for r in seen)
    ends: dict[int, float] = {}
    for row in rows:
        begins = max((ends[i] for i in row["after"]), default=0.0)
        took = row["delay_seconds"] or known.get(
            row["name"], row["weight"] * rate
        )
        ends[row["ordinal"]] = begins + took
    return round(max(ends.values()), 1)


def _past(session: orm.Session) -> Past:
    found: Past = collections.defaultdict(list)
    newest = (
        sa.select(models.Operation)
        .where(models.Operation.status == c.OperationStatus.COMPLETED)
        .order_by(
            models.Operation.created_at.desc(), models.Operation.id.desc()
        )
        .limit(OPERATIONS)
    )
    for operation in session.scalars(newest):
        for name, status, begun, ended in _runs(operation):
            if status == c.StepStatus.DONE and begun and ended:
                found[name].append((ended - begun).total_seconds())
    return found


def _runs(operation: models.Operation) -> Iterator[Run]:
    for step in operation.steps:
        yield step.name, step.status, step.started_at, step.finished_at
    for told in operation.mirrored_steps or []:
        yield (
            told.get("name", ""),
            told.get("status", ""),
            _time(told.get("started_at")),
            _time(told.get("finished_at")),
        )


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
