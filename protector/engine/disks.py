# SPDX-License-Identifier: Apache-2.0
"""A member's volumes as Cinder reports them: waited for, never changed."""

from protector import exception
from protector.clients import types
from protector.engine.context import StepContext

# those in which Cinder lets a volume out of its group
MOVABLE = ("available", "in-use", "error", "error_deleting")
HELD = (
    "If the server is of an earlier move that this site has forgotten, save "
    "what it holds, if that is needed, and delete it; else detach the volume "
    "from it."
)


def usable(
    ctx: StepContext,
    site_id: str,
    volume_id: str,
    states: tuple[str, ...] = ("available", "reserved"),
    server_id: str | None = None,
) -> None:
    """The volume is in one of the states.

    :param server_id: the server that may have it.
    :raises UnexpectedState: it went wrong on its way, or another server has
        it and will not let it go.
    """

    def done(volume: types.Volume | None) -> bool | None:
        if volume is not None and volume.status.startswith("error"):
            raise exception.UnexpectedState(
                f"Volume {volume.name} ({volume.id}) went into status "
                f"{volume.status}.",
                remedy="See the log of Cinder, delete the volume and retry "
                "the operation.",
            )
        if volume is not None:
            _check_free(ctx, site_id, volume, server_id)
        return True if volume and volume.status in states else None

    ctx.volumes(site_id).wait(volume_id, done, ctx.remaining)


def _check_free(
    ctx: StepContext,
    site_id: str,
    volume: types.Volume,
    server_id: str | None,
) -> None:
    """One that is about to be deleted lets go by itself."""
    for other in sorted(set(volume.server_ids) - {server_id}):
        try:
            server = ctx.tenant(site_id).compute.get_server(other)
        except exception.CloudNotFound:
            continue
        raise exception.UnexpectedState(
            f"Volume {volume.name} ({volume.id}) is attached to server "
            f"{server.name} ({other}), which is {server.status}, and which "
            "is not known to be the member's.",
            remedy=f"{HELD} Then retry the operation.",
        )


def let_go(
    ctx: StepContext, site_id: str, volume_id: str, server_id: str | None
) -> None:
    """The volume hangs no more on a server that was just deleted.

    One that another server uses, or that does not get there in half of the
    time that is left, is the caller's to judge.
    """

    def done(volume: types.Volume | None) -> bool | None:
        if volume is None or volume.status not in _BUSY:
            return True
        others = set(volume.server_ids) - {server_id}
        return True if volume.status == "in-use" and others else None

    try:
        ctx.volumes(site_id).wait(volume_id, done, ctx.remaining / 2)
    except exception.DeadlineExceeded:
        return


_BUSY = ("in-use", "reserved", "detaching", "attaching")
