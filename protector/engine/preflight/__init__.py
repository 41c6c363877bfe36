# SPDX-License-Identifier: Apache-2.0
"""Everything that could stop a verb, found at once and without a change.

One function for every verb that moves or replicates, for health and for the
dry run.  A finding of severity ``error`` stops the verb, a ``warning`` is
told.  The same fact may stop one verb and be told to another: see ``Intent``.
"""

from collections.abc import Callable
import dataclasses
import functools
from typing import Any

import tenacity

from protector import constants as c
from protector import exception
from protector.engine import finding
from protector.engine.finding import Finding
from protector.engine.preflight import (
    capacity,
    drills,
    mappings,
    networks,
    parked,
    quotas,
    replication,
    servers,
    sites,
)
from protector.engine.preflight.look import (
    DrillLook,
    Look,
    Repeated,
    Silence,
)

Json = dict[str, Any]
Check = Callable[[Look], list[Finding]]
PARKED_SERVERS = "parked_servers"
LOOKS = 4
LOOKS_SECONDS = 10.0

CHECKS: dict[str, Check] = {
    "peer": sites.peer,
    "split": sites.split,
    "sync": sites.sync,
    "members": servers.members,
    "servers": servers.servers,
    "drift": servers.changed,
    "unprotectable": servers.unprotectable,
    PARKED_SERVERS: servers.parked,
    "copies": servers.copies,
    "rights": sites.rights,
    "versions": sites.microversions,
    "losses": servers.lost,
    "mappings": mappings.mappings,
    "compute": quotas.compute,
    "capacity": capacity.capacity,
    "volumes": quotas.volumes,
    "clones": drills.clones,
    "ports": quotas.ports,
    "networks": networks.addresses,
    "replication": replication.replication,
    "points": replication.points,
    "held": replication.held,
    "closed": replication.copies,
    "undo": parked.undo,
    "parked": parked.parked,
}


@dataclasses.dataclass(frozen=True)
class Intent:
    """What is looked at for a verb, and which of it can stop the verb."""

    checks: tuple[str, ...]
    blocking: frozenset[str]
    look: type[Look] = Look


MOVING = tuple(
    name for name in CHECKS if name not in ("undo", "parked", "clones")
)
# what is lacking of a point is made up for by the final one, and volumes
# that came since are taken into the group
PLANNED = Intent(MOVING, frozenset(MOVING) - {"points", "held", "drift"})
# what stops a move of either kind
HEALTH = Intent(MOVING, frozenset(MOVING))
# nothing of the lost site is asked, and hardly anything may stop it
UNPLANNED = Intent(
    (
        "split",
        "members",
        "losses",
        "mappings",
        "compute",
        "capacity",
        "volumes",
        "ports",
        "networks",
        "points",
        "held",
    ),
    frozenset({"split", "mappings", "points"}),
)
# nor does a drill ask anything of the source
_DRILL = (
    "members",
    "losses",
    "mappings",
    "compute",
    "capacity",
    "clones",
    "ports",
    "networks",
    "points",
    "held",
)
TEST_FAILOVER = Intent(_DRILL, frozenset(_DRILL) - {"held"}, DrillLook)
TEST_CLEANUP = Intent((), frozenset())
# whether there is place for what a move makes
ROOM = Intent(("compute", "capacity", "volumes", "ports"), frozenset())
REPLICATE = Intent(
    ("members", "replication"), frozenset({"members", "replication"})
)
# it makes what is missing on the arrays
REPROTECT = Intent(("peer", "replication"), frozenset({"peer"}))
RESOLVE_SPLIT = Intent(("peer", "split", "replication"), frozenset({"peer"}))
REHOME = Intent((), frozenset())
OF_PARKED = ("peer", "split", "points", "undo", "parked")
SOURCE_CLEANUP = Intent(OF_PARKED, frozenset(OF_PARKED))


INTENTS: dict[tuple[str, str | None], Intent] = {
    (c.Verb.FAILOVER, c.FailoverType.PLANNED): PLANNED,
    (c.Verb.FAILBACK, c.FailoverType.PLANNED): PLANNED,
    (c.Verb.FAILOVER, c.FailoverType.UNPLANNED): UNPLANNED,
    (c.Verb.FAILBACK, c.FailoverType.UNPLANNED): UNPLANNED,
    (c.Verb.TEST_FAILOVER, None): TEST_FAILOVER,
    (c.Verb.TEST_CLEANUP, None): TEST_CLEANUP,
    (c.Verb.REPLICATE, None): REPLICATE,
    (c.Verb.REPROTECT, None): REPROTECT,
    (c.Verb.SOURCE_CLEANUP, None): SOURCE_CLEANUP,
    (c.Verb.RESOLVE_SPLIT, None): RESOLVE_SPLIT,
    (c.Verb.REHOME, None): REHOME,
}


def intent(verb: str, args: Json, point: str | None = None) -> Intent:
    """What the verb is checked for.

    :param point: what it arrives from, if that is chosen already.
    :raises BadRequest: there is nothing to look at for it; none is taken
        for another.
    """
    kind = args.get("type")
    found = INTENTS.get((verb, kind))
    if found is None:
        raise exception.BadRequest(
            f"There is no preflight of {_named((verb, kind))}.",
            remedy=f"There is one of {', '.join(map(_named, INTENTS))}.",
            verb=verb,
        )
    agreed = set()
    if point or args.get("recovery_point_id"):
        # it counts, not whether there is a newest
        agreed.add("points")
    if args.get("discard_undo"):
        agreed.add("undo")
    return dataclasses.replace(found, blocking=found.blocking - agreed)


def _named(asked: tuple[str, str | None]) -> str:
    verb, kind = asked
    return f"{kind} {verb}" if kind else verb


def check(
    ctx: Any,
    source: str,
    target: str,
    wanted: Intent,
    silence: Silence | None = None,
) -> list[Finding]:
    """All findings for a move from ``source`` to ``target``.

    A check that cannot be made is a finding too, never an exception; a
    service that does not answer is one finding.

    :param ctx: see ``Look``.
    :param silence: give the same dict to the preflights of several groups,
        and a service that does not answer costs all of them one timeout.
    """
    look = wanted.look(ctx, source, target, {} if silence is None else silence)
    findings: list[Finding] = []
    for name in wanted.checks:
        for found in _examined(look, CHECKS[name]):
            severity = found.severity
            if name not in wanted.blocking:
                severity = c.Severity.WARNING
            findings.append(
                dataclasses.replace(found, check=name, severity=severity)
            )
    return findings


def _examined(look: Look, examine: Check) -> list[Finding]:
    try:
        return examine(look)
    except exception.LeaseLost:
        raise
    except Repeated:
        return []
    except exception.ProtectorError as e:
        look.note(e)
        return [finding.of(e)]


def require(
    ctx: Any,
    source: str,
    target: str,
    wanted: Intent,
    pause: Callable[[float], None] | None = None,
) -> list[Finding]:
    """The findings, none of which stops the verb.

    :param pause: waits so many seconds before all is looked at once more,
        because something did not answer; None when a user waits.
    :raises PreflightFailed: with every finding that does.
    """
    look = functools.partial(check, ctx, source, target, wanted)
    findings = _insisting(pause)(look) if pause else look()
    stopping = errors(findings)
    if stopping:
        raise exception.PreflightFailed(
            "; ".join(f.message for f in stopping),
            remedy=" ".join(f.fix for f in stopping),
            findings=[f.as_dict() for f in findings],
        )
    return findings


def _insisting(pause: Callable[[float], None]) -> tenacity.Retrying:
    """A few looks within seconds: one refusal, or one broken answer, is no
    reason to give up a move.  What was silent for long is not asked again.
    """
    return tenacity.Retrying(
        retry=tenacity.retry_if_result(_unanswered),
        wait=tenacity.wait_exponential(0.5),
        stop=tenacity.stop_any(
            tenacity.stop_after_attempt(LOOKS),
            tenacity.stop_after_delay(LOOKS_SECONDS),
        ),
        retry_error_callback=lambda state: state.outcome.result(),
        sleep=pause,
    )


def _unanswered(findings: list[Finding]) -> bool:
    """Whether the verb is stopped by what could not be looked at."""
    return any(f.code in finding.UNANSWERED for f in errors(findings))


def errors(findings: list[Finding]) -> list[Finding]:
    """Those that stop the verb."""
    return [f for f in findings if f.severity == c.Severity.ERROR]
