# SPDX-License-Identifier: Apache-2.0
"""``/v1/peer/groups/{group}/...``: forwarded verbs, and the source's part
of a planned move."""

from typing import Any

from pecan import rest
from sqlalchemy import orm

from protector import constants as c
from protector import exception, states
from protector.api import (
    acceptance,
    legality,
    operation_actions,
    peering,
    validation,
)
from protector.api import call as calls
from protector.api.controllers import actions
from protector.api.expose import expose
from protector.api.schemas import peer as schemas
from protector.api.schemas import types
from protector.api.views import peer as view
from protector.db import models
from protector.db.api import (
    metadata_sync,
    mirrors,
    operations,
    protection_groups,
    sites,
    source_locks,
)

Json = dict[str, Any]
Group = models.ProtectionGroup
RULE = "metadata_sync:peer"
# what either site may be asked for
FORWARDED = c.PLACEMENT_VERBS | c.DRILL_VERBS | {c.Verb.RESOLVE_SPLIT}


def _group(session: orm.Session, group_id: str, peer: models.Site) -> Group:
    """The group, locked, that the peer asks about."""
    group = protection_groups.lock(session, group_id)
    peering.check_pair(session, group, peer)
    return group


class PeerActionController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.ACTION)
    @validation.response(202, schemas.OPERATION)
    def post(self, call: calls.Call, group: str) -> calls.Answer:
        """Take over a verb, or an action on an operation."""
        body = call.body
        verb, args = body["verb"], body.get("args", {})
        with call.runtime.db.reader() as session:
            peer = peering.site(call, session)
            row = _group(session, group, peer)
            _check_action(session, row, body)
        if verb in FORWARDED:
            self._accept(call, group, peer.id, body)
        else:
            operation_actions.here(call, body["operation_id"], verb, args)
        with call.runtime.db.reader() as session:
            told = mirrors.describe(
                operations.get(session, body["operation_id"])
            )
        return calls.Answer({"operation": told}, 202)

    def _accept(
        self, call: calls.Call, group_id: str, peer_id: str, body: Json
    ) -> None:
        acceptance.accept(
            call,
            group_id,
            acceptance.Change(
                c.Verb(body["verb"]),
                body.get("args", {}),
                operation_id=body["operation_id"],
                user_id=body.get("user_id"),
                request_id=body.get("request_id"),
                origin_site_id=peer_id,
            ),
        )


def _check_action(session: orm.Session, group: Group, body: Json) -> None:
    """:raises BadRequest: it is not this site's to execute."""
    verb, args = body["verb"], body.get("args", {})
    local = sites.local(session)
    if verb in FORWARDED:
        if states.is_unplanned(args):
            raise exception.BadRequest(
                "An unplanned move is asked for at the site that takes the "
                "group; it is not forwarded."
            )
        actions.check_args(verb, args)
        if acceptance.executor(session, group, verb, args) != local.id:
            raise exception.BadRequest(
                f"{verb} of protection group {group.name} is not executed "
                f"at {local.name}."
            )
        known = session.get(models.Operation, body["operation_id"])
    else:
        known = operations.get(session, body["operation_id"])
    if known is not None and (
        known.protection_group_id != group.id
        or known.executor_site_id != local.id
    ):
        raise exception.BadRequest(
            f"Operation {known.id} of protection group {group.name} is "
            f"not executed at {local.name}."
        )
    if verb == "skip" and not isinstance(args.get("step_id"), str):
        raise exception.BadRequest("skip: step_id is missing.")


class LockController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.LOCK)
    @validation.response(200, schemas.LOCKED)
    def post(self, call: calls.Call, group: str) -> Json:
        """Lock the source of a planned move, or renew the lock."""
        operation_id = call.body["operation_id"]

        def lock(session: orm.Session, peer: models.Site) -> tuple[Any, Json]:
            row = _group(session, group, peer)
            busy = None
            if source_locks.find(session, group) is None:
                busy = _take_slot(call, session, row)
            if busy is None:
                source_locks.take(
                    session,
                    group,
                    operation_id,
                    peer.id,
                    call.body["span_seconds"],
                )
            return busy, view.held(row, metadata_sync.find(session, group))

        busy, held = peering.keep(call, lock)
        if busy is not None:
            raise busy
        return {"operation_id": operation_id, **held}


def _take_slot(
    call: calls.Call, session: orm.Session, group: Group
) -> exception.GroupBusy | None:
    """The group's slot for a move that starts.

    Changes that wait are ended even when one still runs: nothing may come
    between it and the move.

    :returns: that one still runs; what was ended is kept then, too.
    """
    operation_id = call.body["operation_id"]
    local = sites.local(session)
    if group.current_primary_site_id != local.id:
        primary = session.get(models.Site, group.current_primary_site_id)
        raise legality.not_primary(group, local, primary)
    sync = metadata_sync.find(session, group.id)
    if group.epoch != call.body["epoch_held"]:
        raise exception.StaleDocument(
            f"Protection group {group.name} is in epoch {group.epoch} here.",
            **view.held(group, sync),
        )
    verb = (
        c.Verb.FAILOVER
        if group.current_primary_site_id == group.primary_site_id
        else c.Verb.FAILBACK
    )
    operations.supersede_queue(session, call.now, group.id, operation_id)
    try:
        protection_groups.take_slot(session, group, operation_id, verb)
    except exception.GroupBusy as e:
        return e
    return None


class UnlockController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.UNLOCK)
    @validation.response(204, None)
    def post(self, call: calls.Call, group: str) -> calls.Answer:
        """Unlock the source of a planned move."""
        operation_id = call.body["operation_id"]

        def unlock(session: orm.Session, peer: models.Site) -> None:
            row = _group(session, group, peer)
            lock = source_locks.find(session, group)
            if lock is not None and not source_locks.drop(
                session, group, operation_id
            ):
                # released, or another's
                raise source_locks.lost(group, operation_id)
            if row.operation_id == operation_id:
                protection_groups.free_slot(session, row, operation_id)
                protection_groups.set_status(
                    row, protection_groups.resting_status(row)
                )

        peering.keep(call, unlock)
        return calls.Answer(None, 204)


class ReleaseController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.RELEASE)
    @validation.response(200, schemas.TRIPLE)
    def post(self, call: calls.Call, group: str) -> Json:
        """Release a group to the epoch of a planned move."""
        with call.runtime.db.reader() as session:
            _group(session, group, peering.site(call, session))
        found = call.runtime.engine.release(
            call.context,
            group,
            call.body["operation_id"],
            call.body["epoch"],
        )
        return {k: found[k] for k in ("epoch", "version", "checksum")}
