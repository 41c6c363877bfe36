# SPDX-License-Identifier: Apache-2.0
"""``/v1/health`` of the service, and ``.../health`` of a group."""

from collections.abc import Callable
import functools
import threading
import time
from typing import Any

from oslo_log import log as logging
from pecan import rest

from protector import constants as c
from protector import exception, times
from protector.api import access, facts, microversion, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import health as schemas
from protector.api.views import health as view
from protector.db import models
from protector.db.api import (
    listing,
    metadata_sync,
    recovery_points,
    rpo_days,
    sites,
)

Json = dict[str, Any]
LOG = logging.getLogger(__name__)
# seconds for an engine, and for the database, to answer
PATIENCE = 3.0
# points in the history of a group
HISTORY = 50


class ServiceHealthController(rest.RestController):
    @expose
    @validation.rules("health:show")
    @validation.response(200, schemas.SERVICE)
    def get_all(self, call: calls.Call) -> Json:
        """Show the health of the service."""
        call.authorize(None)
        engine, stored = _side_by_side(
            functools.partial(_engine, call),
            functools.partial(_stored, call),
        )
        shown = {
            "api": {"ok": True, "version": str(microversion.MAXIMUM)},
            **(engine or SILENT_ENGINE),
            **(stored or SILENT_DATABASE),
        }
        arrays = _arrays(call.runtime.conf, shown.pop("seen"))
        shown["arrays"] = arrays
        return {"health": {"ok": _all_ok(shown), **shown}}


def _part(ok: bool, message: str | None = None) -> Json:
    return {"ok": ok, "message": message}


SILENT_ENGINE: Json = {
    "engines": [],
    "bus": _part(False, "It does not answer."),
    "seen": {},
}
SILENT_DATABASE: Json = {
    "database": _part(False, "It does not answer."),
    "sites": [],
}


def _side_by_side(*looks: Callable[[], Json]) -> list[Json | None]:
    """What each found; None of one that failed, or that takes too long and
    is left to itself."""
    found: list[Json | None] = [None] * len(looks)

    def look(place: int) -> None:
        try:
            found[place] = looks[place]()
        except Exception:
            LOG.exception("A part of the health could not be looked at")

    threads = [
        threading.Thread(target=look, args=(place,), daemon=True)
        for place in range(len(looks))
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 2 * PATIENCE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return list(found)


def _engine(call: calls.Call) -> Json:
    """What one engine answers; that one did shows that the bus works."""
    try:
        found = call.runtime.engine.ping(call.context, PATIENCE)
    except exception.EngineUnreachable as e:
        taken = bool(e.details.get("bus"))
        bus = _part(taken, None if taken else e.message)
        return {"engines": [], "bus": bus, "seen": {}}
    arrays = {a["name"]: a for a in found.pop("arrays", [])}
    engine = {**found, **_part(True)}
    return {"engines": [engine], "bus": _part(True), "seen": arrays}


def _stored(call: calls.Call) -> Json:
    """What the database says; a dead database is an answer, too."""
    try:
        with call.runtime.db.reader() as session:
            local = sites.local(session)
            known = [local, *sites.remote_sites(session)]
            behind = metadata_sync.behind(session)
            shown = [_site(s, behind.get(s.id, 0)) for s in known]
    except exception.ProtectorError as e:
        return {"database": _part(False, e.message), "sites": []}
    return {"database": _part(True), "sites": shown}


def _site(site: models.Site, behind: int) -> Json:
    """:param behind: groups whose last version it does not hold."""
    return {
        "id": site.id,
        "name": site.name,
        **_part(
            site.status == c.SiteStatus.ACTIVE and not behind,
            site.status_reason
            or (f"{behind} groups are out of sync." if behind else None),
        ),
        "status": site.status,
        "checked_at": times.iso(site.checked_at),
        "groups_out_of_sync": behind,
    }


def _arrays(conf: Any, seen: Json) -> list[Json]:
    """The configured arrays, as the engine last saw them."""
    unseen = {**_part(False, "No engine has looked yet."), "checked_at": None}
    return [
        {"name": name, **unseen, **seen.get(name, {})}
        for name in conf.storage.arrays
    ]


def _all_ok(shown: Json) -> bool:
    """Every part is well, and there is an engine."""
    single = [shown[k]["ok"] for k in ("api", "bus", "database")]
    several = [x["ok"] for k in ("sites", "arrays") for x in shown[k]]
    return all(single + several) and bool(shown["engines"])


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
            days = rpo_days.newest(session, owner.id)
            shown = view.show(owner, known, list(page.rows), days)
            return {"health": shown}
