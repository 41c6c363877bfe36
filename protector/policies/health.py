# SPDX-License-Identifier: Apache-2.0
"""Rules of the health of the service."""

from oslo_policy import policy

from protector.policies import base


def list_rules() -> list[policy.RuleDefault]:
    return [
        base.documented(
            "health:show",
            base.ADMIN,
            "Show the health of the service.",
            "GET /v1/health",
        ),
    ]
