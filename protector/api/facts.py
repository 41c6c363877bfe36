# SPDX-License-Identifier: Apache-2.0
"""Gathers what the views of groups need, in a fixed number of queries."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from protector.api import call as calls
from protector.api import legality
from protector.api.views import consistency_groups as cg_view
from protector.api.views import protection_groups as view
from protector.db import models
from protector.db.api import consistency_groups, recovery_points, sites

Json = dict[str, Any]
Group = models.ProtectionGroup


def of(
    call: calls.Call, session: orm.Session, groups: Sequence[Group]
) -> dict[str, view.Facts]:
    """The facts of each group by its id."""
    ids = [g.id for g in groups]
    local = sites.local(session)
    names = site_names(session)
    cg_ids = consistency_groups.ids_of(session, ids)
    found = legality.situations(session, groups)
    newest = recovery_points.newest_complete(session, ids)
    policy = models.ReplicationPolicy
    rpo: dict[str, int] = {
        group_id: minutes
        for group_id, minutes in session.execute(
            sa.select(policy.protection_group_id, policy.rpo_minutes).where(
                policy.protection_group_id.in_(ids)
            )
        )
    }
    return {
        i: view.Facts(
            consistency_group_id=cg_ids.get(i),
            local_site_id=local.id,
            local_site_name=local.name,
            site_names=names,
            rpo_minutes=rpo.get(i, call.runtime.conf.replication.rpo_minutes),
            now=call.now,
            situation=found[i],
            newest=newest.get(i),
        )
        for i in ids
    }


def site_names(session: orm.Session) -> dict[str, str]:
    rows = session.execute(sa.select(models.Site.id, models.Site.name))
    return {site_id: name for site_id, name in rows}


def shown_group(call: calls.Call, session: orm.Session, group: Group) -> Json:
    """The whole view of one group, in its envelope."""
    row = consistency_groups.find(session, group.id)
    whole = None
    if row is not None:
        count = consistency_groups.volume_count(session, group)
        whole = cg_view.show(row, group, count)
    facts = of(call, session, [group])[group.id]
    return {"protection_group": view.show(group, facts, call.version, whole)}
