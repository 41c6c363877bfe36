# SPDX-License-Identifier: Apache-2.0
"""Shows the story while it runs: a live table, or plain lines.

Both take the same calls: a phase begins, an operation was looked at,
something is to be said.  They decide nothing.
"""

from collections.abc import Iterator
import contextlib
import time
from types import TracebackType
from typing import Any, Protocol, Self

from rich import console as rich_console
from rich import live, progress_bar, table
from rich import text as rich_text

from protector.sandbox import steps

_PER_SECOND = 8
_AROUND = 8
"""Lines of a terminal that are not steps."""


class View(Protocol):
    """What the story calls."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def begin(self, title: str) -> None:
        """A phase begins."""

    def end(self, text: str) -> None:
        """The phase has ended; a line about it."""

    def say(self, text: str) -> None:
        """Something beside the operation."""

    def look(self, operation: Any) -> None:
        """The operation as it is now."""


class PlainView:
    """One line for each thing that happens, with the seconds so far."""

    def __init__(self, console: rich_console.Console) -> None:
        self._console = console
        self._start = time.monotonic()
        self._known: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def begin(self, title: str) -> None:
        self._line(f"== {title}")

    def end(self, text: str) -> None:
        self._line(f"   {text}")

    def say(self, text: str) -> None:
        self._line(f"   {text}")

    def look(self, operation: Any) -> None:
        for step in operation.steps or []:
            status = step["status"]
            if self._known.get(step["id"], "pending") != status:
                self._known[step["id"]] = status
                self._line(f"   {operation.kind}: {steps.line(step)}")

    def _line(self, text: str) -> None:
        seconds = time.monotonic() - self._start
        self._console.out(f"{seconds:6.1f} {text}", highlight=False)


class LiveView:
    """The current operation's steps, with the members side by side."""

    def __init__(self, console: rich_console.Console) -> None:
        self._console = console
        self._title = ""
        self._begun = time.monotonic()
        self._operation: Any = None
        # it draws at once
        self._live = live.Live(
            console=console,
            get_renderable=self._draw,
            refresh_per_second=_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def begin(self, title: str) -> None:
        self._title, self._operation = title, None
        self._begun = time.monotonic()

    def end(self, text: str) -> None:
        title = rich_text.Text(f"{self._title:<12} ", style="bold")
        self._console.print(title.append(text, style="not bold"))
        self._title, self._operation = "", None

    def say(self, text: str) -> None:
        self._console.print(f"  {text}", style="dim", markup=False)

    def look(self, operation: Any) -> None:
        self._operation = operation

    def _draw(self) -> Any:
        grid = table.Table.grid()
        if self._title:
            seconds = time.monotonic() - self._begun
            grid.add_row(f"[bold]▸ {self._title}[/] {seconds:.0f} s")
        if self._operation is not None:
            grid.add_row(self._progress())
            grid.add_row(self._steps())
        return grid

    def _progress(self) -> Any:
        done = self._operation.progress or 0
        row = table.Table.grid(padding=(0, 1))
        bar = progress_bar.ProgressBar(completed=done, width=40)
        row.add_row("  " + self._operation.kind, bar, f"{done}%")
        return row

    def _steps(self) -> table.Table:
        found = steps.matrix(self._operation.steps or [])
        room = max(self._console.height - _AROUND, 5)
        shown = table.Table(box=None, pad_edge=True)
        for title in ("step", "group", *found.members):
            shown.add_column(title, header_style="dim")
        for row in found.window(room):
            cells = [row.group, *row.members]
            shown.add_row(row.name, *[steps.cell(cell) for cell in cells])
        return shown


@contextlib.contextmanager
def opened(
    console: rich_console.Console, plain: bool
) -> Iterator[PlainView | LiveView]:
    """The view for a console."""
    kind = LiveView if console.is_terminal and not plain else PlainView
    with kind(console) as view:
        yield view
