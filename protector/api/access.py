# SPDX-License-Identifier: Apache-2.0
"""Rows of projects, handed out only to who may see them.

Another project's row is not there: 404, as for an id that does not exist.
"""

from sqlalchemy import orm

from protector import exception
from protector.api import call as calls
from protector.db import models
from protector.db.api import protection_groups

SHOW_GROUP = "protector:protection_groups:show"
SHOW_OPERATION = "protector:operations:show"


def group(
    call: calls.Call,
    session: orm.Session,
    group_id: str,
    rule: str | None = None,
) -> models.ProtectionGroup:
    """The group, when the caller may see it and the rule allows the call.

    :param rule: default: the first that the route declares.
    :raises NotFound: there is none that the caller may see.
    :raises PolicyForbidden: the caller may see it, but not do this.
    """
    missing = exception.NotFound(
        f"There is no protection group {group_id}.", id=group_id
    )
    found = protection_groups.find(session, group_id)
    if found is None:
        raise missing
    call.authorize_visible(found.project_id, SHOW_GROUP, missing, rule)
    return found


def operation(
    call: calls.Call,
    session: orm.Session,
    operation_id: str,
    rule: str | None = None,
) -> models.Operation:
    """The operation, likewise."""
    missing = exception.NotFound(
        f"There is no operation {operation_id}.", id=operation_id
    )
    found = session.get(models.Operation, operation_id)
    if found is None:
        raise missing
    call.authorize_visible(found.project_id, SHOW_OPERATION, missing, rule)
    return found
