# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/recovery-points``."""

from typing import Any

from pecan import rest

from protector.api import access, facts, pagination, validation
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import protection_groups as schemas
from protector.api.views import protection_groups_points as view
from protector.db.api import recovery_points


class RecoveryPointsController(rest.RestController):
    @expose
    @validation.rules("protection_groups:show")
    @validation.query(schemas.POINTS_QUERY)
    @validation.response(200, schemas.POINTS)
    def get_all(
        self, call: calls.Call, tenant: str, group: str
    ) -> dict[str, Any]:
        """List the recovery points of a protection group."""
        wanted = pagination.wanted(call, pagination.Order(direction="desc"))
        with call.runtime.db.reader() as session:
            owner = access.group(call, session, group)
            known = facts.of(call, session, [owner])[owner.id]
            page = recovery_points.page(session, owner.id, wanted)
            return pagination.answer(
                call,
                "recovery_points",
                page,
                lambda point: view.show(
                    point, owner, known.site_names, known.rpo_minutes
                ),
            )
