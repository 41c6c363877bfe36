# SPDX-License-Identifier: Apache-2.0
"""Settling a change: the peer's word, the group held, no way back, one
version.

Both ends of the transaction in which a change of configuration becomes
true.  Doing it again finds the version recorded.
"""

from collections.abc import Iterator
import contextlib

from sqlalchemy import orm

from protector import exception
from protector.db import models
from protector.db.api import (
    metadata_sync,
    operations,
    operations_leases,
    protection_groups,
)
from protector.engine import adoption
from protector.engine.context import StepContext


@contextlib.contextmanager
def change(
    ctx: StepContext,
) -> Iterator[tuple[orm.Session, models.ProtectionGroup]]:
    """The transaction of ``begin``, once the other site was asked where
    ``require_newest`` does so.

    :raises PeerUnreachable: it does not answer.  Nothing was settled.
    :raises NotPrimarySite: the group was failed over without this site.
    :raises Superseded: as ``begin`` does.
    """
    require_newest(ctx)
    with ctx.write() as session:
        yield session, begin(ctx, session)


def require_newest(ctx: StepContext) -> None:
    """The other site knows of no newer epoch, unless it is lost for good, or
    the version is made already.

    Whoever began the operation has its word, and goes on without another one:
    what is settled while the other site is away is sent later.  Who goes on
    for a dead engine has not.

    :raises PeerUnreachable: it does not answer.
    :raises NotPrimarySite: it holds one, or has claimed it.
    """
    if "version" in ctx.data or ctx.scene.alone:
        return
    try:
        ctx.site(ctx.scene.peer_site_id).peer.check(
            ctx.conf.peer.check_timeout
        )
        adoption.require_newest(ctx)
    except exception.PeerUnreachable:
        if ctx.work.lease.token.generation > 1:
            raise


def begin(ctx: StepContext, session: orm.Session) -> models.ProtectionGroup:
    """The group, locked, if it is still this operation's to change; from
    here on a cancel comes too late.

    :raises Superseded: the group moved on, or a cancel came first.
    """
    group = protection_groups.lock(session, ctx.scene.group.id)
    if (
        group.current_primary_site_id != ctx.work.local_site_id
        or group.operation_id != ctx.operation.id
    ):
        raise exception.Superseded(
            f"Protection group {group.name} moved on while the change "
            "waited; ask again at its primary site."
        )
    operations.pass_no_return(session, ctx.work.lease.token)
    return group


def done(ctx: StepContext, session: orm.Session) -> bool:
    """Whether an earlier run of the step got to its end."""
    row = operations_leases.owned(session, ctx.work.lease.token)
    return "version" in row.data


def end(
    ctx: StepContext,
    session: orm.Session,
    group: models.ProtectionGroup,
) -> int:
    """Make the next version, once; its number."""
    if not done(ctx, session):
        made = metadata_sync.settle(
            session, group, ctx.work.local_site_id, ctx.clock.now()
        )
        operations.save_data(
            session, ctx.work.lease.token, version=made.version
        )
    return group.metadata_version
