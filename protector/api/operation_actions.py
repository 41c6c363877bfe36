# SPDX-License-Identifier: Apache-2.0
"""Retry, skip and cancel, here or at the site that executes the operation.

The controllers of users and of the peer share it.
"""

from typing import Any

from protector import constants as c
from protector.api import call as calls
from protector.db import models
from protector.db.api import (
    mirrors,
    operations,
    operations_actions,
    sites,
)

Json = dict[str, Any]

# who may change a running operation: who may ask for its verb
RULE_OF_VERB = {
    c.Verb.CREATE: "protection_groups:create",
    c.Verb.UPDATE: "protection_groups:update",
    c.Verb.DELETE: "protection_groups:delete",
    c.Verb.MEMBER_ADD: "members:create",
    c.Verb.MEMBER_REMOVE: "members:delete",
    c.Verb.POLICY_SET: "replication_policies:update",
    c.Verb.POLICY_DELETE: "replication_policies:delete",
    c.Verb.MAPPINGS_SET: "resource_mappings:update",
    c.Verb.SYNC: "metadata_sync:force",
    c.Verb.REPLICATE: "protection_groups:replicate",
    c.Verb.REPROTECT: "protection_groups:reprotect",
    c.Verb.SOURCE_CLEANUP: "protection_groups:source_cleanup",
    c.Verb.RESOLVE_SPLIT: "protection_groups:resolve_split",
    c.Verb.REHOME: "protection_groups:rehome",
    c.Verb.FAILOVER: "protection_groups:failover",
    c.Verb.FAILBACK: "protection_groups:failback",
    c.Verb.TEST_FAILOVER: "protection_groups:test_failover",
    c.Verb.TEST_CLEANUP: "protection_groups:test_cleanup",
}
RULES = (
    "operations:retry",
    "operations:skip",
    "operations:cancel",
    *dict.fromkeys(RULE_OF_VERB.values()),
)


def run(
    call: calls.Call, operation: models.Operation, action: str, args: Json
) -> None:
    """Do it where the operation is executed."""
    with call.runtime.db.reader() as session:
        local = sites.local(session).id
    if operation.executor_site_id == local:
        here(call, operation.id, action, args)
    else:
        forward(
            call,
            operation.protection_group_id,
            {"operation_id": operation.id, "verb": action, "args": args},
        )


def here(call: calls.Call, operation_id: str, action: str, args: Json) -> None:
    """Do it to an operation of this site, and ring.

    :raises InvalidStatus: the operation is not in a state for it.
    """
    with call.runtime.db.writer() as session:
        operation = operations.get(session, operation_id)
        if action == "retry":
            operations_actions.retry(session, operation)
        elif action == "skip":
            operations_actions.skip(
                session, call.now, operation, args["step_id"]
            )
        else:
            operations_actions.cancel(session, operation)
    call.runtime.engine.start(call.context, operation_id)


def forward(call: calls.Call, group_id: str, action: Json) -> None:
    """Hand it to the other site and store what that site answers.

    :raises PeerUnreachable: it does not.
    """
    told = call.runtime.engine.forward(
        call.context,
        group_id,
        {
            "user_id": call.context.user_id,
            "request_id": call.context.request_id,
            **action,
        },
    )
    told = told.get("operation", told)
    with call.runtime.db.writer() as session:
        local = sites.local(session).id
        row = mirrors.upsert(session, call.now, told, local)
        group = session.get_one(models.ProtectionGroup, group_id)
        group.last_operation_id = row.id
