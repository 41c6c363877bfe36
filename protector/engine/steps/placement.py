# SPDX-License-Identifier: Apache-2.0
"""Steps that decide where a group runs: lock, release, claim, settle."""

import datetime
from typing import Any

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import (
    claims,
    histories,
    metadata_sync,
    operations,
    operations_leases,
    protection_groups,
    source_locks,
)
from protector.engine import (
    adoption,
    arrival,
    build,
    conditions,
    preflight,
    source_lock,
)
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]
# steps whose undoing changes the target of a move, or what both have
UNDONE_HERE = frozenset(
    {
        "copies.build",
        "networks.ports",
        "replication.pause_source",
        "volumes.overwrite",
    }
)
# steps that change nothing but the source of a move, if anything: what is
# sent late becomes a point that nobody chose
AT_SOURCE = frozenset(
    {
        "placement.preflight",
        "placement.lock_source",
        "volumes.follow",
        "servers.fence",
        "servers.stop",
        "servers.fence_lost",
        "replication.warm",
        "replication.final",
        "replication.pause_source",
    }
)


def check(ctx: StepContext) -> Json:
    """Everything that could stop the move, all at once.

    :raises PreflightFailed: with every finding that forbids it.
    """
    wanted = preflight.intent(ctx.operation.kind, ctx.operation.args)
    findings = preflight.require(
        ctx, ctx.source, ctx.target, wanted, ctx.pause
    )
    return {"findings": [f.as_dict() for f in findings]}


def lock_source(ctx: StepContext) -> None:
    """Hold the source, with the same document here as there.

    A change that still runs there ends first, and what it settled arrives
    before anything is built on it.
    """
    while not _take(ctx):
        ctx.pause(ctx.conf.engine.poll_interval)


def _take(ctx: StepContext) -> bool:
    """Whether the lock is ours and both sites hold the same document."""
    try:
        held = source_lock.take(ctx)
    except exception.InvalidStatus as e:
        if "operation_id" not in e.details:
            raise
        return False
    ctx.save(locked=True)
    with ctx.runtime.db.reader() as session:
        sync = metadata_sync.find(session, ctx.scene.group.id)
        mine = metadata_sync.triple(sync)
    return mine is not None and mine.checksum == held["checksum"]


def unlock_source(ctx: StepContext) -> None:
    """Give the source back; one that expired came back by itself.

    If its servers could not be brought back from here, the lock is left to
    run out: then the source does it, and goes on until it is done.
    """
    ctx.save(locked=False)
    if ctx.work.problems:
        return
    try:
        ctx.site(ctx.source).peer.unlock(ctx.scene.group.id, ctx.operation.id)
    except (exception.NotFound, exception.LockLost):
        return


def release(ctx: StepContext) -> Json:
    """The point of no return: the source gives the group to a new epoch,
    and this site claims it, before the first server starts."""
    epoch = _ask(ctx)
    try:
        parent = ctx.site(ctx.source).peer.release(
            ctx.scene.group.id, ctx.operation.id, epoch
        )
    except exception.LockLost:
        # the source is its own again; so everything here goes back
        with ctx.write() as session:
            operations_leases.owned(
                session, ctx.work.lease.token
            ).no_return = False
        raise
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        protection_groups.claim(
            group, epoch, ctx.target, ctx.operation.id, parent
        )
    return {"epoch": epoch}


def take_over(ctx: StepContext) -> Json:
    """What this move superseded has stopped, and what it staged is gone, so
    that no late call of it can reach live data.

    One that hangs in a call to the lost site is not waited for.
    """
    ended = ctx.data["superseded"]
    margin = ctx.conf.engine.call_margin
    while True:
        with ctx.runtime.db.reader() as session:
            running = claims.still_run(session, ended, margin)
            if not any(_may_act_here(session, found) for found in running):
                break
        ctx.pause(min(ctx.conf.engine.poll_interval, 1))
    return {"superseded": ended, "destroyed": arrival.sweep_superseded(ctx)}


def _may_act_here(session: Any, operation_id: str) -> bool:
    """Whether a call of an ended operation may still change this site.

    It is in the steps that were under way when it was ended: another one
    cannot begin, because its record is refused; or in what is undone.
    """
    row = operations.get(session, operation_id)
    if row.data.get("compensating"):
        return any(s.attempt and s.name in UNDONE_HERE for s in row.steps)
    return any(
        _is_under_way(step) and step.name not in AT_SOURCE
        for step in row.steps
    )


def _is_under_way(step: models.OperationStep) -> bool:
    # one that is skipped goes on until it looks
    skipped = step.status == c.StepStatus.SKIPPED and step.attempt > 0
    return step.status == c.StepStatus.RUNNING or skipped


def reclaim(ctx: StepContext) -> None:
    """The source is its own again.  What ends a lock that ran out brings its
    servers back and settles; here it is observed.

    :raises Split: the other site had settled what it claimed, and is back.
    """
    while True:
        with ctx.runtime.db.reader() as session:
            if source_locks.find(session, ctx.scene.group.id) is None:
                return
            group = protection_groups.get(session, ctx.scene.group.id)
        if histories.is_split(group):
            raise exception.Split(
                f"Site {ctx.scene.sites[ctx.source].name} holds another "
                f"history of protection group {group.name}."
            )
        ctx.pause(ctx.conf.engine.poll_interval)


def _ask(ctx: StepContext) -> int:
    """Choose the epoch once and pass the point of no return, in one
    transaction with a cancel that may come at the same moment."""
    with ctx.write() as session:
        operations.pass_no_return(session, ctx.work.lease.token)
        row = operations_leases.owned(session, ctx.work.lease.token)
        epoch = row.data.get("epoch")
        if epoch is None:
            group = protection_groups.lock(session, ctx.scene.group.id)
            epoch = protection_groups.ask_epoch(group, ctx.target)
            row.data = {**row.data, "epoch": epoch}
        return int(epoch)


def boot_delay(ctx: StepContext) -> Json:
    """Give a boot tier its time before the next one starts.

    It runs from when the last server of the tier was observed running, so
    that an adopter waits for the rest only.
    """
    row, began = _tier_before(ctx)
    seconds = int(row.delay_seconds or 0)
    waited = (ctx.clock.now() - began).total_seconds()
    # a clock that was set back does not make it longer
    end = ctx.clock.monotonic() + min(seconds, seconds - waited)
    while (left := end - ctx.clock.monotonic()) > 0:
        ctx.clock.wait(ctx.work.stopping, left)
        ctx.check_alive()
    return {"message": f"{seconds} s after the boot tier before"}


def _tier_before(
    ctx: StepContext,
) -> tuple[models.OperationStep, datetime.datetime]:
    """The step's row, and when the last of those before it ended."""
    with ctx.runtime.db.reader() as session:
        steps = list(operations.get(session, ctx.operation.id).steps)
    row = next(s for s in steps if s.ordinal == ctx.ordinal)
    ends = [
        s.finished_at
        for s in steps
        if s.ordinal in row.after and s.finished_at is not None
    ]
    return row, max(ends, default=ctx.clock.now())


def settle(ctx: StepContext) -> Json:
    """The group runs here: one transaction and one version."""
    started, others = _started(ctx)
    if not started:
        raise _none_started(others)
    failed = [str(s.member_name) for s in others]
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        if group.current_primary_site_id != ctx.target:
            _move(ctx, group)
        _turn_copies(ctx, session, started)
        now = ctx.clock.now()
        conditions.partial(group, failed + _left_out(ctx), now)
        if not _unplanned(ctx):
            # else the fence tells it, which runs beside
            conditions.fenced(group, _unfenced(ctx, session), now)
        metadata_sync.settle(session, group, ctx.target, ctx.clock.now())
        if _unplanned(ctx):
            # no step pushes it; the engine does, as often as it takes
            metadata_sync.find(
                session, group.id
            ).next_attempt_at = ctx.clock.now()
        return {"version": group.metadata_version, "epoch": group.epoch}


def _none_started(
    steps: list[models.OperationStep],
) -> exception.UnexpectedState:
    causes = (
        f" {s.member_name}: {s.error['message']}" for s in steps if s.error
    )
    return exception.UnexpectedState(
        f"No server of the group could be started.{next(causes, '')}",
        remedy="Mend the cause that the failed steps name and retry.",
    )


def _started(
    ctx: StepContext,
) -> tuple[set[str], list[models.OperationStep]]:
    """Ids of the members that run at the target; the steps of the others."""
    with ctx.runtime.db.reader() as session:
        row = operations.get(session, ctx.operation.id)
        steps = [s for s in row.steps if s.name == "servers.start"]
    done = {str(s.member_id) for s in steps if s.status == c.StepStatus.DONE}
    return done, [s for s in steps if s.member_id not in done]


def _unfenced(ctx: StepContext, session: Any) -> list[str]:
    """Names of the members whose server at the source was not fenced."""
    steps = operations.get(session, ctx.operation.id).steps
    fenced = {
        s.member_id
        for s in steps
        if s.name == "servers.stop" and s.status == c.StepStatus.DONE
    }
    return [
        m.instance_name
        for m in ctx.scene.movable(ctx.source)
        if m.id not in fenced
    ]


def _unplanned(ctx: StepContext) -> bool:
    return states.is_unplanned(ctx.operation.args)


def _left_out(ctx: StepContext) -> list[str]:
    """Names of the members that the recovery point does not hold."""
    ids = ctx.data.get("left_out", [])
    return [m.instance_name for m in ctx.scene.members if m.id in ids]


def _move(ctx: StepContext, group: models.ProtectionGroup) -> None:
    verb = c.Verb(ctx.operation.kind)
    group.current_primary_site_id = ctx.target
    # what was sent the other way counts no more
    group.last_replication_at = None
    protection_groups.set_status(group, states.SETTLED[verb])
    if verb == c.Verb.FAILOVER:
        group.failover_count += 1
        group.last_failover_at = ctx.clock.now()


def _turn_copies(ctx: StepContext, session: Any, started: set[str]) -> None:
    for member in ctx.scene.settled_members:
        if member.id not in started:
            continue
        session.get(models.Member, member.id).recoverable_at = None
        live = session.get(models.MemberCopy, (member.id, ctx.target))
        live.role = c.CopyRole.LIVE
        live.content_unique = True
        live.stop_request_id = None
        left = session.get(models.MemberCopy, (member.id, ctx.source))
        if _unplanned(ctx):
            # whatever it wrote since the point is nowhere else
            left.content_unique = True
        else:
            left.role = c.CopyRole.PARKED
            # stopped and fenced since before the final point
            left.content_unique = False


def forget_keys(ctx: StepContext) -> None:
    """Drop what only the boots needed."""
    build.forget_keys(ctx)


def close(ctx: StepContext) -> Json:
    """A version of what came of parking and reversing.

    :raises PeerUnreachable: the other site does not answer, and may have
        taken the group back since.
    :raises NotPrimarySite: it has.
    """
    adoption.require_newest(ctx)
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        metadata_sync.settle(session, group, ctx.target, ctx.clock.now())
        return {"version": group.metadata_version}


STEPS = (
    Step("placement.preflight", check),
    Step(
        "placement.lock_source",
        lock_source,
        undo=unlock_source,
        replan=True,
    ),
    Step("placement.release", release),
    Step("placement.take_over", take_over),
    Step("placement.reclaim", reclaim),
    # no weight: what it takes is known, and measures no work
    # a user who knows that the tier is up need not wait for it
    Step("placement.boot_delay", boot_delay, 0, optional=True),
    Step("placement.settle", settle),
    Step("placement.forget_keys", forget_keys, optional=True),
    # what it tells beyond the settled move is not worth a second history
    Step("placement.close", close, optional=True, timeout="push_timeout"),
)
