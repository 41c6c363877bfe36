# SPDX-License-Identifier: Apache-2.0
"""``/v1/{tenant}/protection-groups``."""

from typing import Any
import uuid

from pecan import rest
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import (
    acceptance,
    access,
    answers,
    facts,
    legality,
    microversion,
    pagination,
    validation,
)
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import protection_groups as schemas
from protector.api.views import protection_groups as view
from protector.db import models
from protector.db.api import (
    consistency_groups,
    listing,
    operations,
    protection_groups,
    sites,
)

Json = dict[str, Any]
Group = models.ProtectionGroup
IMMUTABLE = (
    "replication_type",
    "primary_site_id",
    "secondary_site_id",
    "volume_type_id",
)
BEFORE = microversion.Version(1, 1)


class ProtectionGroupsController(rest.RestController):
    @expose
    @validation.rules("protection_groups:index")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST, max_version=BEFORE)
    @validation.response(200, schemas.LIST_DETAILED, min_version=view.DETAILED)
    def get_all(self, call: calls.Call, tenant: str) -> Json:
        """List protection groups."""
        project = pagination.project(call, tenant)
        wanted = pagination.wanted(call, pagination.Order())
        statement = sa.select(Group).where(Group.deleted == "")
        if project is not None:
            statement = statement.where(Group.project_id == project)
        with call.runtime.db.reader() as session:
            page = listing.page(session, statement, Group, wanted)
            known = facts.of(call, session, page.rows)
            return pagination.answer(
                call,
                "protection_groups",
                page,
                lambda g: view.summary(g, known[g.id], call.version),
            )

    @expose
    @validation.rules("protection_groups:show")
    @validation.response(200, schemas.SHOW, max_version=BEFORE)
    @validation.response(200, schemas.SHOW_DETAILED, min_version=view.DETAILED)
    def get_one(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Show a protection group."""
        with call.runtime.db.reader() as session:
            row = access.group(call, session, group)
            return facts.shown_group(call, session, row)

    @expose
    @validation.rules("protection_groups:create")
    @validation.body(schemas.CREATE)
    @validation.response(202, schemas.SHOW, max_version=BEFORE)
    @validation.response(202, schemas.SHOW_DETAILED, min_version=view.DETAILED)
    def post(self, call: calls.Call, tenant: str) -> calls.Answer:
        """Create a protection group."""
        call.authorize(tenant)
        body = {"description": "", **call.body["protection_group"]}
        args = {**body, "project_id": tenant}
        with call.runtime.db.reader() as session:
            _check_sites(session, args)
            protection_groups.check_name(session, tenant, args["name"])
        found = call.runtime.engine.precheck(
            call.context, c.Verb.CREATE, None, args
        )
        group, operation = acceptance.create(
            call, lambda session: _create(call, session, args, found)
        )
        return self._accepted(call, group.id, operation)

    @expose
    @validation.rules("protection_groups:update")
    @validation.body(schemas.UPDATE)
    @validation.response(200, schemas.SHOW, max_version=BEFORE)
    @validation.response(200, schemas.SHOW_DETAILED, min_version=view.DETAILED)
    @validation.response(202, schemas.SHOW, max_version=BEFORE)
    @validation.response(202, schemas.SHOW_DETAILED, min_version=view.DETAILED)
    def put(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Update a protection group."""
        with call.runtime.db.reader() as session:
            row = access.group(call, session, group)
            args = _changes(row, call.body["protection_group"])
            if not args:
                return facts.shown_group(call, session, row)
            if "name" in args:
                protection_groups.check_name(
                    session, row.project_id, args["name"], row.id
                )
        operation = acceptance.accept(
            call, group, acceptance.Change(c.Verb.UPDATE, args)
        )
        if call.settling.wait(operation.id) is None:
            return self._accepted(call, group, operation)
        return self._shown(call, group)

    @expose
    @validation.rules("protection_groups:delete")
    @validation.query(schemas.DELETE_QUERY)
    @validation.response(202, schemas.SHOW, max_version=BEFORE)
    @validation.response(202, schemas.SHOW_DETAILED, min_version=view.DETAILED)
    def delete(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer:
        """Delete a protection group."""
        with call.runtime.db.reader() as session:
            row = access.group(call, session, group)
            legality.check(session, row, c.Verb.DELETE)
            last = facts.shown_group(call, session, row)
        operation = acceptance.accept(
            call,
            group,
            acceptance.Change(
                c.Verb.DELETE,
                {"discard_undo": validation.flag(call.query, "discard_undo")},
            ),
        )
        with call.runtime.db.reader() as session:
            left = session.get(Group, group)
            if left is not None:
                last = facts.shown_group(call, session, left)
        return answers.accepted(last, operation)

    def _accepted(
        self, call: calls.Call, group_id: str, operation: models.Operation
    ) -> calls.Answer:
        return answers.accepted(self._shown(call, group_id), operation)

    def _shown(self, call: calls.Call, group_id: str) -> Json:
        with call.runtime.db.reader() as session:
            row = protection_groups.get(session, group_id)
            return facts.shown_group(call, session, row)


def _check_sites(session: orm.Session, args: Json) -> None:
    """:raises BadRequest: this is not the primary site of the new group."""
    local = sites.local(session)
    ends = {}
    for field in ("primary_site_id", "secondary_site_id"):
        ends[field] = session.get(models.Site, args[field])
        if ends[field] is None:
            raise exception.InvalidReference(
                f"{field}: there is no site {args[field]}.",
                remedy="List the sites and use one of those.",
                field=field,
            )
    if args["primary_site_id"] == args["secondary_site_id"]:
        raise exception.BadRequest(
            "primary_site_id and secondary_site_id are the same.",
            field="secondary_site_id",
        )
    if ends["secondary_site_id"].lost:
        raise exception.InvalidReference(
            f"Site {ends['secondary_site_id'].name} was declared lost.",
            remedy="Use another site.",
            field="secondary_site_id",
        )
    primary = ends["primary_site_id"]
    if primary.id != local.id:
        raise exception.BadRequest(
            "A protection group is created at its primary site, "
            f"{primary.name}; this is {local.name}.",
            remedy="Send the request to that site.",
            site=primary.name,
            endpoint=primary.endpoint,
        )


def _create(
    call: calls.Call, session: orm.Session, args: Json, found: Json
) -> tuple[Group, models.Operation]:
    """The rows that a new group starts with."""
    group = protection_groups.add(
        session,
        call.now,
        {
            "id": str(uuid.uuid4()),
            "project_id": args["project_id"],
            "primary_project_id": args["project_id"],
            "secondary_project_id": found["secondary_project_id"],
            "name": args["name"],
            "description": args["description"],
            "replication_type": args["replication_type"],
            "primary_site_id": args["primary_site_id"],
            "secondary_site_id": args["secondary_site_id"],
            "volume_type_id": found["volume_type_id"],
        },
    )
    consistency_groups.add(session, group, _sides(group, found))
    # its first operation holds the slot from the start
    group.operation_id = str(uuid.uuid4())
    change = acceptance.Change(
        c.Verb.CREATE, {}, operation_id=group.operation_id
    )
    values = acceptance.values(call, session, group, change, {})
    operation = operations.accept(
        session, call.now, group, change.verb, values
    )
    return group, operation


def _sides(group: Group, found: Json) -> dict[str, Json]:
    return {
        group.primary_site_id: {
            "volume_type_id": found["volume_type_id"],
            "volume_type_name": found["volume_type_name"],
            "backend_name": found.get("backend_name"),
        },
        group.secondary_site_id: {
            "volume_type_id": found["secondary_volume_type_id"],
            "volume_type_name": found["secondary_volume_type_name"],
            "backend_name": found.get("secondary_backend_name"),
        },
    }


def _changes(group: Group, body: Json) -> Json:
    """What an update really changes.

    :raises ImmutableField: one of those that stay as they were created.
    """
    changed = {k: v for k, v in body.items() if getattr(group, k) != v}
    for field in IMMUTABLE:
        if field in changed:
            raise exception.ImmutableField(
                f"{field} of protection group {group.name} cannot be changed "
                f"from {getattr(group, field)}.",
                field=field,
            )
    return changed
