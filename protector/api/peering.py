# SPDX-License-Identifier: Apache-2.0
"""Who speaks on ``/v1/peer``: the one user that a peer site signs in as,
for a site that is registered here; and how what it tells is kept."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import orm

from protector import exception
from protector.api import call as calls
from protector.db import models
from protector.db.api import sites

Json = dict[str, Any]
HEADER = "X-Protector-Site"


def authorize(call: calls.Call) -> None:
    """:raises PolicyForbidden: not the service role, or another user."""
    call.authorize(None)
    options = call.runtime.conf.peer
    who = (call.context.user_name, call.context.user_domain_name)
    if who != (options.username, options.user_domain_name):
        raise exception.PolicyForbidden(
            f"User {who[0]} of domain {who[1]} is not the one that peer "
            "sites sign in as.",
            remedy="Register this site with the user that [peer] names.",
        )


def site(
    call: calls.Call, session: orm.Session, lock: bool = False
) -> models.Site:
    """The site that asks.

    :param lock: its row, until the transaction ends.
    :raises PolicyForbidden: it is not registered here.
    """
    authorize(call)
    site_id = call.headers.get(HEADER, "")
    found = session.get(models.Site, site_id, with_for_update=lock)
    if found is None or found.is_local:
        raise exception.PolicyForbidden(
            f"Site {site_id or 'without a name'} is not registered here.",
            remedy="Register both sites with each other.",
            site=site_id,
        )
    return found


def keep(
    call: calls.Call, change: Callable[[orm.Session, models.Site], Any]
) -> Any:
    """One transaction of what a peer tells.

    Its engines may tell the same at the same time: the transactions of one
    site take turns before they read anything, or they would not read what
    the one before has written; and whatever undid one, it is made again.

    :param change: gets the site that asks.
    """
    for attempt in call.runtime.db.retrying(race=True):
        with attempt, call.runtime.db.writer() as session:
            result = change(session, site(call, session, lock=True))
    return result


def check_operation(
    session: orm.Session, operation_id: str, told: Json, peer: models.Site
) -> None:
    """:raises NotFound: it is there, but of another group or not between
    this site and the peer."""
    known = session.get(models.Operation, operation_id)
    if known is None:
        return
    ends = {known.source_site_id, known.target_site_id}
    if known.protection_group_id != told["protection_group_id"] or ends != {
        sites.local(session).id,
        peer.id,
    }:
        raise exception.NotFound(
            f"There is no operation {operation_id}.", id=operation_id
        )


def check_pair(
    session: orm.Session, group: models.ProtectionGroup, peer: models.Site
) -> None:
    """:raises NotFound: the group is not between this site and the peer."""
    pair = {group.primary_site_id, group.secondary_site_id}
    if pair != {sites.local(session).id, peer.id}:
        raise exception.NotFound(
            f"There is no protection group {group.id}.", id=group.id
        )
