# SPDX-License-Identifier: Apache-2.0
"""``/``: the versions document."""

from typing import Any

import pecan
from pecan import rest

from protector.api import call as calls
from protector.api import routes, validation
from protector.api.controllers import openapi, v1
from protector.api.expose import expose
from protector.api.schemas import health as schemas
from protector.api.views import versions as view


class RootController(rest.RestController):
    RESERVED = ("v1",)

    v1 = v1.V1Controller()

    @expose
    @validation.public
    @validation.response(200, schemas.VERSIONS)
    def get_all(self, call: calls.Call) -> dict[str, Any]:
        """List the versions of the API."""
        return {"versions": [view.show(call.url)]}


def _walk() -> list[routes.Route]:
    return routes.walk(RootController())


# here, because it describes the whole tree
pecan.route(v1.V1Controller, "openapi.json", openapi.OpenapiController(_walk))
