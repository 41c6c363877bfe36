# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/members``."""

from typing import Any
import uuid

from pecan import rest
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import acceptance, access, answers, pagination, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import members as schemas
from protector.api.views import members as view
from protector.db import models
from protector.db.api import members, protection_groups, sites

Json = dict[str, Any]
ERROR, REMOVING = c.MemberStatus.ERROR, c.MemberStatus.REMOVING


class MembersController(rest.RestController):
    @expose
    @validation.rules("members:index")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """List the members of a protection group."""
        wanted = pagination.wanted(call, pagination.Order())
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            page = members.page(session, owner.id, wanted)
            site_id = owner.current_primary_site_id
            return pagination.answer(
                call, "members", page, lambda m: view.show(m, site_id)
            )

    @expose
    @validation.rules("members:show")
    @validation.response(200, schemas.SHOW)
    def get_one(
        self, call: calls.Call, tenant: str, group: str, member: str
    ) -> Json:
        """Show a member."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            return _shown(members.get(session, owner.id, member), owner)

    @expose
    @validation.rules("members:create")
    @validation.body(schemas.CREATE)
    @validation.response(200, schemas.SHOW)
    @validation.response(202, schemas.ACCEPTED)
    def post(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Add a server to a protection group."""
        body = call.body["member"]
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            known = members.by_instance(session, owner.id, body["instance_id"])
            if known is not None and known.status == REMOVING:
                raise members.leaving(known)
            again = known is not None and known.status == ERROR
            if known is not None and not again:
                return _shown(known, owner)
        member_id = known.id if known is not None else str(uuid.uuid4())
        change = _addition(call, body, member_id)
        try:
            operation = acceptance.accept(call, group, change)
        except exception.NameTaken:
            # the same request came twice at the same moment
            with call.runtime.db.reader() as session:
                owner = protection_groups.get(session, group)
                known = members.by_instance(
                    session, group, body["instance_id"]
                )
                if known is None:
                    raise
                return _shown(known, owner)
        return _accepted(call, group, operation)

    @expose
    @validation.rules("members:delete")
    @validation.query(schemas.DELETE_QUERY)
    @validation.response(202, schemas.ACCEPTED)
    @validation.response(204, None)
    def delete(
        self, call: calls.Call, tenant: str, group: str, member: str
    ) -> calls.Answer:
        """Remove a member from its protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            members.get(session, owner.id, member)
        discard = validation.flag(call.query, "discard_undo")
        change = _removal(call, member, discard)
        operation = acceptance.accept(call, group, change)
        if call.settling.wait(operation.id) is not None:
            return calls.Answer(None, 204)
        return _accepted(call, group, operation)


def _shown(row: models.Member, owner: models.ProtectionGroup) -> Json:
    return {"member": view.show(row, owner.current_primary_site_id)}


def _addition(
    call: calls.Call, body: Json, member_id: str
) -> acceptance.Change:
    """Of a new member, or of one whose addition failed before."""

    def finish(args: Json, found: Json) -> Json:
        return {**args, "instance_name": found["instance_name"]}

    def rows(
        session: orm.Session,
        owner: models.ProtectionGroup,
        operation: models.Operation,
    ) -> None:
        failed = session.get(models.Member, member_id)
        if failed is not None:
            members.start_again(failed, call.now)
            return
        members.add(
            session,
            call.now,
            owner.id,
            {
                "id": member_id,
                "instance_id": body["instance_id"],
                "instance_name": operation.args["instance_name"],
                "home_site_id": sites.local(session).id,
            },
        )

    args = {**body, "member_id": member_id}
    return acceptance.Change(c.Verb.MEMBER_ADD, args, rows, finish)


def _removal(
    call: calls.Call, member_id: str, discard: bool
) -> acceptance.Change:
    """:param discard: undo copies that hold something of it."""

    def rows(
        session: orm.Session,
        owner: models.ProtectionGroup,
        operation: models.Operation,
    ) -> None:
        row = members.get(session, owner.id, member_id)
        members.start_removal(row, call.now)

    args = {"member_id": member_id, "discard_undo": discard}
    return acceptance.Change(c.Verb.MEMBER_REMOVE, args, rows)


def _accepted(
    call: calls.Call, group_id: str, operation: models.Operation
) -> calls.Answer:
    with call.runtime.db.reader() as session:
        owner = protection_groups.get(session, group_id)
        row = session.get(models.Member, operation.args["member_id"])
        if row is None:
            # a quick engine has removed it already
            return calls.Answer(None, 204)
        shown = view.show(row, owner.current_primary_site_id, operation.id)
    return answers.accepted({"member": shown}, operation)
