# SPDX-License-Identifier: Apache-2.0
"""Servers stopped, started, shelved and unshelved, each observed.

Looks first and acts only while Nova does nothing with the server: an
earlier request, whose answer got lost, may still be at work.
"""

from collections.abc import Callable, Collection, Sequence

from protector import exception
from protector.clients import types
from protector.engine.context import StepContext

RUNNING = "ACTIVE"
STOPPED = "SHUTOFF"
PARKED = "SHELVED_OFFLOADED"
# offloaded a moment later
SHELVED = "SHELVED"
# of a server in a cell that does not answer
UNKNOWN = "UNKNOWN"
GONE_WRONG = frozenset({"ERROR", "DELETED", "SOFT_DELETED"})
# the guest does not run, and does not go on by itself
DOWN = GONE_WRONG | {STOPPED, PARKED, SHELVED}
# what is done to a server without letting its guest run, or its volumes go;
# who takes our lock off means to use it
QUIET_ACTIONS = frozenset({"stop", "lock", "shelve", "shelveOffload"})


def idle(ctx: StepContext, site_id: str, server_id: str) -> types.Server:
    """The server, once Nova does nothing with it.

    :raises CloudNotFound: there is no such server.
    """
    server = ctx.tenant(site_id).compute.get_server(server_id)
    if not server.task_state:
        return server

    def done(found: types.Server | None) -> types.Server | None:
        present = _present(found, server_id)
        return None if present.task_state else present

    return ctx.servers(site_id).wait(server_id, done, ctx.remaining)


def still_since(
    actions: Sequence[types.InstanceAction], request_id: str | None
) -> bool:
    """Whether a server is known to have stood still since a request.

    By order and not by time, because the clouds' clocks are not ours.

    :param actions: what was done to it, newest first.
    :param request_id: of an action, after which it did not run.
    """
    for action in actions:
        if action.request_id == request_id:
            return True
        if action.action not in QUIET_ACTIONS:
            return False
    return False


def stop(ctx: StepContext, site_id: str, server_id: str) -> None:
    """The guest is shut down."""
    compute = ctx.tenant(site_id).compute
    goal = (STOPPED, PARKED)
    _act(ctx, site_id, server_id, goal, lambda s: compute.stop(s.id))
    _observe(ctx, site_id, server_id, goal, "was stopped")


def park(ctx: StepContext, site_id: str, server_id: str) -> None:
    """The server is shelved: its host is free, its volumes are
    disconnected, its identity is kept."""
    compute = ctx.tenant(site_id).compute
    goal = (PARKED, SHELVED)
    _act(ctx, site_id, server_id, goal, lambda s: compute.shelve(s.id))
    _observe(ctx, site_id, server_id, (PARKED,), "was shelved")


def run(ctx: StepContext, site_id: str, server_id: str) -> None:
    """The server is ACTIVE, whether it was parked, stopped, or is new.

    An unshelve that fails leaves no fault: the server is just parked again,
    and only the instance action tells.
    """
    compute = ctx.tenant(site_id).compute

    def begin(server: types.Server) -> None:
        if server.status == PARKED:
            compute.unshelve(server.id)
        else:
            compute.start(server.id)

    # a new server is in BUILD, and gets there without being asked
    _act(ctx, site_id, server_id, (RUNNING, "BUILD"), begin)
    _observe(
        ctx,
        site_id,
        server_id,
        (RUNNING,),
        "was started",
        lambda server: _check_unshelve(ctx, site_id, server),
    )


def _act(
    ctx: StepContext,
    site_id: str,
    server_id: str,
    goal: Collection[str],
    act: Callable[[types.Server], None],
) -> None:
    """Ask once, unless the server is there, on its way or gone wrong."""
    server = idle(ctx, site_id, server_id)
    if server.status in goal or server.status in GONE_WRONG:
        return
    try:
        act(server)
    except exception.CloudConflict:
        # either it cannot be, or an earlier request got there first
        if idle(ctx, site_id, server_id).status not in goal:
            raise


def _observe(
    ctx: StepContext,
    site_id: str,
    server_id: str,
    goal: Collection[str],
    doing: str,
    check: Callable[[types.Server], None] | None = None,
) -> None:
    def done(found: types.Server | None) -> bool | None:
        server = _present(found, server_id)
        if server.status in GONE_WRONG:
            raise _went_wrong(server, doing)
        if server.task_state:
            return None
        if server.status in goal:
            return True
        if check is not None:
            check(server)
        return None

    ctx.servers(site_id).wait(server_id, done, ctx.remaining)


def _present(server: types.Server | None, server_id: str) -> types.Server:
    if server is None:
        raise exception.UnexpectedState(f"Server {server_id} is gone.")
    return server


def _went_wrong(server: types.Server, doing: str) -> exception.UnexpectedState:
    return exception.UnexpectedState(
        f"Server {server.name} ({server.id}) went into status "
        f"{server.status} while it {doing}: {server.fault}",
        remedy="Mend or reset the server in Nova, then retry the operation.",
    )


def _check_unshelve(
    ctx: StepContext, site_id: str, server: types.Server
) -> None:
    if server.status != PARKED:
        return
    actions = ctx.tenant(site_id).compute.instance_actions(server.id)
    last = actions[0] if actions else None
    if last and last.action == "unshelve" and last.message:
        raise exception.UnexpectedState(
            f"Server {server.name} ({server.id}) could not be unshelved: "
            f"{last.message}",
            remedy="See the server's events in Nova, mend the cause and "
            "retry the operation.",
        )
