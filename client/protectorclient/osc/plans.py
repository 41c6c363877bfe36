# SPDX-License-Identifier: Apache-2.0
"""A dry run in words, and the question whether to go on."""

from __future__ import annotations

from typing import Any

from protectorclient import times
from protectorclient.osc import columns, failures

_BLOCKING = frozenset({"error", "blocking", "block", "critical", "fatal"})


def findings(dry_run: dict[str, Any]) -> list[dict[str, Any]]:
    """The findings of the preflight."""
    preflight = dry_run.get("preflight") or []
    if isinstance(preflight, dict):
        preflight = preflight.get("findings") or preflight.get("checks") or []
    return list(preflight)


def is_blocked(dry_run: dict[str, Any]) -> bool:
    """Whether the verb would be refused."""
    preflight = dry_run.get("preflight")
    if isinstance(preflight, dict) and preflight.get("ok") is not None:
        return not preflight["ok"]
    return any(
        str(finding.get("severity")).lower() in _BLOCKING
        for finding in findings(dry_run)
    )


def in_words(title: str, dry_run: dict[str, Any]) -> str:
    """The plan as a text."""
    lines = [f"Plan: {title}"]
    lines += [
        f"{number:3}. {_step(step)}"
        for number, step in enumerate(_steps(dry_run), 1)
    ]
    found = findings(dry_run)
    lines.append("Preflight:" if found else "Preflight: nothing found")
    lines += [columns.check_line(finding) for finding in found]
    seconds = _duration(dry_run)
    if seconds is not None:
        lines.append(f"Predicted duration: {times.clock(seconds)}")
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


def _steps(dry_run: dict[str, Any]) -> list[Any]:
    plan = dry_run.get("plan") or dry_run.get("steps") or []
    if isinstance(plan, dict):
        plan = plan.get("steps") or []
    return list(plan)


def _step(step: Any) -> str:
    if not isinstance(step, dict):
        return str(step)
    member = columns.step_member(step)
    what = str(step.get("name") or step.get("message") or step)
    final = " [point of no return]" if step.get("point_of_no_return") else ""
    return what + (f" ({member})" if member else "") + final


def _duration(dry_run: dict[str, Any]) -> float | None:
    for key in (
        "predicted_duration_seconds",
        "predicted_seconds",
        "predicted_duration",
    ):
        if isinstance(dry_run.get(key), int | float):
            return float(dry_run[key])
    return None
