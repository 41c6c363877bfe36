# SPDX-License-Identifier: Apache-2.0
"""The answer to an accepted change: what was changed, and where to follow
its operation."""

from typing import Any

from protector.api import call as calls
from protector.api.views import operations as view
from protector.db import models
from protector.db.api import operations, sites

Json = dict[str, Any]

# seconds between two looks at a running operation
POLL = 2


def location(operation: models.Operation) -> str:
    """Of the operation, in its own project's tree."""
    return f"/v1/{operation.project_id}/operations/{operation.id}"


def accepted(body: Json, operation: models.Operation) -> calls.Answer:
    return calls.Answer(
        body, status=202, location=location(operation), retry_after=POLL
    )


def shown_operation(call: calls.Call, operation_id: str) -> Json:
    """The operation in its envelope."""
    with call.runtime.db.reader() as session:
        row = operations.get(session, operation_id)
        local = sites.local(session).id
        return {"operation": view.show(row, local, call.now)}
