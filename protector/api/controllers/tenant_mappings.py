# SPDX-License-Identifier: Apache-2.0
"""``/v1/admin/tenant-mappings``."""

from typing import Any

from pecan import rest

from protector import exception
from protector.api import call as calls
from protector.api import pagination, validation
from protector.api.expose import expose
from protector.api.schemas import tenant_mappings as schemas
from protector.api.views import tenant_mappings as view
from protector.db import models
from protector.db.api import tenant_mappings

Json = dict[str, Any]


class TenantMappingsController(rest.RestController):
    @expose
    @validation.rules("tenant_mappings:index")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST)
    def get_all(self, call: calls.Call) -> Json:
        """List tenant mappings."""
        call.authorize(None)
        wanted = pagination.wanted(call, pagination.Order())
        with call.runtime.db.reader() as session:
            page = tenant_mappings.page(session, wanted)
            return pagination.answer(call, "tenant_mappings", page, view.show)

    @expose
    @validation.rules("tenant_mappings:show")
    @validation.response(200, schemas.SHOW)
    def get_one(self, call: calls.Call, tenant_mapping: str) -> Json:
        """Show a tenant mapping."""
        call.authorize(None)
        with call.runtime.db.reader() as session:
            row = tenant_mappings.get(session, tenant_mapping)
            return {"tenant_mapping": view.show(row)}

    @expose
    @validation.rules("tenant_mappings:create")
    @validation.body(schemas.CREATE)
    @validation.response(201, schemas.SHOW)
    def post(self, call: calls.Call) -> calls.Answer:
        """Create a tenant mapping."""
        call.authorize(None)
        values = call.body["tenant_mapping"]
        with call.runtime.db.writer() as session:
            site = session.get(models.Site, values["remote_site_id"])
            if site is None or site.is_local:
                raise exception.InvalidReference(
                    "remote_site_id: there is no other site "
                    f"{values['remote_site_id']}.",
                    remedy="Register the site first.",
                    field="remote_site_id",
                )
            shown = view.show(tenant_mappings.add(session, call.now, values))
        location = f"/v1/admin/tenant-mappings/{shown['id']}"
        return calls.Answer({"tenant_mapping": shown}, 201, location)

    @expose
    @validation.rules("tenant_mappings:delete")
    @validation.response(204, None)
    def delete(self, call: calls.Call, tenant_mapping: str) -> calls.Answer:
        """Delete a tenant mapping."""
        call.authorize(None)
        with call.runtime.db.writer() as session:
            row = tenant_mappings.get(session, tenant_mapping)
            tenant_mappings.remove(session, row)
        return calls.Answer(None, 204)
