# SPDX-License-Identifier: Apache-2.0
"""The live table of operations on a terminal.

``rich`` is imported when a table is shown, not before: importing the plugin
must stay cheap.
"""

from __future__ import annotations

from collections.abc import Iterator
import time
from types import TracebackType
from typing import Any, Self, TextIO

from protectorclient import times
from protectorclient.osc import columns

_MOST_STEPS = 12
_PER_SECOND = 4


class LiveView:
    """A table that is drawn again four times a second."""

    def __init__(self, stream: TextIO, names: dict[str, str]) -> None:
        self._stream = stream
        self._names = names
        self._seen: dict[str, tuple[Any, float]] = {}
        self._live: Any = None

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        console = Console(file=self._stream, stderr=True)
        self._live = Live(
            console=console,
            get_renderable=self.draw,
            refresh_per_second=_PER_SECOND,
        )
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def look(self, operation: Any) -> None:
        """Take note of an operation; the next drawing shows it."""
        self._seen[operation.id] = (operation, time.monotonic())
        if self._live is not None:
            self._live.refresh()

    def draw(self) -> Any:
        """The table as it is now."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False)
        for title in ("task", "done", "elapsed", "left", "members now"):
            table.add_column(title)
        for operation, seen in list(self._seen.values()):
            age = 0 if operation.is_finished else time.monotonic() - seen
            for row in self._rows(operation, age):
                table.add_row(*row)
        return table

    def _rows(self, operation: Any, age: float) -> Iterator[tuple[str, ...]]:
        group = self._names.get(operation.protection_group_id or "", "")
        title = f"{operation.kind} {group} {operation.status or ''}"
        yield (
            " ".join(title.split()),
            f"{operation.progress or 0}%",
            times.clock(_plus(operation.elapsed_seconds, age)),
            times.clock(_plus(operation.remaining_seconds, -age)),
            ", ".join(_members_now(operation)),
        )
        if len(self._seen) == 1:
            for step in _worth_showing(operation.steps or []):
                yield (f"  {columns.step_line(step)}", "", "", "", "")


def _worth_showing(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What runs and failed, with as much round it as there is room for."""
    if len(steps) <= _MOST_STEPS:
        return steps
    first = next(
        (
            index
            for index, step in enumerate(steps)
            if step.get("status") in ("running", "pending")
        ),
        len(steps),
    )
    start = max(min(first - 3, len(steps) - _MOST_STEPS), 0)
    bad = [s for s in steps[:start] if "fail" in str(s.get("status"))]
    return bad + steps[start : start + _MOST_STEPS]


def _members_now(operation: Any) -> list[str]:
    """Members whose steps run now."""
    running = (
        columns.step_member(step)
        for step in operation.steps or []
        if step.get("status") == "running"
    )
    return sorted({member for member in running if member})


def _plus(seconds: float | None, more: float) -> float | None:
    return None if seconds is None else max(seconds + more, 0)
