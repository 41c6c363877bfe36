# SPDX-License-Identifier: Apache-2.0
"""A dry run in words, and the question whether to go on."""

from __future__ import annotations

from typing import Any

from protectorclient import times
from protectorclient.osc import columns, failures


def is_blocked(dry_run: dict[str, Any]) -> bool:
    """Whether the verb would be refused."""
    return any(row["severity"] == "error" for row in dry_run["preflight"])


def in_words(title: str, dry_run: dict[str, Any]) -> str:
    """The plan as a text."""
    lines = [f"Plan: {title}"]
    lines += [
        f"{number:3}. {_step(step)}"
        for number, step in enumerate(dry_run["steps"], 1)
    ]
    found = dry_run["preflight"]
    lines.append("Preflight:" if found else "Preflight: nothing found")
    lines += [columns.check_line(finding) for finding in found]
    if dry_run["predicted_seconds"] is not None:
        seconds = times.clock(dry_run["predicted_seconds"])
        lines.append(f"Predicted duration: {seconds}")
    if is_blocked(dry_run):
        lines.append("It would be refused.")
    return "\n".join(lines)


def ask(app: Any, question: str) -> None:
    """Ask on the terminal.

    :raises failures.Declined: the answer was not yes
    """
    app.stderr.write(f"{question} [y/N] ")
    app.stderr.flush()
    answer = app.stdin.readline().strip().lower()
    if answer not in ("y", "yes"):
        raise failures.Declined("nothing was done")


def _step(step: dict[str, Any]) -> str:
    member = columns.step_member(step)
    final = " [point of no return]" if step.get("point_of_no_return") else ""
    return step["name"] + (f" ({member})" if member else "") + final
