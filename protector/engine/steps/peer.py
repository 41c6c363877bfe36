# SPDX-License-Identifier: Apache-2.0
"""Steps that speak with the peer site about a group's existence."""

from protector import exception
from protector.db.api import protection_groups
from protector.engine import adoption
from protector.engine.context import StepContext
from protector.engine.step import Step


def check(ctx: StepContext) -> None:
    """The peer answers, and knows of no newer epoch, before anything
    changes.

    :raises PeerUnreachable: it does not, within the deadline.
    :raises NotPrimarySite: the group was failed over without this site.
    """
    ctx.site(ctx.scene.peer_site_id).peer.check(ctx.conf.peer.check_timeout)
    adoption.require_newest(ctx)


def reserve(ctx: StepContext) -> None:
    """Reserve the group's name at the peer."""
    scene = ctx.scene
    group = scene.group
    ctx.site(scene.peer_site_id).peer.reserve(
        {
            "id": group.id,
            "name": group.name,
            "project_id": scene.project(scene.peer_site_id),
            "description": group.description,
            "replication_type": group.replication_type,
            "primary_site_id": group.primary_site_id,
            "secondary_site_id": group.secondary_site_id,
            "primary_project_id": group.primary_project_id,
            "secondary_project_id": group.secondary_project_id,
            "volume_type_id": group.volume_type_id,
            "consistency_group_id": scene.consistency_group.id,
        }
    )


def unreserve(ctx: StepContext) -> None:
    """Give the reserved name back."""
    drop_at_peer(ctx)


def forget(ctx: StepContext) -> None:
    """The peer drops its copy; then the tombstone here goes too.

    Should the peer be away, the tombstone stays and is told later.
    """
    try:
        drop_at_peer(ctx)
    except exception.NotFound:
        # a run before this one got as far as removing the tombstone
        return
    with ctx.write() as session:
        protection_groups.forget(session, ctx.operation.protection_group_id)


def drop_at_peer(ctx: StepContext) -> None:
    peer = ctx.site(ctx.scene.peer_site_id).peer
    peer.forget(ctx.operation.protection_group_id)


STEPS = (
    Step("peer.check", check, timeout="check_timeout"),
    Step("peer.reserve", reserve, undo=unreserve),
    Step("peer.forget", forget, optional=True, timeout="push_timeout"),
)
