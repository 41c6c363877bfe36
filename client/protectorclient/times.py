# SPDX-License-Identifier: Apache-2.0
"""Times in words. Pure functions; no clock is read here."""

from __future__ import annotations

from datetime import UTC, datetime
from email import utils as email_utils

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def parse(text: str | None) -> datetime | None:
    """A time of the API (ISO 8601, UTC) or of a Date header."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = email_utils.parsedate_to_datetime(text)
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def span(seconds: float) -> str:
    """``5 seconds``, ``5 minutes``, ``1 hour``: the largest unit only."""
    seconds = max(int(seconds), 0)
    for unit, size in _UNITS:
        if seconds >= size or size == 1:
            count = seconds // size
            return f"{count} {unit}" + ("" if count == 1 else "s")
    raise AssertionError("unreachable")


def ago(then: str | None, now: datetime) -> str | None:
    """``5 seconds ago``, or None for no time."""
    moment = parse(then)
    if moment is None:
        return None
    return f"{span((now - moment).total_seconds())} ago"


def clock(seconds: float | None) -> str:
    """``0:05``, ``12:00``, ``1:02:03``; ``-`` for None."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}"
