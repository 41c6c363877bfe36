# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/mappings``."""

from typing import Any

from pecan import rest
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import acceptance, access, answers, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import resource_mappings as schemas
from protector.db.api import members, resource_mappings

Json = dict[str, Any]


class ResourceMappingsController(rest.RestController):
    @expose
    @validation.rules("resource_mappings:show")
    @validation.response(200, schemas.SHOW)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Show the resource mappings of a protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            return {"mappings": resource_mappings.get(session, owner.id)}

    @expose
    @validation.rules("resource_mappings:update")
    @validation.body(schemas.UPDATE)
    @validation.response(200, schemas.SHOW)
    @validation.response(202, schemas.SHOW)
    def put(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Replace the resource mappings of a protection group."""
        wanted = call.body["mappings"]
        with call.runtime.db.reader() as session:
            access.group(call, session, group)
            _check_tiers(session, group, wanted)
        change = acceptance.Change(
            c.Verb.MAPPINGS_SET,
            {"mappings": wanted},
            finish=lambda args, found: {**args, **found},
        )
        operation = acceptance.accept(call, group, change)
        if call.settling.wait(operation.id) is None:
            shown = {k: [] for k in resource_mappings.KINDS}
            shown |= operation.args["mappings"]
            return answers.accepted({"mappings": shown}, operation)
        with call.runtime.db.reader() as session:
            return {"mappings": resource_mappings.get(session, group)}


def _check_tiers(session: orm.Session, group_id: str, wanted: Json) -> None:
    """:raises InvalidReference: a boot tier names no member of the group.
    :raises BadRequest: two tiers name the same one.
    """
    tiers = wanted.get("boot_tiers", [])
    every = [member for tier in tiers for member in tier["members"]]
    named = set(every)
    twice = {member for member in named if every.count(member) > 1}
    if twice:
        raise exception.BadRequest(
            f"boot_tiers names {', '.join(sorted(twice))} in two tiers.",
            remedy="Name each member once.",
            field="boot_tiers",
        )
    strange = named - members.ids(session, group_id) if named else None
    if strange:
        raise exception.InvalidReference(
            f"boot_tiers names {', '.join(sorted(strange))}, which are no "
            "members of the group.",
            remedy="List the members of the group and use their ids.",
            field="boot_tiers",
        )


class ProposalController(rest.RestController):
    @expose
    @validation.rules("resource_mappings:show")
    @validation.response(200, schemas.SHOW)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        """Propose resource mappings from both clouds."""
        with call.runtime.db.reader() as session:
            access.group(call, session, group)
        found = call.runtime.engine.propose_mappings(call.context, group)
        return {"mappings": found}
