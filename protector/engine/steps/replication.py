# SPDX-License-Identifier: Apache-2.0
"""Steps that drive the replication between the arrays."""

from typing import Any

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import recovery_points
from protector.engine import points, replication, settling
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.storage import base

Json = dict[str, Any]


def configure(ctx: StepContext) -> Json:
    """Both directions have their array group; only the primary's schedule is
    on (Cinder's driver makes replicated groups with theirs on)."""
    scene = ctx.scene
    for site_id in scene.site_ids:
        name_group(ctx, site_id)
    scene = ctx.refresh()
    primary = scene.group.current_primary_site_id
    other = scene.other(primary)
    if scene.side(other).array_group:
        _protect(ctx, other)
        _schedule(ctx, other, False)
    if not scene.side(primary).array_group:
        return {"message": "the first volume will tell the pod"}
    return _turn_on(ctx, primary)


def _turn_on(ctx: StepContext, source: str) -> Json:
    """The direction replicates: first on demand, so that the epoch of what
    follows is told, then on schedule."""
    _protect(ctx, source)
    result = _first_point(ctx, source)
    _schedule(ctx, source, True)
    return result


def _first_point(ctx: StepContext, source: str) -> Json:
    """The direction has a point of this epoch, if only under way."""
    scene = ctx.scene
    if not replication.array_volumes(scene.settled_members, source):
        return {}
    direction = ctx.direction(source)
    with ctx.runtime.db.reader() as session:
        known = recovery_points.epochs(session, scene.group.id)
    points = ctx.driver.list_points(direction)
    epoch = scene.group.epoch
    if epoch in replication.epochs(points, known).values():
        return {}
    suffix = replication.epoch_suffix(epoch, ctx.run_name)
    return {"point": ctx.driver.replicate_now(direction, suffix)}


def name_group(
    ctx: StepContext, site_id: str, *joining: models.Member
) -> None:
    """Record the array and the array group of a site's Cinder group.

    What lies in a pod is known by the pod of the volumes, of ``joining``
    too.
    """
    scene, array = ctx.scene, ctx.array(site_id)
    ctx.driver.check(array)
    side = scene.side(site_id)
    members = [*scene.settled_members, *joining]
    name = ctx.driver.find_group(
        array,
        str(side.cinder_group_id),
        replication.array_volumes(members, site_id),
        scene.group.replication_type == c.ReplicationType.SYNC,
    )
    with ctx.write() as session:
        row = _side(session, side)
        row.array_name = array.name
        row.array_group = name


def _side(
    session: Any, side: models.ConsistencyGroupSide
) -> models.ConsistencyGroupSide:
    key = (side.consistency_group_id, side.site_id)
    return session.get(models.ConsistencyGroupSide, key)


def _protect(ctx: StepContext, source: str) -> None:
    scene = ctx.scene
    if all(scene.side(site_id).array_group for site_id in scene.site_ids):
        ctx.driver.refuse_shared(
            ctx.direction(source), ctx.direction(scene.other(source))
        )
    volumes = replication.array_volumes(scene.settled_members, source)
    ctx.driver.ensure_protection(
        ctx.direction(source), volumes, scene.settings.schedule
    )


def _schedule(ctx: StepContext, source: str, on: bool) -> None:
    ctx.driver.set_schedule(
        ctx.direction(source), on, ctx.scene.settings.schedule
    )
    with ctx.write() as session:
        _side(session, ctx.scene.side(source)).schedule_enabled = on


def apply_policy(ctx: StepContext) -> None:
    """The array group whose schedule is on follows the policy; the other
    one does when it is switched on."""
    primary = ctx.scene.group.current_primary_site_id
    _protect(ctx, primary)
    _schedule(ctx, primary, True)


def settle(ctx: StepContext) -> Json:
    """A version tells the peer what was configured."""
    with ctx.write() as session:
        group = settling.begin(ctx, session)
        return {"version": settling.end(ctx, session, group)}


def replicate(ctx: StepContext) -> Json:
    """Take a point now and see it complete on the other array."""
    result = _complete(ctx, ctx.scene.group.current_primary_site_id, "now")
    ctx.save_point(result["point"], point_created_at=result["created_at"])
    return result


def warm(ctx: StepContext) -> Json:
    """Send what has changed so far while the servers still run, so that the
    final transfer is short."""
    return _complete(ctx, ctx.source, "warm")


def final(ctx: StepContext) -> Json:
    """The last point of the source: nothing has been written since.

    What every later step arrives from.
    """
    result = _complete(ctx, ctx.source, "final")
    ctx.save_point(
        result["point"], point_created_at=result["created_at"], rpo_seconds=0
    )
    return result


def _complete(ctx: StepContext, source: str, word: str) -> Json:
    scene = ctx.scene
    direction = ctx.direction(source)
    volumes = replication.array_volumes(scene.settled_members, source)
    _protect(ctx, source)
    suffix = replication.epoch_suffix(scene.group.epoch, word, ctx.run_name)
    name = ctx.driver.replicate_now(direction, suffix)
    point = _wait(ctx, direction, name)
    missing = set(volumes) - point.volumes
    if missing:
        raise exception.UnexpectedState(
            f"Recovery point {name} lacks {len(missing)} of the group's "
            f"volumes: {', '.join(sorted(missing))}."
        )
    return {
        "point": name,
        "created_at": times.iso(point.created),
        "bytes": point.bytes,
        "message": f"{name}, {point.bytes} bytes sent",
    }


def _wait(
    ctx: StepContext, direction: base.Direction, name: str
) -> base.Point:
    """The point once the target array shows it complete.

    :raises ArrayError: the target does not take it any more.
    :raises DeadlineExceeded: with what it waited for.
    """
    while True:
        points = ctx.driver.list_points(direction)
        found = next((p for p in points if p.name == name), None)
        if found is not None and found.complete:
            return found
        if found is None:
            _require_allowed(ctx, direction)
        try:
            ctx.pause(ctx.conf.engine.poll_interval)
        except exception.DeadlineExceeded as e:
            told = _waiting(ctx, direction, found)
            raise exception.DeadlineExceeded(f"{e.message} {told}") from e


def _require_allowed(ctx: StepContext, direction: base.Direction) -> None:
    """What was disallowed under way is dropped, and never comes."""
    status = ctx.driver.status(direction)
    if status.group_exists and not status.allowed:
        raise exception.ArrayError(
            f"Array {direction.target.name} does not take transfers of group "
            f"{direction.group} of array {direction.source.name}.",
            remedy="Allow the array group on the target array, then retry "
            "the operation.",
        )


def _waiting(
    ctx: StepContext, direction: base.Direction, point: base.Point | None
) -> str:
    """How far the transfer is, and what may hold it up."""
    progress = f"{point.progress:.0%}" if point else "nothing"
    told = f"The target array shows {progress} of the recovery point"
    try:
        link = ctx.driver.status(direction).link
        space = ctx.driver.space(direction.target)
    except exception.ArrayError as e:
        return f"{told}. {e.message}"
    full = (
        "has no room left"
        if space and space.used >= space.capacity
        else ("has room")
    )
    return f"{told}; the link is {link}, the target array {full}."


def disallow(ctx: StepContext) -> None:
    """The target takes no more transfers of the group: a source that is
    only half dead must not age out the good point."""
    if ctx.scene.side(ctx.source).array_group:
        ctx.driver.set_allowed(ctx.direction(ctx.source), False)


def choose_point(ctx: StepContext) -> Json:
    """Decide once which point the group arrives from, and which members it
    does not hold."""
    known = ctx.data
    if "point" not in known:
        wanted = ctx.operation.args.get("recovery_point_id")
        if wanted is None:
            _capture(ctx)
        found = points.choose(ctx, ctx.source, ctx.target, wanted)
        ctx.save_point(
            found.point,
            point_created_at=times.iso(found.created),
            rpo_seconds=_age(ctx, found),
            left_out=[m.id for m in found.left_out],
        )
        known = ctx.data
    return {
        "point": known["point"],
        "left_out": known["left_out"],
        "message": known["point"],
    }


def _capture(ctx: StepContext) -> None:
    """What the source wrote last, where the target has it."""
    if not ctx.scene.side(ctx.source).array_group:
        return
    epoch = points.epoch_of(ctx.scene.group)
    suffix = replication.epoch_suffix(epoch, "last", ctx.run_name)
    ctx.driver.capture(ctx.direction(ctx.source), suffix)


def _age(ctx: StepContext, found: points.Choice) -> int | None:
    """Seconds of the source's work that are not in the point."""
    if found.created is None:
        return None
    lost = ctx.operation.created_at - found.created
    return max(0, round(lost.total_seconds()))


def pause_source(ctx: StepContext) -> None:
    """No scheduled point may follow the final one."""
    _schedule(ctx, ctx.source, False)


def resume_source(ctx: StepContext) -> None:
    _schedule(ctx, ctx.source, True)


def reverse(ctx: StepContext) -> Json:
    """Reprotect: replicate from the new primary towards the old one."""
    name_group(ctx, ctx.target)
    ctx.refresh()
    return _turn_on(ctx, ctx.target)


def remove(ctx: StepContext) -> None:
    """Neither direction replicates any more; Cinder's own array groups go
    with Cinder's groups."""
    scene = ctx.scene
    for site_id in scene.site_ids:
        if scene.side(site_id).array_group:
            ctx.driver.remove_protection(ctx.direction(site_id))


STEPS = (
    Step("replication.configure", configure, 2, optional=True),
    # the same when it is what was asked for
    Step("replication.restore", configure, 2),
    Step("replication.settle", settle),
    Step("replication.apply_policy", apply_policy, optional=True),
    Step("replication.replicate", replicate, 5, timeout="replication_timeout"),
    Step("replication.warm", warm, 10, timeout="replication_timeout"),
    Step("replication.final", final, 5, timeout="replication_timeout"),
    Step("replication.disallow", disallow),
    Step("replication.choose_point", choose_point, replan=True),
    Step("replication.pause_source", pause_source, undo=resume_source),
    Step("replication.reverse", reverse, 2, optional=True),
    Step("replication.remove", remove),
)
