# SPDX-License-Identifier: Apache-2.0
"""A site takes the place of a lost one: each group that runs here and had
that as its other site is protected at the new one.

Each by an operation of its own; one that is refused does not stop the others.
"""

from typing import Any

import sqlalchemy as sa

from protector import constants as c
from protector import exception
from protector.api import acceptance
from protector.api import call as calls
from protector.db import models
from protector.db.api import sites

Json = dict[str, Any]
Group = models.ProtectionGroup


def replace(call: calls.Call, lost_site_id: str, site_id: str) -> list[Json]:
    """What was begun for each group, or why not; by the names of the groups.

    :raises InvalidStatus: the site was not declared lost.
    """
    with call.runtime.db.reader() as session:
        lost = sites.get(session, lost_site_id)
        if not lost.lost:
            raise exception.InvalidStatus(
                f"Site {lost.name} was not declared lost.",
                remedy="Declare it lost first, if it is gone for good.",
            )
        ends = (Group.primary_site_id, Group.secondary_site_id)
        statement = sa.select(Group).where(
            Group.deleted == "",
            Group.current_primary_site_id == sites.local(session).id,
            sa.or_(*(end == lost.id for end in ends)),
        )
        groups = list(session.scalars(statement.order_by(Group.name)))
    return [_rehome(call, group, site_id) for group in groups]


def _rehome(call: calls.Call, group: Group, site_id: str) -> Json:
    change = acceptance.Change(
        c.Verb.REHOME,
        {"secondary_site_id": site_id},
        finish=lambda args, found: {**args, **found},
    )
    told: Json = {
        "protection_group_id": group.id,
        "protection_group_name": group.name,
        "operation_id": None,
        "error": None,
    }
    try:
        told["operation_id"] = acceptance.accept(call, group.id, change).id
    except exception.ProtectorError as e:
        told["error"] = {
            "reason": e.reason,
            "message": e.message,
            "remedy": e.remedy,
        }
    return told
