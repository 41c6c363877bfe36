# SPDX-License-Identifier: Apache-2.0
"""What a run of the story showed: its phases, their checks, the table."""

from collections.abc import Iterator
import dataclasses
from typing import Any

from rich import box
from rich import console as rich_console
from rich import table as rich_table

Json = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that must be true."""

    name: str
    ok: bool
    detail: str = ""


@dataclasses.dataclass
class Phase:
    """One part of the story.

    :ivar seconds: how long it took; None while it goes on.
    :ivar rto, rpo: seconds, of a move.
    """

    title: str
    seconds: float | None = None
    steps: int = 0
    recovery_point: str | None = None
    rto: float | None = None
    rpo: float | None = None
    servers: int | None = None
    volumes: int | None = None
    checks: list[Check] = dataclasses.field(default_factory=list)

    def check(self, name: str, ok: bool, detail: str = "") -> bool:
        """Note whether something is as it must be."""
        self.checks.append(Check(name, ok, detail))
        return ok

    def equal(self, name: str, expected: Any, found: Any) -> bool:
        """Note whether two values are equal, and both if they are not."""
        ok = expected == found
        return self.check(
            name, ok, "" if ok else f"expected {expected!r}, found {found!r}"
        )

    def took(self, operation: Any) -> None:
        """Note what an operation that has ended tells of itself."""
        result: Json = operation.result or {}
        self.steps += len(operation.steps or [])
        self.recovery_point = point_of(operation) or self.recovery_point
        if result.get("rto_seconds") is not None:
            self.rto = result["rto_seconds"]
        if result.get("rpo_seconds") is not None:
            self.rpo = result["rpo_seconds"]

    @property
    def passed(self) -> int:
        """How many checks are as they must be."""
        return sum(check.ok for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        """Those that are not."""
        return [check for check in self.checks if not check.ok]


class Report:
    """All phases of a run."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []

    def begin(self, title: str) -> Phase:
        """A new phase, the last one so far."""
        phase = Phase(title)
        self.phases.append(phase)
        return phase

    @property
    def ok(self) -> bool:
        """Whether there were checks and every one passed."""
        ended = all(phase.seconds is not None for phase in self.phases)
        return ended and self.passed > 0 and not list(self.failures())

    @property
    def passed(self) -> int:
        """How many checks passed in all."""
        return sum(phase.passed for phase in self.phases)

    def failures(self) -> Iterator[tuple[Phase, Check]]:
        """The checks that failed."""
        for phase in self.phases:
            for check in phase.failed:
                yield phase, check

    def show(self, console: rich_console.Console) -> None:
        """Print the closing table."""
        console.print(self._table(plain=not console.is_terminal))
        failed = list(self.failures())
        for phase, check in failed:
            console.print(
                f"FAILED {phase.title}: {check.name}: {check.detail}",
                style="bold red",
                markup=False,
                soft_wrap=True,
            )
        verdict = "passed" if self.ok else "FAILED"
        console.print(
            f"{verdict}: {self.passed} checks passed, {len(failed)} failed",
            style="bold green" if self.ok else "bold red",
            highlight=False,
        )

    def _table(self, plain: bool) -> rich_table.Table:
        table = rich_table.Table(box=box.ASCII if plain else box.ROUNDED)
        table.add_column("phase")
        for title in ("seconds", "steps"):
            table.add_column(title, justify="right")
        table.add_column("recovery point", no_wrap=True)
        for title in ("RTO", "RPO", "servers", "volumes", "checks"):
            table.add_column(title, justify="right")
        for phase in self.phases:
            table.add_row(*_row(phase), style="red" if phase.failed else "")
        total = sum(phase.seconds or 0 for phase in self.phases)
        steps = sum(phase.steps for phase in self.phases)
        all_checks = sum(len(phase.checks) for phase in self.phases)
        table.add_section()
        table.add_row(
            "all",
            _seconds(total),
            str(steps),
            *[""] * 5,
            f"{self.passed}/{all_checks}",
        )
        return table


def point_of(operation: Any) -> str | None:
    """The recovery point that an operation used or made, without the name
    of its array group."""
    result: Json = operation.result or {}
    name = result.get("recovery_point")
    for step in operation.steps or []:
        name = name or (step.get("result") or {}).get("point")
    return str(name).rpartition(".")[2] if name else None


def _row(phase: Phase) -> list[str]:
    checks = f"{phase.passed}/{len(phase.checks)}" if phase.checks else ""
    return [
        phase.title,
        _seconds(phase.seconds),
        str(phase.steps or ""),
        phase.recovery_point or "",
        _seconds(phase.rto),
        _seconds(phase.rpo),
        _number(phase.servers),
        _number(phase.volumes),
        checks,
    ]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
