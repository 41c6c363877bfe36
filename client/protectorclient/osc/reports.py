# SPDX-License-Identifier: Apache-2.0
"""An operation as a document: Markdown, HTML or JSON. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
import html
import json
from typing import Any

from protectorclient import times
from protectorclient.osc import columns

#: Headings and labels that say more than their keys.
_LABELS = {
    "rto_seconds": "RTO (from the start to the last running server)",
    "rpo_seconds": "RPO (age of the recovery point at the start)",
    "recovery_point_created_at": "Recovery point taken",
    "server_id": "Server",
}
#: What stands where there is nothing.
_NOTHING = {
    "rto_seconds": "no server was started",
    "rpo_seconds": "unknown",
    "residue": "none found",
}
#: Of the tables in a result those that are there even when they are empty.
_TABLES = ("members", "checks", "warnings", "residue")
#: What of a result is told in the summary, or with the members.
_ELSEWHERE = ("duration_seconds", "left_out")
#: A heading, the keys of a table's columns, and its rows.
Section = tuple[str, list[str], list[list[str]]]


@dataclass(frozen=True)
class Known:
    """What is known beside the operation.

    :ivar group: name of the protection group; empty if it is not known.
    :ivar sites: names of sites by id.
    :ivar user: name of who asked for it, if it is known.
    """

    group: str
    sites: dict[str, str]
    user: str | None = None


def as_json(operation: Any, known: Known) -> str:
    """All that is known, as JSON."""
    document = operation.to_dict(computed=False, headers=False)
    for key in ("name", "location", "tenant_id"):
        document.pop(key, None)
    document["protection_group"] = known.group
    for end in ("source", "target", "origin"):
        document[f"{end}_site"] = known.sites.get(document[f"{end}_site_id"])
    document["user"] = known.user
    document["elapsed_seconds"] = operation.elapsed_seconds
    return json.dumps(document, indent=2) + "\n"


def as_markdown(operation: Any, known: Known) -> str:
    """For a ticket."""
    lines = [f"# {_title(operation, known)}", ""]
    for heading, head, rows in _sections(operation, known):
        lines += [f"## {heading}", ""]
        if rows:
            lines += [_md_row(head), _md_row(["---"] * len(head))]
            lines += map(_md_row, rows)
        else:
            lines += head
        lines.append("")
    return "\n".join(lines)


def as_html(operation: Any, known: Known) -> str:
    """One page without anything to load."""
    title = html.escape(_title(operation, known))
    parts = [
        "<!DOCTYPE html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        "<style>table{border-collapse:collapse}td,th{border:1px solid #999;"
        "padding:.2em .6em;text-align:left}</style></head><body>",
        f"<h1>{title}</h1>",
    ]
    for heading, head, rows in _sections(operation, known):
        parts.append(f"<h2>{html.escape(heading)}</h2>")
        if rows:
            parts += ["<table>", _html_row("th", head)]
            parts += [_html_row("td", row) for row in rows]
            parts.append("</table>")
        else:
            parts += [f"<p>{html.escape(words)}</p>" for words in head]
    return "\n".join([*parts, "</body></html>", ""])


FORMATS: dict[str, Callable[[Any, Known], str]] = {
    "markdown": as_markdown,
    "html": as_html,
    "json": as_json,
}


def _title(operation: Any, known: Known) -> str:
    name = known.group or operation.protection_group_id or ""
    kind = str(operation.kind).replace("_", " ")
    verdict = (operation.result or {}).get("verdict")
    # a drill that showed that nothing works has completed, too
    end = f", {verdict}" if verdict else ""
    return f"{kind} of {name}: {operation.status}{end}"


def _sections(operation: Any, known: Known) -> Iterator[Section]:
    """The tables of the report; the head of an empty one is what to say."""
    pairs = ["what", "value"]
    yield "Summary", pairs, _facts(operation, known)
    result = dict(operation.result or {})
    for key in _ELSEWHERE:
        result.pop(key, None)
    if "members" in result:
        result["members"], checks = _checks(result["members"])
        if checks:
            result["checks"] = checks
    tables = {k: result.pop(k) for k in list(result) if _is_table(k, result)}
    if result:
        rows = [[_label(k), _value(k, v)] for k, v in result.items()]
        yield "Result", pairs, rows
    for key in sorted(tables, key=_place):
        names = list(dict.fromkeys(n for row in tables[key] for n in row))
        rows = [[_cell(n, row.get(n)) for n in names] for row in tables[key]]
        head = [_label(name) for name in names]
        yield _label(key), head or [_nothing(key, operation)], rows
    if operation.steps:
        head = ["step", "member", "status", "started", "finished", "error"]
        yield "Steps", head, [_step(step) for step in operation.steps]


def _nothing(key: str, operation: Any) -> str:
    """What it means that a table is empty."""
    drills = operation.kind == "test_failover"
    if key == "residue" and drills and operation.status == "completed":
        if not operation.result.get("cleaned_at"):
            return "not looked for yet: the drill was not cleaned up"
    return _NOTHING.get(key, "none")


def _checks(
    members: list[dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The members without their checks, and a row for each check."""
    rows = [
        {
            "member": member.get("name"),
            "check": check.get("name"),
            "passed": check.get("ok"),
            "seen": check.get("message"),
        }
        for member in members
        for check in member.get("checks", [])
    ]
    plain = [{k: v for k, v in m.items() if k != "checks"} for m in members]
    return plain, rows


def _facts(operation: Any, known: Known) -> list[list[str]]:
    def site(end: str) -> str | None:
        site_id = operation[f"{end}_site_id"]
        return _named(known.sites.get(site_id), site_id)

    error = operation.error or {}
    took = (operation.result or {}).get("duration_seconds")
    facts = {
        "Operation": operation.id,
        "Protection group": _named(known.group, operation.protection_group_id),
        "Project": operation.project_id,
        "Type": operation.type,
        "Outcome": operation.outcome,
        "From site": site("source"),
        "To site": site("target"),
        "Recovery point": operation.recovery_point_id,
        "Requested by": _named(known.user, operation.user_id),
        "Requested at": site("origin"),
        "Request": operation.request_id,
        "Created": operation.created_at,
        "Started": operation.started_at,
        "Finished": operation.finished_at,
        "Duration": _seconds(took or operation.elapsed_seconds),
        "Error: message": error.get("message"),
        "Error: reason": error.get("reason"),
        "Error: remedy": error.get("remedy"),
    }
    return [[label, str(value)] for label, value in facts.items() if value]


def _named(name: str | None, key: str | None) -> str | None:
    return f"{name} ({key})" if name and key else key


def _step(step: dict[str, Any]) -> list[str]:
    error = step.get("error")
    return [
        str(step.get("name")),
        columns.step_member(step),
        str(step.get("status")),
        step.get("started_at") or "",
        step.get("finished_at") or "",
        str(error.get("message") if isinstance(error, dict) else error or ""),
    ]


def _is_table(key: str, result: dict[str, Any]) -> bool:
    rows = result[key]
    return isinstance(rows, list) and (
        all(isinstance(row, dict) for row in rows) if rows else key in _TABLES
    )


def _place(key: str) -> int:
    return _TABLES.index(key) if key in _TABLES else len(_TABLES)


def _label(key: str) -> str:
    words = key.removesuffix("_seconds").replace("_", " ")
    return _LABELS.get(key) or words.capitalize()


def _cell(key: str, value: Any) -> str:
    return "-" if value is None else _value(key, value)


def _value(key: str, value: Any) -> str:
    """A value in words, with its unit."""
    if value is None or value in ([], {}):
        return _NOTHING.get(key, "none")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if key.endswith("_seconds"):
        return _seconds(value)
    if isinstance(value, dict):
        known = {k: v for k, v in value.items() if v is not None}
        told = [f"{_label(k)}: {_value(k, v)}" for k, v in known.items()]
        return "; ".join(told) or "none"
    if isinstance(value, list):
        return columns.Structure(value).human_readable().replace("\n", "; ")
    return str(value)


def _seconds(value: float | None) -> str:
    """``12.5 s``; when they are many also as a clock shows them."""
    if value is None:
        return ""
    long = f" ({times.clock(value)})" if value >= 60 else ""
    return f"{value:.1f}".removesuffix(".0") + f" s{long}"


def _md_row(cells: list[str]) -> str:
    safe = (
        cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
        for cell in cells
    )
    return f"| {' | '.join(safe)} |"


def _html_row(tag: str, cells: list[str]) -> str:
    inner = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells)
    return f"<tr>{inner}</tr>"
