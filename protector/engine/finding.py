# SPDX-License-Identifier: Apache-2.0
"""What a check tells: a severity, a message and its fix."""

from collections.abc import Callable, Iterable
from typing import Any

from protector import exception
from protector.db import models

Json = dict[str, Any]


def error(message: str, fix: str) -> Json:
    """Stops a planned move."""
    return {"severity": "error", "message": message, "fix": fix}


def warning(message: str, fix: str) -> Json:
    return {"severity": "warning", "message": message, "fix": fix}


def each(
    members: Iterable[models.Member],
    examine: Callable[[models.Member], list[Json]],
) -> list[Json]:
    """The findings of all members: one that cannot be looked at does not
    hide the others.  A cloud that does not answer is one finding."""
    found: list[Json] = []
    for member in members:
        try:
            found += examine(member)
        except (exception.LeaseLost, exception.CloudUnavailable):
            raise
        except exception.ProtectorError as e:
            message = f"Member {member.instance_name}: {e.message}"
            found.append(error(message, e.remedy))
    return found
