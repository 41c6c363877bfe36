# SPDX-License-Identifier: Apache-2.0
"""Waits for a recovery point that is on its way; changes nothing."""

from protector import exception
from protector.engine.context import StepContext
from protector.storage import base


def wait(ctx: StepContext, direction: base.Direction, name: str) -> base.Point:
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
