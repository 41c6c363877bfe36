# SPDX-License-Identifier: Apache-2.0
"""Arranges the steps of an operation for the eye.  Pure functions."""

from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

Step = dict[str, Any]

MARKS = {
    "done": "✓",
    "running": "▸",
    "pending": "·",
    "failed": "✗",
    "timed_out": "✗",
    "failed_ignored": "!",
    "skipped": "-",
}
STYLES = {
    "done": "green",
    "running": "yellow",
    "pending": "dim",
    "failed": "bold red",
    "timed_out": "bold red",
    "failed_ignored": "magenta",
    "skipped": "dim",
}
_BUSY = ("running", "pending")


@dataclasses.dataclass
class Row:
    """One name of a step: the group's own, and one per member."""

    name: str
    group: Step | None
    members: list[Step | None]

    @property
    def is_busy(self) -> bool:
        """Whether some of it has still to be done."""
        found = [self.group, *self.members]
        return any(step and step["status"] in _BUSY for step in found)


@dataclasses.dataclass
class Matrix:
    """Steps by name and member, in the order of the plan."""

    members: list[str]
    rows: list[Row]

    def window(self, size: int) -> list[Row]:
        """At most ``size`` rows round the first that is busy."""
        busy = [n for n, row in enumerate(self.rows) if row.is_busy]
        first = busy[0] if busy else len(self.rows)
        start = max(min(first - size // 3, len(self.rows) - size), 0)
        return self.rows[start : start + size]


def matrix(steps: Sequence[Step]) -> Matrix:
    """Arrange the steps; a name that comes again has a row again."""
    members = list(
        dict.fromkeys(s["member"] for s in steps if s.get("member"))
    )
    rows: list[Row] = []
    for step in steps:
        row = _row_for(rows, step, members)
        if step.get("member"):
            row.members[members.index(step["member"])] = step
        else:
            row.group = step
    return Matrix(members, rows)


def _row_for(rows: list[Row], step: Step, members: list[str]) -> Row:
    member = step.get("member")
    for row in rows:
        taken = row.members[members.index(member)] if member else row.group
        if row.name == step["name"] and taken is None:
            return row
    rows.append(Row(step["name"], None, [None] * len(members)))
    return rows[-1]


def cell(step: Step | None) -> str:
    """One step in a table, as rich markup: its mark and its seconds."""
    if step is None:
        return ""
    status = step["status"]
    text = MARKS.get(status, "?")
    spent = seconds(step)
    if spent is not None:
        text += f" {spent:.0f} s"
    return f"[{STYLES.get(status, '')}]{text}[/]"


def line(step: Step) -> str:
    """One step as a line: name, member, status, seconds, what it says."""
    words = step["name"]
    if step.get("member"):
        words += f" ({step['member']})"
    words += f" {step['status']}"
    spent = seconds(step)
    if spent is not None and step["status"] != "running":
        words += f", {spent:.0f} s"
    error = (step.get("error") or {}).get("message")
    said = error or step.get("message")
    return f"{words}: {said}" if said else words


def seconds(step: Step) -> float | None:
    """How long a step took, or has run until now; None if not begun."""
    begun = _time(step.get("started_at"))
    if begun is None:
        return None
    ended = _time(step.get("finished_at"))
    now = datetime.datetime.now(datetime.UTC)
    return max(((ended or now) - begun).total_seconds(), 0)


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
