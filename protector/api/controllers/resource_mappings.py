# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/mappings``."""

from typing import Any

from pecan import rest

from protector import constants as c
from protector.api import acceptance, access, answers, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import resource_mappings as schemas
from protector.db.api import resource_mappings

Json = dict[str, Any]


class ResourceMappingsController(rest.RestController):
    @expose
    @validation.rules("resource_mappings:show")
    @validation.response(200, schemas.SHOW)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
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
        with call.runtime.db.reader() as session:
            access.group(call, session, group)
        change = acceptance.Change(
            c.Verb.MAPPINGS_SET,
            {"mappings": call.body["mappings"]},
            finish=lambda args, found: {**args, **found},
        )
        operation = acceptance.accept(call, group, change)
        if call.settling.wait(operation.id) is None:
            wanted = {k: [] for k in resource_mappings.KINDS}
            wanted |= operation.args["mappings"]
            return answers.accepted({"mappings": wanted}, operation)
        with call.runtime.db.reader() as session:
            return {"mappings": resource_mappings.get(session, group)}


class ProposalController(rest.RestController):
    @expose
    @validation.rules("resource_mappings:show")
    @validation.response(200, schemas.SHOW)
    def get_all(self, call: calls.Call, tenant: str, group: str) -> Json:
        with call.runtime.db.reader() as session:
            access.group(call, session, group)
        found = call.runtime.engine.propose_mappings(call.context, group)
        return {"mappings": found}
