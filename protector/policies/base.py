# SPDX-License-Identifier: Apache-2.0
"""The personas that the rules of all resources are made of.

``admin_or_owner`` and ``default`` are names that operators' policy files
override; they must stay.
"""

from oslo_policy import policy

ADMIN = "rule:admin"
MEMBER = "rule:default"
READER = "rule:default or rule:project_reader"
SERVICE = "rule:service"

SCOPES = ["project"]

# retry, skip and cancel ask the rule of the operation's verb, too
OF_OPERATION = (
    "POST /v1/{tenant_id}/operations/{operation_id}/action"
    " (on such an operation)"
)


def documented(
    name: str, persona: str, description: str, *operations: str
) -> policy.DocumentedRuleDefault:
    """One rule of the API.

    :param operations: ``"GET /v1/..."``, each a method and a path.
    """
    pairs = [operation.split(" ", 1) for operation in operations]
    return policy.DocumentedRuleDefault(
        name=f"protector:{name}",
        check_str=persona,
        description=description,
        operations=[{"method": m, "path": p} for m, p in pairs],
        scope_types=SCOPES,
    )


def list_rules() -> list[policy.RuleDefault]:
    return [
        policy.RuleDefault(
            "admin",
            "role:admin",
            "The administrator of the cloud: sees every project.",
            scope_types=SCOPES,
        ),
        policy.RuleDefault(
            "admin_or_owner",
            "role:admin or (role:member and project_id:%(project_id)s)",
            "An administrator, or a member of the project of the row.",
        ),
        policy.RuleDefault(
            "default",
            "rule:admin_or_owner",
            "Who may change what belongs to a project.",
        ),
        policy.RuleDefault(
            "project_reader",
            "role:reader and project_id:%(project_id)s",
            "Who may look at what belongs to a project.",
        ),
        policy.RuleDefault(
            "service",
            "role:service",
            "The Protector of the peer site.",
        ),
    ]
