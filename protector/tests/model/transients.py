# SPDX-License-Identifier: Apache-2.0
"""That every transient state has an owner, a deadline and an exit: what is
under way at a site, by its own database, and how long it may be so while the
site's engine lives.

What that is for is not looked at, nor what comes of it.
"""

from collections.abc import Iterator
import dataclasses
from typing import Any

from protector import constants as c
from protector import states
from protector.api import legality
from protector.db import models
from protector.engine import steps
from protector.tests.model import sim, world

SECOND = 1.0
"""What the database's clock is off when it is read at another moment."""
SLACK = 60.0
"""Seconds for a call that hangs, and for a look at what is over."""
CLEANUP_SECONDS = 600.0
"""Until a cleanup that failed is tried again, and some more."""


@dataclasses.dataclass(frozen=True)
class State:
    """:ivar key: that of the same state at another moment.
    :ivar seconds: how long it may be so.
    """

    key: tuple[Any, ...]
    text: str
    seconds: float = -1.0


class Transients:
    """Those of one scenario."""

    def __init__(self, bed: Any) -> None:
        self._bed = bed
        # when each was seen first, undisturbed since
        self._since: dict[tuple[Any, ...], float] = {}

    def disturbed(self) -> None:
        """All get their time anew."""
        self._since.clear()

    def stuck(self, held: dict[str, Any]) -> list[str]:
        """What has nobody who ends it, or lasts too long."""
        now = self._bed.sim.now
        known, self._since = self._since, {}
        found = []
        for letter, mine in held.items():
            site = self._bed.sites[letter]
            for state in _states(site, mine, now) if mine else ():
                key = (letter, *state.key)
                since = known.get(key, now)
                if now - since > state.seconds:
                    found.append(f"{state.text} at {letter} since {since:g}")
                if site.is_alive:
                    self._since[key] = since
        return found


def _states(site: Any, held: world.Held, now: float) -> Iterator[State]:
    epoch = sim.START.timestamp() + now
    for operation in held.running:
        if operation.executor_site_id == site.site_id:
            yield from _owner(site.conf.engine, held, operation, epoch)
    for step in held.steps:
        seconds = site.conf.engine[steps.STEPS[step.name].timeout]
        key = (step.id, held.generation(step.operation_id))
        yield State(key, f"step {step.name} runs", seconds + SLACK)
    yield from _group(site, held)
    yield from _lock(site.conf.engine, held.lock, epoch)
    if held.drill is not None and held.drill.site_id == site.site_id:
        yield from _drill(held, held.drill, site.runtime.clock.now())


def _owner(
    options: Any, held: world.Held, operation: models.Operation, epoch: float
) -> Iterator[State]:
    """A lease that ends, or somebody takes it; what is queued waits for the
    one that has the slot."""
    text = f"{operation.kind} is {operation.status}"
    if operation.lease_until > epoch + options.lease_seconds + SECOND:
        yield State((operation.id,), f"{text} under a lease without end")
    slot = held.group.operation_id
    waits = (
        operation.kind in states.QUEUED
        and operation.status == c.OperationStatus.PENDING
        and slot not in (None, operation.id)
    )
    if waits or operation.worker and operation.lease_until >= epoch:
        return
    seconds = options.call_margin + options.scan_interval + SLACK
    key = (operation.id, operation.generation)
    yield State(key, f"{text}, and nobody takes it", seconds)


def _group(site: Any, held: world.Held) -> Iterator[State]:
    group, running = held.group, held.running
    owners = {None, *(o.id for o in running)}
    if held.lock is not None:
        owners.add(held.lock.operation_id)
    if group.operation_id not in owners:
        yield State(("slot",), f"{group.operation_id} has the slot and ended")
    if group.status in states.TRANSIENT.values():
        kinds = {states.TRANSIENT.get(c.Verb(o.kind)) for o in running}
        owned = held.lock is not None or group.status in kinds
        if not owned and not _leads_out(site, group.id):
            yield State(("status",), f"the group is {group.status}")
    if not held.current(site.site_id):
        return
    changed = {o.args.get("member_id") for o in running}
    for member in held.members:
        passing = (c.MemberStatus.PROTECTING, c.MemberStatus.REMOVING)
        if member.status in passing and member.id not in changed:
            yield State((member.id,), f"a member is {member.status}")


def _leads_out(site: Any, group_id: str) -> bool:
    """Whether the group takes any verb at the site."""
    with site.runtime.db.reader() as session:
        group = session.get(models.ProtectionGroup, group_id)
        found = legality.situations(session, [group])[group_id]
        return any(
            legality.refusal(verb, group, found) is None for verb in c.Verb
        ) or any(
            legality.refusal_unplanned(verb, group, found) is None
            for verb in c.PLACEMENT_VERBS
        )


def _lock(
    options: Any, lock: models.SourceLock | None, epoch: float
) -> Iterator[State]:
    """What was released waits for the other site, or is taken back."""
    if lock is None or lock.released_epoch is not None:
        return
    key = ("lock", lock.operation_id)
    if lock.expires > epoch + options.lock_seconds + SECOND:
        yield State(key, "the source is locked without end")
    if lock.expires < epoch:
        yield State(key, "the lock ran out, and is kept", CLEANUP_SECONDS)


def _drill(held: world.Held, drill: models.Drill, now: Any) -> Iterator[State]:
    if drill.status == c.DrillStatus.ENDED:
        return
    if any(o.kind in c.DRILL_VERBS for o in held.running):
        return
    key = ("drill", drill.operation_id)
    if drill.status == c.DrillStatus.RUNNING:
        if drill.expires_at is None:
            yield State(key, "the drill has no lease")
        elif drill.expires_at > now:
            return
    yield State(key, "the drill is over, and kept", CLEANUP_SECONDS)
