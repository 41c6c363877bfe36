# SPDX-License-Identifier: Apache-2.0
"""Follows an operation to its end; knows nothing of how it is shown.

It bears that a site does not answer for a while: that is part of the story.
"""

from collections.abc import Callable, Sequence
import dataclasses
import threading
import time
from typing import Any

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions

FINISHED = ("completed", "failed", "cancelled")
_PASSING = (429, 500, 502, 503, 504)


class OperationError(Exception):
    """An operation did not end well; the text has its error and remedy."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A site that can be asked about an operation.

    :ivar look: takes the operation's id, returns it as it is now.
    """

    site: str
    look: Callable[[str], Any]


@dataclasses.dataclass(frozen=True)
class Patience:
    """Spans in seconds: for the whole operation, and between two looks."""

    seconds: float = 300
    interval: float = 0.2


def follow(
    operation_id: str,
    sources: Sequence[Source],
    seen: Callable[[Any], None],
    away: Callable[[str], None],
    patience: Patience,
) -> Any:
    """Look at an operation until it has completed; return it.

    :param sources: asked in this order; the next if one does not answer.
        The first one's word counts for the end: it executes the operation.
    :param seen: called with the operation after each look.
    :param away: called with the name of a site that does not answer.
    :raises OperationError: it failed, was cancelled, or takes too long.
    """
    deadline = time.monotonic() + patience.seconds
    pause = threading.Event()
    latest: Any = None
    while time.monotonic() < deadline:
        for source in sources:
            try:
                latest = source.look(operation_id)
            except Exception as error:
                if not _passing(error, source is sources[0]):
                    raise
                away(source.site)
                continue
            seen(latest)
            if source is sources[0] and latest.status in FINISHED:
                return _completed(latest)
            break
        pause.wait(patience.interval)
    raise OperationError(_overdue(operation_id, latest, patience.seconds))


def _completed(operation: Any) -> Any:
    if operation.status != "completed":
        raise OperationError(_failure(operation))
    return operation


def _passing(error: Exception, first: bool) -> bool:
    """Whether it is an outage rather than a refusal.

    Only the site that executes an operation must know it at once: the other
    one is told a moment later.
    """
    if isinstance(error, exceptions.NotFoundException):
        return not first
    if isinstance(error, exceptions.HttpException):
        return error.status_code in _PASSING
    return isinstance(
        error,
        ksa_exceptions.ConnectFailure
        | ksa_exceptions.RetriableConnectionFailure
        | ksa_exceptions.DiscoveryFailure,
    )


def _failure(operation: Any) -> str:
    error = operation.error or {}
    lines = [
        f"operation {operation.id} ({operation.kind}) {operation.status}: "
        f"{error.get('message') or 'no message'} ({error.get('reason')})"
    ]
    if error.get("remedy"):
        lines.append(f"remedy: {error['remedy']}")
    lines += [
        f"step {step['name']} {step.get('member') or ''} {step['status']}: "
        f"{(step.get('error') or {}).get('message') or ''}"
        for step in operation.steps or []
        if step["status"] in ("failed", "timed_out")
    ]
    return "\n".join(lines)


def _overdue(operation_id: str, latest: Any, seconds: float) -> str:
    if latest is None:
        return f"operation {operation_id}: no site answered in {seconds:g} s"
    running = [
        f"{step['name']} {step.get('member') or ''}".strip()
        for step in latest.steps or []
        if step["status"] == "running"
    ]
    return (
        f"operation {operation_id} ({latest.kind}) is still {latest.status} "
        f"after {seconds:g} s, at {', '.join(running) or 'no step'}"
    )
