# SPDX-License-Identifier: Apache-2.0
"""Steps that bring the settled document to the peer."""

from protector.engine import push
from protector.engine.context import StepContext
from protector.engine.step import Step


def deliver(ctx: StepContext) -> dict[str, object]:
    """The peer holds the document when this ends.

    :raises PeerUnreachable: it did not answer.
    :raises StaleDocument: it holds something newer.
    """
    started = ctx.clock.monotonic()
    held = push.deliver(
        ctx.runtime,
        ctx.operation.protection_group_id,
        before_change=ctx.guard,
        request_id=ctx.operation.request_id,
    )
    seconds = ctx.clock.monotonic() - started
    return {"version": held.version, "duration_ms": round(seconds * 1000)}


STEPS = (
    # part of what makes the operation a success
    Step("metadata.deliver", deliver, timeout="push_timeout"),
    # after the fact: should it fail, the engine repeats it by itself
    Step("metadata.push", deliver, optional=True, timeout="push_timeout"),
)
