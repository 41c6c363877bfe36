# SPDX-License-Identifier: Apache-2.0
"""Locks of ours on servers: set, recognised, lifted.

A lock is made with the service user's token scoped to its own project; one
under the tenant's token the tenant could undo.  Its reason carries the
operation and the state the server was in, so that whoever finds it can bring
that state back.
"""

from protector import exception
from protector.clients import types
from protector.engine import power
from protector.engine.context import StepContext

PREFIX = "protector"
# the states a server may be in when its group moves
MOVABLE = (power.RUNNING, power.STOPPED)


def reason(operation_id: str, state: str) -> str:
    return f"{PREFIX}:{operation_id}:{state}"


def parse(text: str | None) -> tuple[str, str] | None:
    """(operation id, state before) of a lock of ours; None of another's."""
    parts = (text or "").split(":")
    if len(parts) == 3 and parts[0] == PREFIX:
        return parts[1], parts[2]
    return None


def lock(ctx: StepContext, site_id: str, server: types.Server) -> str:
    """Lock a server for this operation; the state it was in before.

    :raises UnexpectedState: it is in a state from which it cannot move.
    """
    ours = parse(server.locked_reason) if server.locked else None
    if ours is not None and ours[0] == ctx.operation.id:
        return ours[1]
    if server.status not in MOVABLE:
        raise exception.UnexpectedState(
            f"Server {server.name} ({server.id}) is {server.status}; only "
            f"{' and '.join(MOVABLE)} servers can be moved.",
            remedy="Bring the server to one of these states and retry.",
        )
    state = server.status
    if ours is not None and state == power.STOPPED:
        # an earlier operation stopped it and could not bring it back: under
        # its lock nobody else can have stopped it
        state = ours[1]
    ctx.site(site_id).service.compute.lock(
        server.id, reason(ctx.operation.id, state)
    )
    return state


def is_ours(server: types.Server) -> bool:
    """Whether a lock of ours, of any operation, is on the server."""
    return server.locked and parse(server.locked_reason) is not None


def require(ctx: StepContext, site_id: str, server_id: str) -> None:
    """Before what only a fenced server may suffer.

    :raises LockLost: this operation does not hold the server: the source was
        its own again meanwhile.
    """
    server = ctx.tenant(site_id).compute.get_server(server_id)
    ours = parse(server.locked_reason) if server.locked else None
    if ours is None or ours[0] != ctx.operation.id:
        raise exception.LockLost(
            f"Server {server.name} ({server.id}) is no longer held by the "
            "operation.",
            operation_id=ctx.operation.id,
        )


def lift(ctx: StepContext, site_id: str, server_id: str) -> None:
    """Lift a lock of ours; another's stays.

    :raises CloudNotFound: there is no such server.
    """
    service = ctx.site(site_id).service.compute
    server = ctx.tenant(site_id).compute.get_server(server_id)
    if is_ours(server):
        service.unlock(server_id)


def undo(ctx: StepContext, site_id: str, server_id: str) -> None:
    """Bring a server back to the state that this operation's lock noted.

    A stop that was asked for may still be under way: it ends first.
    """
    try:
        server = power.idle(ctx, site_id, server_id)
    except exception.CloudNotFound:
        return
    ours = parse(server.locked_reason) if server.locked else None
    if ours is None or ours[0] != ctx.operation.id:
        return
    if ours[1] == power.RUNNING and server.status == power.STOPPED:
        power.run(ctx, site_id, server_id)
    lift(ctx, site_id, server_id)
