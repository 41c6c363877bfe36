# SPDX-License-Identifier: Apache-2.0
"""``/v1/{tenant}/operations`` and their actions."""

from typing import Any

from pecan import rest
import sqlalchemy as sa
from sqlalchemy import orm

from protector import constants as c
from protector.api import (
    access,
    answers,
    operation_actions,
    pagination,
    validation,
)
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import operations as schemas
from protector.api.views import operations as view
from protector.db import models
from protector.db.api import listing, operations_actions, sites

Json = dict[str, Any]
Op = models.Operation


class OperationsController(rest.RestController):
    @expose
    @validation.rules("operations:index")
    @validation.query(schemas.LIST_QUERY)
    @validation.response(200, schemas.LIST)
    def get_all(self, call: calls.Call, tenant: str) -> Json:
        """List operations."""
        project = pagination.project(call, tenant)
        order = pagination.Order(direction="desc")
        wanted = pagination.wanted(call, order)
        statement = sa.select(Op).options(orm.selectinload(Op.steps))
        if project is not None:
            statement = statement.where(Op.project_id == project)
        with call.runtime.db.reader() as session:
            page = listing.page(session, statement, Op, wanted)
            local = sites.local(session).id
            over = operations_actions.over(session, page.rows)
            return pagination.answer(
                call,
                "operations",
                page,
                lambda op: view.show(op, local, call.now, over.get(op.id)),
            )

    @expose
    @validation.rules("operations:show")
    @validation.response(200, schemas.SHOW)
    def get_one(
        self, call: calls.Call, tenant: str, operation: str
    ) -> calls.Answer:
        """Show an operation."""
        with call.runtime.db.reader() as session:
            row = access.operation(call, session, operation)
            shown = answers.as_shown(call, session, row)
            running = row.status in c.UNFINISHED
        return calls.Answer(
            {"operation": shown},
            retry_after=answers.POLL if running else None,
        )


class OperationActionController(rest.RestController):
    @expose
    @validation.rules(*operation_actions.RULES)
    @validation.body(schemas.ACTION)
    @validation.response(202, schemas.SHOW)
    def post(
        self, call: calls.Call, tenant: str, operation: str
    ) -> calls.Answer:
        """Retry, skip or cancel."""
        ((action, args),) = call.body.items()
        with call.runtime.db.reader() as session:
            row = access.operation(
                call, session, operation, f"protector:operations:{action}"
            )
            verb = operation_actions.RULE_OF_VERB[c.Verb(row.kind)]
            call.authorize(row.project_id, f"protector:{verb}")
        operation_actions.run(call, row, action, args)
        body = answers.shown_operation(call, operation)
        return answers.accepted(body, row)
