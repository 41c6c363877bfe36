# SPDX-License-Identifier: Apache-2.0
"""What a check tells: a code to act on, and a message with its fix.

The codes are words of the product (``constants.Finding``).  Decides nothing:
which finding stops which verb is preflight's.
"""

from collections.abc import Callable, Iterable
import dataclasses
from typing import Any

from protector import constants as c
from protector import exception
from protector.db import models

Json = dict[str, Any]
Code = c.Finding
# what it means that a check could not be made
CODES: tuple[tuple[type[exception.ProtectorError], Code], ...] = (
    (exception.PeerUnreachable, Code.PEER_UNREACHABLE),
    (exception.CloudUnavailable, Code.CLOUD_UNREACHABLE),
    (exception.CloudForbidden, Code.RIGHT_MISSING),
    (exception.ArrayUnavailable, Code.ARRAY_UNREACHABLE),
    (exception.ReplicationNotConfigured, Code.REPLICATION_NOT_CONFIGURED),
)
# it may well be made a moment later
UNANSWERED = frozenset(
    {
        Code.PEER_UNREACHABLE,
        Code.CLOUD_UNREACHABLE,
        Code.ARRAY_UNREACHABLE,
        Code.CHECK_FAILED,
    }
)


@dataclasses.dataclass(frozen=True)
class Finding:
    """:param member: id of the member that it is about.
    :param check: the name of the check that told it; preflight fills it in.
    """

    code: Code
    severity: c.Severity
    message: str
    fix: str
    member: str | None = None
    check: str = ""

    def as_dict(self) -> Json:
        """As it is stored, sent and shown."""
        return {
            key: value if value is None else str(value)
            for key, value in dataclasses.asdict(self).items()
        }


def error(
    code: Code, message: str, fix: str, member: str | None = None
) -> Finding:
    """Stops a planned move."""
    return Finding(code, c.Severity.ERROR, message, fix, member)


def warning(
    code: Code, message: str, fix: str, member: str | None = None
) -> Finding:
    return Finding(code, c.Severity.WARNING, message, fix, member)


def of(problem: exception.ProtectorError) -> Finding:
    """The finding that a check could not be made."""
    code = next(
        (code for kind, code in CODES if isinstance(problem, kind)),
        Code.CHECK_FAILED,
    )
    return error(code, problem.message, problem.remedy)


def each(
    members: Iterable[models.Member],
    examine: Callable[[models.Member], list[Finding]],
) -> list[Finding]:
    """The findings of all members: one that cannot be looked at does not
    hide the others.  A cloud that does not answer is one finding."""
    found: list[Finding] = []
    for member in members:
        try:
            told = examine(member)
        except (exception.LeaseLost, exception.CloudUnavailable):
            raise
        except exception.ProtectorError as e:
            message = f"Member {member.instance_name}: {e.message}"
            told = [dataclasses.replace(of(e), message=message)]
        found += [dataclasses.replace(f, member=member.id) for f in told]
    return found
