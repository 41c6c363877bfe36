# SPDX-License-Identifier: Apache-2.0
"""Steps that decide where a group runs: lock, release, claim, settle."""

from typing import Any

from protector import constants as c
from protector import exception, states
from protector.db import models
from protector.db.api import (
    metadata_sync,
    operations,
    operations_leases,
    protection_groups,
)
from protector.engine import build, preflight, source_lock
from protector.engine.context import StepContext
from protector.engine.step import Step

Json = dict[str, Any]


def check(ctx: StepContext) -> Json:
    """Everything that could stop the move, all at once.

    :raises PreflightFailed: with every finding that forbids it.
    """
    findings = preflight.check(preflight.Look(ctx), ctx.source, ctx.target)
    errors = [f for f in findings if f["severity"] == "error"]
    if errors:
        raise exception.PreflightFailed(
            "; ".join(f["message"] for f in errors),
            remedy=" ".join(f["fix"] for f in errors),
            findings=findings,
        )
    return {"findings": findings}


def lock_source(ctx: StepContext) -> None:
    """Hold the source; a change that still runs there ends first."""
    while True:
        try:
            source_lock.take(ctx)
            break
        except exception.InvalidStatus as e:
            if "operation_id" not in e.details:
                raise
            ctx.pause(ctx.conf.engine.poll_interval)
    ctx.save(locked=True)


def unlock_source(ctx: StepContext) -> None:
    """Give the source back; one that expired came back by itself."""
    ctx.save(locked=False)
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


def settle(ctx: StepContext) -> Json:
    """The group runs here: one transaction and one version."""
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        if group.current_primary_site_id != ctx.target:
            _move(ctx, group)
            _turn_copies(ctx, session)
            metadata_sync.settle(session, group, ctx.target, ctx.clock.now())
        return {"version": group.metadata_version, "epoch": group.epoch}


def _move(ctx: StepContext, group: models.ProtectionGroup) -> None:
    verb = c.Verb(ctx.operation.kind)
    group.current_primary_site_id = ctx.target
    protection_groups.set_status(group, states.SETTLED[verb])
    if verb == c.Verb.FAILOVER:
        group.failover_count += 1
        group.last_failover_at = ctx.clock.now()


def _turn_copies(ctx: StepContext, session: Any) -> None:
    for member in ctx.scene.settled_members:
        live = session.get(models.MemberCopy, (member.id, ctx.target))
        live.role = c.CopyRole.LIVE
        live.content_unique = True
        live.parked_at = None
        parked = session.get(models.MemberCopy, (member.id, ctx.source))
        parked.role = c.CopyRole.PARKED
        # stopped and fenced since before the final point
        parked.content_unique = False


def close(ctx: StepContext) -> Json:
    """Drop what only the boots needed; a version of what came of parking and
    reversing."""
    build.forget_keys(ctx)
    with ctx.write() as session:
        group = protection_groups.lock(session, ctx.scene.group.id)
        row = operations_leases.owned(session, ctx.work.lease.token)
        if not row.data.get("closed"):
            row.data = {**row.data, "closed": True}
            metadata_sync.settle(session, group, ctx.target, ctx.clock.now())
        return {"version": group.metadata_version}


STEPS = (
    Step("placement.preflight", check),
    Step("placement.lock_source", lock_source, undo=unlock_source),
    Step("placement.release", release),
    Step("placement.settle", settle),
    Step("placement.close", close),
)
