# SPDX-License-Identifier: Apache-2.0
"""``.../protection-groups/{group}/action``: one verb per request."""

from typing import Any
import uuid

from pecan import rest
from sqlalchemy import orm

from protector import constants as c
from protector import exception
from protector.api import (
    acceptance,
    access,
    answers,
    legality,
    operation_actions,
    validation,
)
from protector.api import call as calls
from protector.api.expose import expose
from protector.api.schemas import actions as schemas
from protector.api.schemas import operations as operation_schemas
from protector.api.views import operations as operations_view
from protector.db import models
from protector.db.api import recovery_points, sites

Json = dict[str, Any]


class GroupActionController(rest.RestController):
    @expose
    @validation.rules(*(f"protection_groups:{v}" for v in schemas.VERBS))
    @validation.body(schemas.ACTION, shown=schemas.SHOWN)
    @validation.response(200, schemas.DRY_RUN)
    @validation.response(202, operation_schemas.SHOW)
    def post(
        self, call: calls.Call, tenant: str, group: str
    ) -> calls.Answer | Json:
        """Run an action of a protection group."""
        verb, args, dry_run = _parsed(call.body)
        with call.runtime.db.reader() as session:
            rule = f"protector:protection_groups:{verb}"
            row = access.group(call, session, group, rule)
            local = sites.local(session).id
            executor = acceptance.executor(session, row, verb, args)
            if executor == local:
                check_point(session, row, args)
            if dry_run:
                legality.check_plan(session, row, verb, args)
            elif executor != local:
                # else it is checked when it is accepted
                legality.check(session, row, verb, args)
        if dry_run:
            plan = call.runtime.engine.plan(call.context, verb, group, args)
            return {"dry_run": operations_view.dry_run(plan)}
        if executor == local:
            change = acceptance.Change(verb, args, finish=_resolved)
            operation_id = acceptance.accept(call, group, change).id
        else:
            operation_id = _forward(call, group, verb, args)
        return self._accepted(call, operation_id)

    def _accepted(self, call: calls.Call, operation_id: str) -> calls.Answer:
        body = answers.shown_operation(call, operation_id)
        with call.runtime.db.reader() as session:
            row = session.get_one(models.Operation, operation_id)
        return answers.accepted(body, row)


def _parsed(body: Json) -> tuple[c.Verb, Json, bool]:
    """Verb, its args, and whether it is a dry run.

    :raises BadRequest: no verb, several, or none that is available.
    """
    dry_run = bool(body.get("dry_run", False))
    names = [name for name in body if name != "dry_run"]
    if len(names) != 1 or names[0] not in schemas.VERBS:
        known = ", ".join(schemas.VERBS)
        raise exception.BadRequest(
            f"The body must hold exactly one action; available: {known}.",
            given=sorted(names),
            available=list(schemas.VERBS),
        )
    verb, args = names[0], body[names[0]]
    validation.check_value(schemas.VERBS[verb], args, f"The {verb}")
    args = dict(args)
    dry_run = args.pop("dry_run", dry_run)
    if "recovery_point" in args:
        args["recovery_point_id"] = args.pop("recovery_point")
    check_args(verb, args)
    return c.Verb(verb), args, dry_run


def _resolved(args: Json, found: Json) -> Json:
    """With what the engine found out of the other site."""
    return {**args, **found}


def check_args(verb: str, args: Json) -> None:
    """:raises BadRequest: a part of it would not be honoured."""
    planned = args.get("type") == c.FailoverType.PLANNED
    if planned and args.get("recovery_point_id") is not None:
        raise exception.BadRequest(
            f"A planned {verb} makes its last recovery point itself: nothing "
            "that was written before it is lost.",
            remedy="Leave recovery_point out.",
            field="recovery_point",
        )


def check_point(
    session: orm.Session, group: models.ProtectionGroup, args: Json
) -> None:
    """:raises InvalidReference: the chosen point is not of this group."""
    chosen = args.get("recovery_point_id")
    if chosen is not None and chosen != c.PARKED_POINT:
        recovery_points.get(session, group.id, chosen)


def _forward(call: calls.Call, group_id: str, verb: c.Verb, args: Json) -> str:
    """Hand a move to the site that will be primary; the operation's id."""
    operation_id = str(uuid.uuid4())
    operation_actions.forward(
        call,
        group_id,
        {"operation_id": operation_id, "verb": verb, "args": args},
    )
    return operation_id
