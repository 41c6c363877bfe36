# SPDX-License-Identifier: Apache-2.0
"""What a replication policy looks like.  Tokens are write-only."""

from typing import Any

from protector import times
from protector.db import models


def show(policy: models.ReplicationPolicy) -> dict[str, Any]:
    return {
        "primary_fa_url": policy.primary_fa_url,
        "secondary_fa_url": policy.secondary_fa_url,
        "pure_pg_name": policy.pure_pg_name,
        "replication_interval_minutes": policy.replication_interval_minutes,
        "rpo_minutes": policy.rpo_minutes,
        "retention": policy.retention,
        "prestage": policy.prestage,
        "undo_retention_days": policy.undo_retention_days,
        "created_at": times.iso(policy.created_at),
        "updated_at": times.iso(policy.updated_at),
    }
