# SPDX-License-Identifier: Apache-2.0
"""What a newer document finds here: servers that run on the older side.

Decides nothing: quarantine stops and locks them, and shows it.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.db import models

Json = dict[str, Any]


def live_twice(
    session: orm.Session, group_id: str, local_site_id: str
) -> set[str]:
    """Ids of the members that run at the peer and were not parked here."""
    mine, theirs = models.MemberCopy, orm.aliased(models.MemberCopy)
    statement = (
        sa.select(mine.member_id)
        .join(models.Member, models.Member.id == mine.member_id)
        .join(theirs, theirs.member_id == mine.member_id)
        .where(
            models.Member.protection_group_id == group_id,
            mine.site_id == local_site_id,
            mine.role == c.CopyRole.LIVE,
            theirs.site_id != local_site_id,
            theirs.role == c.CopyRole.LIVE,
        )
    )
    return set(session.scalars(statement))


def unnamed(
    session: orm.Session,
    group_id: str,
    local_site_id: str,
    held: Json | None,
    overtaken: bool,
) -> dict[str, str]:
    """Servers here that no document ever named, by member: what a move made
    whose claim came to nothing, because the group went on elsewhere.

    :param held: the last document.
    :param overtaken: whether that is what happens now.
    """
    named = {
        copy["server_id"]
        for member in (held or {"members": []})["members"]
        for copy in member["copies"]
    }
    statement = (
        sa.select(models.MemberCopy)
        .join(models.Member, models.Member.id == models.MemberCopy.member_id)
        .where(
            models.Member.protection_group_id == group_id,
            models.MemberCopy.site_id == local_site_id,
            models.MemberCopy.server_id.is_not(None),
        )
    )
    return {
        row.member_id: str(row.server_id)
        for row in session.scalars(statement)
        if row.server_id not in named
        and (overtaken or row.role == c.CopyRole.LIVE)
    }


def keep(
    session: orm.Session, servers: dict[str, str], local_site_id: str
) -> None:
    """Who makes the documents does not know them, so they are held as what
    runs here on the older side: quarantine looks after them."""
    for member_id, server_id in servers.items():
        row = session.get(models.MemberCopy, (member_id, local_site_id))
        if row is not None and row.server_id is None:
            row.server_id, row.role = server_id, c.CopyRole.LIVE
    session.flush()
