# SPDX-License-Identifier: Apache-2.0
"""Steps that drive the replication between the arrays."""

import dataclasses
from typing import Any

from oslo_log import log as logging

from protector import constants as c
from protector import exception, times
from protector.db import models
from protector.db.api import recovery_points
from protector.engine import (
    apart,
    points,
    replication,
    settling,
    transfers,
    volume_set,
)
from protector.engine.context import StepContext
from protector.engine.step import Step
from protector.storage import base

LOG = logging.getLogger(__name__)
Json = dict[str, Any]


def configure(ctx: StepContext) -> Json:
    """Both directions have their array group; only the primary's schedule is
    on (Cinder's driver makes replicated groups with theirs on)."""
    scene = ctx.scene
    primary = scene.group.current_primary_site_id
    other = scene.other(primary)
    name_group(ctx, primary)
    ctx.refresh()
    # what is wrong with the copies stops nothing here
    name_group_if_known(ctx, other)
    scene = ctx.refresh()
    for site_id in scene.site_ids:
        _drop_former(ctx, site_id)
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
    too, which must lie in one.
    """
    scene, array = ctx.scene, ctx.array(site_id)
    ctx.driver.check(array)
    side = scene.side(site_id)
    members = [*scene.settled_members, *joining]
    with apart.named(scene, site_id, bool(joining)):
        name = ctx.driver.find_group(
            array,
            str(side.cinder_group_id),
            replication.array_volumes(members, site_id),
            _is_synchronous(ctx),
            own=not joining,
        )
    other = scene.other(site_id)
    if name and scene.side(other).array_group:
        ctx.driver.refuse_shared(
            base.Direction(array, ctx.array(other), name),
            ctx.direction(other),
        )
    with ctx.write() as session:
        row = _side(session, side)
        row.array_name = array.name
        row.array_group = name


def name_group_if_known(
    ctx: StepContext, site_id: str, *joining: models.Member
) -> None:
    """The same where volumes in different places are nobody's fault now:
    the name stays as it is.

    :raises PodShared: it lies in the pod of the other site's backend.
    """
    try:
        name_group(ctx, site_id, *joining)
    except (exception.ArrayUnavailable, exception.PodShared):
        raise
    except exception.ArrayError as e:
        LOG.warning("The array group of a site is not known: %s", e)


def follow_copies(ctx: StepContext) -> None:
    """The target's group is known to be where its volumes are: they may have
    gone out of their pod, or back into it."""
    if _is_synchronous(ctx):
        try:
            name_group(ctx, ctx.target)
        except exception.ArrayUnavailable:
            raise
        except exception.ArrayError as e:
            LOG.warning("The array group of the copies is not known: %s", e)
        ctx.refresh()


def name_groups(ctx: StepContext, *joining: models.Member) -> None:
    """Those of both sites, when volumes join that may be the first to tell
    their pods."""
    primary = ctx.scene.group.current_primary_site_id
    name_group(ctx, primary, *joining)
    ctx.refresh()
    if _is_synchronous(ctx):
        name_group_if_known(ctx, ctx.scene.other(primary), *joining)
        ctx.refresh()


def _drop_former(ctx: StepContext, site_id: str) -> None:
    """The group of volumes that lie elsewhere now replicates no more."""
    side = ctx.scene.side(site_id)
    if not _is_synchronous(ctx) or not side.array_group:
        return
    direction = ctx.direction(site_id)
    found = ctx.driver.groups_of(direction.source, str(side.cinder_group_id))
    for name in found:
        if name != side.array_group:
            former = dataclasses.replace(direction, group=name)
            ctx.driver.remove_protection(former)


def _is_synchronous(ctx: StepContext) -> bool:
    kind = ctx.scene.group.replication_type
    return kind == c.ReplicationType.SYNC


def _side(
    session: Any, side: models.ConsistencyGroupSide
) -> models.ConsistencyGroupSide:
    key = (side.consistency_group_id, side.site_id)
    return session.get(models.ConsistencyGroupSide, key)


def _protect(ctx: StepContext, source: str, allow: bool = True) -> list[str]:
    """Array names of the volumes that replicate: all but what their users
    deleted, which the next planned move forgets.

    :raises ArrayNotFound: the array lacks one that Cinder has.
    """
    scene = ctx.scene
    volumes = replication.array_volumes(scene.settled_members, source)
    ask = (scene.settings.schedule, allow)
    try:
        ctx.driver.ensure_protection(ctx.direction(source), volumes, *ask)
    except exception.ArrayNotFound:
        gone = volume_set.deleted(ctx, source)
        left = [v for v in volumes if v not in gone]
        if left == volumes:
            raise
        ctx.driver.ensure_protection(ctx.direction(source), left, *ask)
        volumes = left
    return volumes


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
    with settling.change(ctx) as (session, group):
        return {"version": settling.end(ctx, session, group)}


def replicate(ctx: StepContext) -> Json:
    """Take a point now and see it complete on the other array."""
    result = _complete(ctx, ctx.scene.group.current_primary_site_id, "now")
    ctx.save_point(result["point"], point_created_at=result["created_at"])
    return result


def warm(ctx: StepContext) -> Json:
    """Send what has changed so far while the servers still run, so that the
    final transfer is short.

    Of the target it changes nothing: see ``placement.AT_SOURCE``.
    """
    return _complete(ctx, ctx.source, "warm", allow=False)


def final(ctx: StepContext) -> Json:
    """The last point of the source: nothing has been written since.

    What every later step arrives from.  Of the target it changes nothing.
    """
    result = _complete(ctx, ctx.source, "final", allow=False)
    ctx.save_point(
        result["point"], point_created_at=result["created_at"], rpo_seconds=0
    )
    return result


def _complete(
    ctx: StepContext, source: str, word: str, allow: bool = True
) -> Json:
    """:param allow: the target array is told to take it."""
    scene = ctx.scene
    direction = ctx.direction(source)
    volumes = _protect(ctx, source, allow)
    wanted = replication.array_volumes(scene.settled_members, source)
    suffix = replication.epoch_suffix(scene.group.epoch, word, ctx.run_name)
    name = ctx.driver.replicate_now(direction, suffix)
    point = transfers.wait(ctx, direction, name)
    missing = set(volumes) - point.volumes
    if missing:
        raise exception.UnexpectedState(
            f"Recovery point {name} lacks {len(missing)} of the group's "
            f"volumes: {', '.join(sorted(missing))}."
        )
    deleted = ", ".join(v for v in wanted if v not in volumes)
    without = f", without {deleted}, which was deleted" if deleted else ""
    return {
        "point": name,
        "created_at": times.iso(point.created),
        "bytes": point.bytes,
        "message": f"{name}, {point.bytes} bytes sent{without}",
    }


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
        captured = _capture(ctx) if wanted is None else None
        found = points.choose(ctx, ctx.source, ctx.target, wanted, captured)
        ctx.save_point(
            found.point,
            point_created_at=times.iso(found.created),
            # what was taken just now lacks nothing; an array's clock knows
            # whole seconds and is not ours
            rpo_seconds=0 if captured else _age(ctx, found),
            left_out=[m.id for m in found.left_out],
        )
        known = ctx.data
    return {
        "point": known["point"],
        "left_out": known["left_out"],
        "message": known["point"],
    }


def _capture(ctx: StepContext) -> str | None:
    """What the source wrote last, where the target has it: the name of a
    point.  An array that takes none has older ones."""
    if not ctx.scene.side(ctx.source).array_group:
        return None
    epoch = points.epoch_of(ctx.scene.group)
    suffix = replication.epoch_suffix(epoch, "last", ctx.run_name)
    try:
        return ctx.driver.capture(ctx.direction(ctx.source), suffix)
    except (exception.PodNotOnline, exception.ArrayUnavailable):
        raise
    except exception.ArrayError as e:
        LOG.warning("The last writes are not in a point: %s", e)
        return None


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
            _drop_former(ctx, site_id)
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
