# SPDX-License-Identifier: Apache-2.0
"""The answer to an accepted change: what was changed, and where to follow
its operation."""

from typing import Any

from sqlalchemy import orm

from protector.api import call as calls
from protector.api.views import operations as view
from protector.db import models
from protector.db.api import operations, operations_actions, sites

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
        return {"operation": as_shown(call, session, row)}


def as_shown(
    call: calls.Call, session: orm.Session, row: models.Operation
) -> Json:
    over = operations_actions.over(session, [row]).get(row.id)
    return view.show(row, sites.local(session).id, call.now, over)
