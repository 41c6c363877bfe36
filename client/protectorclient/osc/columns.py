# SPDX-License-Identifier: Apache-2.0
"""Cells of tables: words for people, structure for ``-f json``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cliff import columns

from protectorclient import times

_HIDDEN = frozenset({"tenant_id", "group_id", "site_id", "location", "name"})


class Structure(columns.FormattableColumn):
    """A list or dictionary: one line per entry."""

    def human_readable(self) -> str:
        return _lines(self._value)


class Maybe(columns.FormattableColumn):
    """A plain value that may be missing: nothing for people, null in JSON."""

    def human_readable(self) -> str:
        return "" if self._value is None else str(self._value)


class Lag(columns.FormattableColumn):
    """Seconds behind."""

    def human_readable(self) -> str:
        return "-" if self._value is None else times.span(self._value)


class Conditions(columns.FormattableColumn):
    """Conditions: ``type=status (reason)`` per line."""

    def human_readable(self) -> str:
        return "\n".join(
            f"{row.get('type')}={row.get('status')}"
            + (f" ({row['reason']})" if row.get("reason") else "")
            for row in conditions(self._value)
        )


class Refusals(columns.FormattableColumn):
    """Refused verbs: ``verb: reason`` per line."""

    def human_readable(self) -> str:
        return "\n".join(
            f"{verb}: {why.get('reason')}" for verb, why in self._value.items()
        )


class Steps(columns.FormattableColumn):
    """Steps of an operation: ``mark name (member)`` per line."""

    def human_readable(self) -> str:
        return "\n".join(step_line(step) for step in self._value)


class Problem(columns.FormattableColumn):
    """The error of an operation: its reason."""

    def human_readable(self) -> str:
        value = self._value or {}
        return str(value.get("reason") or value.get("message") or "")


class RpoHistory(columns.FormattableColumn):
    """Recovery points: a mark, when, and the age it ended, per line."""

    def human_readable(self) -> str:
        return "\n".join(_rpo_line(point) for point in self._value)


class RpoDays(columns.FormattableColumn):
    """What was reached on each day: a mark and the figures, per line."""

    def human_readable(self) -> str:
        return "\n".join(_day_line(day) for day in self._value)


class Reached(columns.FormattableColumn):
    """The age that a recovery point ended, marked where it was too great."""

    def human_readable(self) -> str:
        seconds, kept = self._value
        if seconds is None:
            return "-"
        return times.span(seconds) + (" ✗" if kept is False else "")


class Checks(columns.FormattableColumn):
    """Findings and checks: a mark, what, and the message per line."""

    def human_readable(self) -> str:
        return "\n".join(check_line(check) for check in self._value)


_SPECIAL: dict[str, type[columns.FormattableColumn]] = {
    "conditions": Conditions,
    "refused_actions": Refusals,
    "steps": Steps,
    "findings": Checks,
    "validation": Checks,
    "checks": Checks,
    "preflight": Checks,
    "rpo_days": RpoDays,
    "rpo_history": RpoHistory,
}

_MARKS = {
    "done": "✓",
    "running": "▸",
    "pending": " ",
    "failed": "✗",
    "timed_out": "✗",
    "failed_ignored": "!",
    "skipped": "-",
}


def conditions(value: Any) -> list[dict[str, Any]]:
    """Conditions as a list, if they came by their type."""
    if isinstance(value, dict):
        return [{"type": kind, **row} for kind, row in value.items()]
    return list(value or [])


def cell(name: str, value: Any) -> Any:
    """The cell of a field: plain values stay, structures get a column."""
    if value is None:
        return Maybe(None)
    if not isinstance(value, list | dict):
        return value
    return _SPECIAL.get(name, Structure)(value)


def plain(value: Any) -> Any:
    """What a cell holds, for machines."""
    if isinstance(value, columns.FormattableColumn):
        return value.machine_readable()
    return value


def fields(
    resource: Any,
    first: Sequence[str],
    hidden: Iterable[str] = (),
    more: bool = True,
) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Names and values of a resource for a two-column table.

    :param resource: the resource
    :param first: the documented fields, shown always and in this order
    :param hidden: fields not to show
    :param more: whether the other fields that have a value follow
    """
    values = resource.to_dict(computed=False, headers=False)
    left_out = _HIDDEN.union(hidden, first)
    rest = [
        key
        for key, value in values.items()
        if more and key not in left_out and value is not None
    ]
    names = (*first, *rest)
    return names, tuple(cell(name, values.get(name)) for name in names)


def step_member(step: dict[str, Any]) -> str:
    """Whom a step is about, in words; empty for the whole group."""
    return step.get("member") or ""


def step_line(step: dict[str, Any]) -> str:
    """One step as a line."""
    mark = _MARKS.get(str(step.get("status")), "?")
    member = step_member(step)
    line = f"{mark} {step.get('name')}" + (f" ({member})" if member else "")
    error = step.get("error")
    if isinstance(error, dict):
        error = error.get("message")
    return f"{line}: {error}" if error else line


def _rpo_line(point: dict[str, Any]) -> str:
    """One recovery point of the history as a line."""
    kept = point.get("rpo_compliant")
    mark = "-" if kept is None else "✓" if kept else "✗"
    reached = point.get("rpo_seconds")
    after = "" if reached is None else f" after {times.span(reached)}"
    return f"{mark} {point.get('created_at')}{after}"


def _day_line(day: dict[str, Any]) -> str:
    """One day of arrivals as a line."""
    count, breaches = day.get("transfers") or 0, day.get("breaches") or 0
    mark = "✓" if count and not breaches else "✗"
    worst = day.get("worst_seconds")
    reached = "" if worst is None else f", at worst {times.span(worst)}"
    above = f", {breaches} above the RPO" if breaches else ""
    return f"{mark} {day.get('day')}: {count} points{reached}{above}"


def check_line(check: dict[str, Any]) -> str:
    """One check or finding as a line."""
    if "ok" in check:
        mark = "✓" if check["ok"] else "✗"
    else:
        mark = str(check.get("severity") or "").upper() or "-"
    what = check.get("code") or check.get("check") or check.get("name") or ""
    line = f"{mark} {what}: {check.get('message') or ''}".rstrip(": ")
    fix = check.get("fix")
    return f"{line} Fix: {fix}" if fix else line


def _lines(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(_entry(k, v) for k, v in value.items())
    if all(not isinstance(item, list | dict) for item in value):
        return ", ".join(str(item) for item in value)
    return "\n".join(_inline(item) for item in value)


def _entry(key: str, value: Any) -> str:
    """One line; of rows, such as the members of a result, one for each."""
    if isinstance(value, list) and any(isinstance(r, dict) for r in value):
        return "\n  ".join([f"{key}:", *(_inline(row) for row in value)])
    return f"{key}={_inline(value)}"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k}={_inline(v)}" for k, v in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(_inline(item) for item in value) + "]"
    return str(value)
