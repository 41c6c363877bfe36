# SPDX-License-Identifier: Apache-2.0
"""An operation as a document: Markdown, HTML or JSON. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import html
import json
from typing import Any

from protectorclient import times
from protectorclient.osc import columns

_FACTS = (
    ("Operation", "id"),
    ("Type", "type"),
    ("Outcome", "outcome"),
    ("From site", "source_site_id"),
    ("To site", "target_site_id"),
    ("Recovery point", "recovery_point_id"),
    ("Requested by", "user_id"),
    ("Request", "request_id"),
    ("Created", "created_at"),
    ("Started", "started_at"),
    ("Finished", "finished_at"),
)
Section = tuple[str, list[str], list[list[str]]]


def as_json(operation: Any, group: str) -> str:
    """All that is known, as JSON."""
    document = operation.to_dict(computed=False, headers=False)
    for key in ("name", "location", "tenant_id"):
        document.pop(key, None)
    document["protection_group"] = group
    document["elapsed_seconds"] = operation.elapsed_seconds
    return json.dumps(document, indent=2) + "\n"


def as_markdown(operation: Any, group: str) -> str:
    """For a ticket."""
    lines = [f"# {_title(operation, group)}", ""]
    for heading, head, rows in _sections(operation):
        lines += [f"## {heading}", "", _md_row(head)]
        lines.append(_md_row(["---"] * len(head)))
        lines += [_md_row(row) for row in rows]
        lines.append("")
    return "\n".join(lines)


def as_html(operation: Any, group: str) -> str:
    """One page without anything to load."""
    title = html.escape(_title(operation, group))
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        "<style>table{border-collapse:collapse}td,th{border:1px solid #999;"
        "padding:.2em .6em;text-align:left}</style></head><body>",
        f"<h1>{title}</h1>",
    ]
    for heading, head, rows in _sections(operation):
        parts += [f"<h2>{html.escape(heading)}</h2>", "<table>"]
        parts.append(_html_row("th", head))
        parts += [_html_row("td", row) for row in rows]
        parts.append("</table>")
    return "\n".join([*parts, "</body></html>", ""])


FORMATS: dict[str, Callable[[Any, str], str]] = {
    "markdown": as_markdown,
    "html": as_html,
    "json": as_json,
}


def _title(operation: Any, group: str) -> str:
    name = group or operation.protection_group_id or ""
    return f"{operation.kind} of {name}: {operation.status}"


def _sections(operation: Any) -> Iterator[Section]:
    """The tables of the report: heading, head, rows."""
    yield "Summary", ["what", "value"], _facts(operation)
    result = dict(operation.result or {})
    checks = _checks(result)
    if checks:
        yield "Checks", ["member", "check", "passed", "seen"], checks
    listed = {k: result.pop(k) for k in list(result) if _is_table(result[k])}
    if result:
        rows = [[_words(k), _text(v)] for k, v in result.items()]
        yield "Result", ["what", "value"], rows
    for key, table in listed.items():
        head = list(dict.fromkeys(name for row in table for name in row))
        rows = [[_text(row.get(name)) for name in head] for row in table]
        yield _words(key), [_words(name) for name in head], rows
    steps = operation.steps or []
    if steps:
        head = ["step", "member", "status", "started", "finished", "error"]
        yield "Steps", head, [_step(step) for step in steps]


def _checks(result: dict[str, Any]) -> list[list[str]]:
    """Those of a drill, taken out of its members: one row for each."""
    rows, members = [], []
    for member in result.get("members") or []:
        row = dict(member)
        for check in row.pop("checks", []):
            passed = "yes" if check.get("ok") else "no"
            words = [check.get("name"), passed, check.get("message")]
            rows.append([_text(member.get("name")), *map(_text, words)])
        members.append(row)
    if members:
        result["members"] = members
    return rows


def _facts(operation: Any) -> list[list[str]]:
    rows = [
        [label, _text(operation[key])]
        for label, key in _FACTS
        if operation[key]
    ]
    rows.append(["Duration", times.clock(operation.elapsed_seconds)])
    for key in ("message", "reason", "remedy"):
        if (operation.error or {}).get(key):
            rows.append([f"Error: {key}", str(operation.error[key])])
    return rows


def _step(step: dict[str, Any]) -> list[str]:
    return [
        _text(step.get("name")),
        columns.step_member(step),
        _text(step.get("status")),
        _text(step.get("started_at")),
        _text(step.get("finished_at")),
        _text(step.get("error")),
    ]


def _is_table(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, dict) for row in value)
    )


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return columns.Structure(value).human_readable().replace("\n", "; ")
    return str(value)


def _md_row(cells: list[str]) -> str:
    safe = (
        cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
        for cell in cells
    )
    return f"| {' | '.join(safe)} |"


def _html_row(tag: str, cells: list[str]) -> str:
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inner}</tr>"
