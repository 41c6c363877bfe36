# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/consistency-group``."""

from typing import Any

from pecan import rest

from protector import exception
from protector.api import access, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import consistency_groups as schemas
from protector.api.views import consistency_groups as view
from protector.db.api import consistency_groups


class ConsistencyGroupController(rest.RestController):
    @expose
    @validation.rules("consistency_groups:show")
    @validation.response(200, schemas.SHOW)
    def get_all(
        self, call: calls.Call, tenant: str, group: str
    ) -> dict[str, Any]:
        """Show the consistency group of a protection group."""
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            row = consistency_groups.find(session, owner.id)
            if row is None:
                raise exception.NotFound(
                    f"Protection group {owner.name} has no consistency "
                    "group here yet."
                )
            count = consistency_groups.volume_count(session, owner)
            return {"consistency_group": view.show(row, owner, count)}
