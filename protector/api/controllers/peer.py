# SPDX-License-Identifier: Apache-2.0
"""``/v1/peer``: identity, what is held of each group, documents, mirrors.

What another site's Protector asks of this one; the moves are in
``_peer_moves``.
"""

from typing import Any

from pecan import rest
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception, metadata
from protector.api import call as calls
from protector.api import pagination, peering, validation
from protector.api.expose import expose
from protector.api.schemas import peer as schemas
from protector.api.schemas import types
from protector.api.views import peer as view
from protector.db import models
from protector.db.api import (
    consistency_groups,
    drills,
    listing,
    metadata_sync,
    mirrors,
    protection_groups,
    sites,
    tombstones,
)

Json = dict[str, Any]
Group = models.ProtectionGroup
CHECKSUM = "X-Protector-Checksum"
RULE = "metadata_sync:peer"


class PeerController(rest.RestController):
    RESERVED = ("identity", "groups", "operations")


class IdentityController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.response(200, schemas.IDENTITY)
    def get_all(self, call: calls.Call) -> Json:
        """Show who this site is."""
        # a site that is about to register this one is not known here yet
        peering.authorize(call)
        with call.runtime.db.reader() as session:
            return view.identity(sites.local(session), call.context.user_name)


class PeerGroupsController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.query(schemas.GROUPS_QUERY)
    @validation.response(200, schemas.GROUPS)
    def get_all(self, call: calls.Call) -> Json:
        """List what is held of each group."""
        wanted = pagination.wanted(call, pagination.Order())
        with call.runtime.db.reader() as session:
            peer = peering.site(call, session)
            mine = sa.or_(
                Group.primary_site_id == peer.id,
                Group.secondary_site_id == peer.id,
            )
            page = listing.page(
                session, sa.select(Group).where(mine), Group, wanted
            )
            ids = [g.id for g in page.rows]
            held = _syncs(session, ids)
            going = drills.going(session, ids, peer.id)
            return pagination.answer(
                call,
                "groups",
                page,
                lambda g: view.group(g, held.get(g.id), going.get(g.id)),
            )

    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.RESERVE)
    @validation.response(200, schemas.RESERVED)
    def post(self, call: calls.Call) -> Json:
        """Reserve the name of a group."""

        def reserve(session: orm.Session, peer: models.Site) -> Json:
            group = _reserve(call, session, peer, call.body)
            return {"id": group.id, "name": group.name}

        return peering.keep(call, reserve)

    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.response(200, schemas.GROUP)
    def get_one(self, call: calls.Call, group: str) -> Json:
        """Show what is held of a group."""
        with call.runtime.db.reader() as session:
            peer = peering.site(call, session)
            row = session.get(Group, group)
            if row is None:
                raise exception.NotFound(
                    f"There is no protection group {group}.", id=group
                )
            peering.check_pair(session, row, peer)
            sync = metadata_sync.find(session, group)
            going = drills.going(session, [group], peer.id)
            return {"group": view.whole(row, sync, going.get(group))}

    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.header(CHECKSUM, schemas.CHECKSUM)
    @validation.body(schemas.DOCUMENT)
    @validation.response(200, schemas.TRIPLE)
    def put(self, call: calls.Call, group: str) -> Json:
        """Receive the metadata of a group."""
        peering.authorize(call)
        _check_sum(call)
        if (call.body.get("group") or {}).get("id") != group:
            raise exception.BadRequest(
                f"The document is not of protection group {group}."
            )

        def receive(session: orm.Session, peer: models.Site) -> Json:
            local = sites.local(session).id
            held = metadata_sync.receive(
                session, local, peer.id, call.raw, call.now
            )
            return held.as_dict()

        return peering.keep(call, receive)

    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.TOMBSTONE)
    @validation.response(204, None)
    def delete(self, call: calls.Call, group: str) -> calls.Answer:
        """Forget a group."""

        def forget(
            session: orm.Session, peer: models.Site
        ) -> exception.ProtectorError | None:
            row = session.get(Group, group, with_for_update=True)
            if row is None:
                return None
            peering.check_pair(session, row, peer)
            return _forget(call, session, row, peer)

        refused = peering.keep(call, forget)
        if refused is not None:
            raise refused
        return calls.Answer(None, 204)


class PeerOperationsController(rest.RestController):
    @expose
    @validation.rules(RULE)
    @validation.header(peering.HEADER, types.UUID)
    @validation.body(schemas.MIRROR)
    @validation.response(200, schemas.OPERATION)
    def put(self, call: calls.Call, operation: str) -> Json:
        """Mirror an operation."""
        told = call.body
        if told["id"] != operation:
            raise exception.BadRequest(
                f"The body is of operation {told['id']}."
            )

        def mirror(session: orm.Session, peer: models.Site) -> Json:
            group = session.get(Group, told["protection_group_id"])
            if group is not None:
                peering.check_pair(session, group, peer)
            peering.check_operation(session, operation, told, peer)
            local = sites.local(session).id
            row = mirrors.upsert(session, call.now, told, local)
            return {"operation": mirrors.describe(row)}

        return peering.keep(call, mirror)


def _syncs(
    session: orm.Session, ids: list[str]
) -> dict[str, models.MetadataSync]:
    # the documents themselves may be large and are not shown
    sync = models.MetadataSync
    rows = session.scalars(
        sa.select(sync)
        .where(sync.protection_group_id.in_(ids))
        .options(orm.defer(sync.document))
    )
    return {row.protection_group_id: row for row in rows}


def _check_sum(call: calls.Call) -> None:
    """:raises BadRequest: the bytes are not those that were summed."""
    told = call.headers.get(CHECKSUM, "")
    if told != metadata.checksum(call.raw):
        raise exception.BadRequest(
            f"{CHECKSUM} is not the SHA-256 of the body.",
            remedy="Send the document again, byte for byte.",
        )


def _reserve(
    call: calls.Call, session: orm.Session, peer: models.Site, body: Json
) -> Group:
    """A row that keeps the name until the first document comes.

    :raises NameTaken: another group of the project has it.
    """
    known = session.get(Group, body["id"])
    if known is not None:
        return _reserved(session, known, peer, body)
    local = sites.local(session).id
    group = protection_groups.add(
        session,
        call.now,
        {
            "id": body["id"],
            "project_id": body["project_id"],
            "name": body["name"],
            "description": body.get("description", ""),
            "replication_type": body.get(
                "replication_type", c.ReplicationType.ASYNC
            ),
            "primary_site_id": peer.id,
            "secondary_site_id": local,
            "primary_project_id": body.get("primary_project_id", ""),
            "secondary_project_id": body["project_id"],
            "volume_type_id": body.get("volume_type_id", ""),
        },
    )
    if "consistency_group_id" in body:
        kind = {
            "volume_type_id": group.volume_type_id,
            "volume_type_name": "",
        }
        consistency_groups.add(
            session,
            group,
            {peer.id: kind, local: kind},
            body["consistency_group_id"],
        )
    return group


def _reserved(
    session: orm.Session, known: Group, peer: models.Site, body: Json
) -> Group:
    """The same reservation again, perhaps under another name."""
    peering.check_pair(session, known, peer)
    if known.deleted:
        raise exception.NameTaken(
            f"Protection group {known.id} was deleted here.", id=known.id
        )
    if known.name != body["name"]:
        protection_groups.check_name(
            session, known.project_id, body["name"], known.id
        )
        known.name = body["name"]
    return known


def _forget(
    call: calls.Call, session: orm.Session, group: Group, peer: models.Site
) -> exception.ProtectorError | None:
    """The refusal, when what was noted for it is to be kept.

    :raises ProtectorError: the refusal of all.
    """
    tombstone = call.body or {}
    if "epoch" in tombstone and not group.deleted:
        local = sites.local(session).id
        return tombstones.receive(
            session, group, local, peer.id, tombstone, call.now
        )
    _check_forgettable(session, group)
    protection_groups.forget(session, group.id)
    return None


def _check_forgettable(session: orm.Session, group: Group) -> None:
    """:raises NotPrimarySite: this site decides about the group.
    :raises GroupBusy: an operation runs on it here.
    """
    reservation = group.status == c.GroupStatus.CREATING
    local = sites.local(session)
    if (
        group.current_primary_site_id == local.id
        and not group.deleted
        and not reservation
    ):
        raise exception.NotPrimarySite(
            f"Protection group {group.name} runs at {local.name}: only that "
            "site deletes it.",
            site=local.name,
            site_id=local.id,
            endpoint=local.endpoint,
        )
    if group.operation_id is not None and not reservation:
        raise protection_groups.busy(group)
