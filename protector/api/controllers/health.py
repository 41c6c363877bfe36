# SPDX-License-Identifier: Apache-2.0
"""``/v1/health`` of the service, and ``.../health`` of a group."""

from typing import Any

from pecan import rest
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import access, facts, microversion, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import health as schemas
from protector.api.views import health as view
from protector.db import models
from protector.db.api import listing, recovery_points, sites

Json = dict[str, Any]
# seconds for an engine to answer
PING = 3.0
# points in the history of a group
HISTORY = 50


class ServiceHealthController(rest.RestController):
    @expose
    @validation.rules("health:show")
    @validation.response(200, schemas.SERVICE)
    def get_all(self, call: calls.Call) -> Json:
        """Show the health of the service."""
        call.authorize(None)
        engine = _engine(call)
        shown = {
            "api": {"ok": True, "version": str(microversion.MAXIMUM)},
            "engines": [engine] if engine["ok"] else [],
            "bus": {"ok": engine["ok"], "message": engine["message"]},
            **_stored(call),
        }
        return {"health": {"ok": _all_ok(shown), **shown}}


def _engine(call: calls.Call) -> Json:
    """What one engine answers; that one did shows that the bus works."""
    try:
        found = call.runtime.engine.ping(call.context, PING)
    except exception.EngineUnreachable as e:
        return {"ok": False, "message": e.message}
    return {**found, "ok": True, "message": None}


def _stored(call: calls.Call) -> Json:
    """What the database says; a dead database is an answer, too."""
    try:
        with call.runtime.db.reader() as session:
            local = sites.local(session)
            known = [local, *sites.remote_sites(session)]
            return {
                "database": {"ok": True, "message": None},
                "sites": [_site(s) for s in known],
                "arrays": _arrays(session, call.runtime.conf),
            }
    except exception.ProtectorError as e:
        return {
            "database": {"ok": False, "message": e.message},
            "sites": [],
            "arrays": [],
        }


def _site(site: models.Site) -> Json:
    return {
        "id": site.id,
        "name": site.name,
        "ok": site.status == c.SiteStatus.ACTIVE,
        "status": site.status,
        "message": site.status_reason,
    }


def _arrays(session: orm.Session, conf: Any) -> list[Json]:
    """The configured arrays, by what was observed of the groups on them."""
    side, cg = models.ConsistencyGroupSide, models.ConsistencyGroup
    group = models.ProtectionGroup
    rows = session.execute(
        sa.select(side.array_name, group.conditions)
        .join(cg, cg.id == side.consistency_group_id)
        .join(group, group.id == cg.protection_group_id)
        .where(side.array_name.is_not(None), group.deleted == "")
    ).all()
    shown = []
    for name in conf.storage.arrays:
        bad = [
            found["message"]
            for array, conditions in rows
            if array == name
            and (found := conditions.get(c.Condition.REPLICATION_HEALTHY))
            and found["status"] is not True
        ]
        message = bad[0] if bad else None
        shown.append({"name": name, "ok": not bad, "message": message})
    return shown


def _all_ok(shown: Json) -> bool:
    single = [shown[k]["ok"] for k in ("api", "bus", "database")]
    several = [x["ok"] for k in ("sites", "arrays") for x in shown[k]]
    return all(single + several)


class GroupHealthController(rest.RestController):
    @expose
    @validation.rules("protection_groups:show")
    @validation.response(200, schemas.GROUP)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Show the health of a protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            known = facts.of(call, session, [owner])[owner.id]
            newest = listing.Wanted(limit=HISTORY, descending=True)
            page = recovery_points.page(session, owner.id, newest)
            return {"health": view.show(owner, known, list(page.rows))}
