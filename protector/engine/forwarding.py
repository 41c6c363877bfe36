# SPDX-License-Identifier: Apache-2.0
"""Hands a verb to the site whose engine executes it."""

from typing import Any

from protector.context import RequestContext
from protector.engine import access
from protector.engine import scene as scenes

Json = dict[str, Any]


def forward(
    runtime: Any, context: RequestContext, group_id: str, action: Json
) -> Json:
    """The operation as the other site accepted it.

    :raises PeerUnreachable: it did not answer; asking again with the same
        operation id is safe.
    """
    with runtime.db.reader() as session:
        scene = scenes.load(session, runtime.conf, group_id)
    site = access.clients(
        runtime,
        scene.sites[scene.peer_site_id],
        request_id=context.request_id,
    )
    return site.peer.action(group_id, action)
