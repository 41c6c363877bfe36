# SPDX-License-Identifier: Apache-2.0
"""Shows operations while they run, and ends with what they became.

On a terminal a live table, elsewhere one line per change of a step; always on
the stream given (stderr), so that stdout has the result only.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TextIO

from protectorclient import times, wait
from protectorclient.osc import columns, failures, live


def watch(
    look: wait.Look,
    operations: list[Any],
    names: dict[str, str],
    stream: TextIO,
    timeout: float | None,
) -> list[Any]:
    """Wait for operations and show them.

    :param look: takes an operation's id, returns it as it is now
    :param operations: as last seen
    :param names: what to call the group, by the group's id
    :param stream: where to show them
    :param timeout: seconds, None for no deadline
    :returns: the operations as they ended
    :raises failures.Detached: the user pressed Ctrl-C
    :raises protectorclient.errors.WaitTimeout: the deadline passed
    """
    view, shown = _view(stream, names)
    try:
        with shown:
            return wait.wait_for_operations(
                look, operations, view, wait.Patience(timeout=timeout)
            )
    except KeyboardInterrupt:
        ids = [operation.id for operation in operations]
        raise failures.Detached(ids) from None


def _view(
    stream: TextIO, names: dict[str, str]
) -> tuple[Callable[[Any], None], AbstractContextManager[Any]]:
    """The callback that shows, and what is open meanwhile."""
    if stream.isatty():
        view = live.LiveView(stream, names)
        return view.look, view
    return PlainView(stream, names).look, nullcontext()


class PlainView:
    """One line for each change of a step, for logs and pipes."""

    def __init__(self, stream: TextIO, names: dict[str, str]) -> None:
        self._stream = stream
        self._names = names
        self._known: dict[tuple[str, str], str] = {}

    def look(self, operation: Any) -> None:
        """Write what has changed since the last look."""
        for step in operation.steps or []:
            if step.get("status") != "pending":
                self._news(operation, step)
        self._ending(operation)

    def _news(self, operation: Any, step: dict[str, Any]) -> None:
        key = (operation.id, str(step.get("id") or step.get("name")))
        status = str(step.get("status"))
        if self._known.get(key) == status:
            return
        self._known[key] = status
        member = columns.step_member(step)
        whom = f" ({member})" if member else ""
        self._line(operation, f"{step.get('name')}{whom}: {status}")

    def _ending(self, operation: Any) -> None:
        key = (operation.id, "")
        if operation.is_finished and key not in self._known:
            self._known[key] = operation.status
            self._line(operation, str(operation.status))

    def _line(self, operation: Any, text: str) -> None:
        group = self._names.get(operation.protection_group_id or "", "")
        what = f"{operation.kind} {group}".strip()
        elapsed = times.clock(operation.elapsed_seconds)
        self._stream.write(
            f"{what}: {operation.progress or 0}% {elapsed} {text}\n"
        )
        self._stream.flush()
