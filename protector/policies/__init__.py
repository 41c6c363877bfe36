# SPDX-License-Identifier: Apache-2.0
"""Who may do what: one module of rules per stem.

Rules only; ``protector.policy`` asks them.
"""

import itertools

from oslo_policy import policy

from protector.policies import (
    base,
    consistency_groups,
    health,
    members,
    metadata_sync,
    operations,
    protection_groups,
    replication_policies,
    resource_mappings,
    sites,
    tenant_mappings,
)

MODULES = (
    base,
    sites,
    tenant_mappings,
    protection_groups,
    consistency_groups,
    members,
    replication_policies,
    resource_mappings,
    metadata_sync,
    operations,
    health,
)


def list_rules() -> list[policy.RuleDefault]:
    """All rules of the service, for the enforcer and for the sample."""
    return list(itertools.chain.from_iterable(m.list_rules() for m in MODULES))
